import type { NodeMessage, Output, ReportedError } from '../model/protocol.js';

/** Ids, lease and framing of one message, generously. */
const OVERHEAD_BYTES = 512;
/** A character of a text takes at most so many bytes. */
const BYTES_PER_CHAR = 3;

/** Well below the orchestrator's limit for one frame. */
const MAX_MESSAGES = 1_000;

/** Splits a batch in frames that stay below `maxBytes` and 1,000 messages each, in order; a single item that is larger goes alone. */
export function inFrames<T>(batch: readonly T[], sizeOf: (item: T) => number, maxBytes: number): T[][] {
  const frames: T[][] = [];
  let size = 0;
  for (const item of batch) {
    const itemSize = sizeOf(item);
    if (frames.length === 0 || size + itemSize > maxBytes || frames.at(-1)!.length === MAX_MESSAGES) {
      frames.push([]);
      size = 0;
    }
    frames.at(-1)!.push(item);
    size += itemSize;
  }
  return frames;
}

/** At most so many bytes on the wire. */
export function outputSize({ payload }: Output): number {
  return OVERHEAD_BYTES + (payload.kind === 'inline' ? payload.bytes.byteLength : 0);
}

/** At most so many bytes on the wire. */
export function messageSize(message: NodeMessage): number {
  switch (message.kind) {
    case 'hello':
      return (
        OVERHEAD_BYTES * (1 + message.held.length + Object.keys(message.labels).length) +
        (message.schemas ?? []).reduce(
          (sum, { definition }) => sum + OVERHEAD_BYTES + definition.byteLength,
          0,
        )
      );
    case 'heartbeat':
      return OVERHEAD_BYTES + message.running.length * 64;
    case 'kept':
      return OVERHEAD_BYTES * (1 + message.executions.length);
    case 'log': {
      const fields = Object.entries(message.fields);
      const chars = fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
      const words = message.command?.argv ?? [];
      const told = words.reduce((sum, word) => sum + word.length + 8, 0);
      return OVERHEAD_BYTES + fields.length * 8 + (message.message.length + chars + told) * BYTES_PER_CHAR;
    }
    case 'execution_report':
      return OVERHEAD_BYTES + message.message.length * BYTES_PER_CHAR + errorSize(message.error);
    case 'config_reply':
      return OVERHEAD_BYTES + message.configuration.length * BYTES_PER_CHAR + errorSize(message.error);
    case 'node_report':
    case 'command_ack':
      return OVERHEAD_BYTES + errorSize(message.error);
    case 'goodbye':
      return OVERHEAD_BYTES;
    default:
      return message satisfies never;
  }
}

function errorSize(error: ReportedError | undefined): number {
  return error ? (error.message.length + (error.stack?.length ?? 0)) * BYTES_PER_CHAR : 0;
}
