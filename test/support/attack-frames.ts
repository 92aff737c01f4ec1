/** Real frames of every kind, and what a hostile peer makes of them: seeded, so that a run can be repeated. */
import { randomUUID } from 'node:crypto';
import type { NodeMessage, Output } from '../../src/model/protocol.js';
import { PROTOCOL_VERSION } from '../../src/model/protocol.js';
import { encodeOutputs, encodeToOrchestrator } from '../../src/wire/codec.js';
import type { Random } from './random.js';

/** An execution as its node knows it. */
export interface Known {
  readonly executionId: string;
  readonly lease: string;
}

export interface Registration {
  readonly nodeId: string;
  readonly incarnation: number;
}

export const NOBODY: Registration = { nodeId: '', incarnation: 0 };

export function helloOf(module: string, instance: string, more: object = {}): NodeMessage {
  return {
    ...{ kind: 'hello', module, instance, bootId: randomUUID(), version: '', capacity: 1, labels: {} },
    ...{ outputType: '', status: 'INACTIVE', held: [], token: '' },
    ...more,
  } as NodeMessage;
}

/** One message of every kind, about this execution. */
export function everyMessage({ executionId, lease }: Known): NodeMessage[] {
  const error = { code: 'x', message: 'y', retryable: true };
  const about = { executionId, lease };
  return [
    helloOf('work', 'hostile', { held: [{ ...about, state: 'RUNNING' }] }),
    { kind: 'heartbeat', status: 'RUNNING', running: [executionId] },
    { kind: 'node_report', status: 'ERROR', error },
    ...(['ACCEPTED', 'REJECTED', 'RUNNING', 'PROGRESS', 'FAILED', 'CANCELLED', 'PREEMPTED'] as const).map(
      (state): NodeMessage => ({
        ...{ kind: 'execution_report', ...about, state, lastSeq: 3, progress: 0.5, message: 'm', error },
      }),
    ),
    { kind: 'command_ack', commandId: executionId, executionId, accepted: false, error },
    { kind: 'config_reply', transactionId: executionId, success: true, configuration: 'c' },
    { kind: 'log', ...about, at: 1, level: 'info', message: 'm', fields: { a: 'b' } },
    {
      ...{ kind: 'log', ...about, at: 1, level: 'warn', message: 'm', fields: {} },
      whole: { stream: 'stdout', blob: { sha256: 'a'.repeat(64), size: 3 } },
    },
    { kind: 'kept', executions: [about] },
    { kind: 'goodbye' },
  ];
}

export function controlFrame(from: Registration, ...messages: readonly NodeMessage[]): Buffer {
  return Buffer.from(encodeToOrchestrator({ protocolVersion: PROTOCOL_VERSION, ...from, messages }));
}

export function outputsFrame(...outputs: readonly Output[]): Buffer {
  return Buffer.from(encodeOutputs({ protocolVersion: PROTOCOL_VERSION, outputs }));
}

export function outputOf({ executionId, lease }: Known, seq: number, more: Partial<Output> = {}): Output {
  const payload = { kind: 'inline', bytes: Buffer.from('{"from":"hostile"}') } as const;
  return { executionId, lease, seq, last: true, type: 'json', payload, ...more };
}

export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.whole(0, 255)));
}

/** Cut off, with bits flipped, spliced, repeated, or something else altogether. */
export function mangled(random: Random, frame: Buffer): Buffer {
  const at = random.whole(0, frame.length);
  switch (random.weighted({ truncate: 3, flip: 5, insert: 2, double: 1, noise: 2, lengths: 2 })) {
    case 'truncate':
      return frame.subarray(0, at);
    case 'flip': {
      const flipped = Buffer.from(frame);
      for (let flips = random.whole(1, 8); flips > 0; flips -= 1) {
        const byte = random.whole(0, frame.length - 1);
        flipped[byte] = (flipped[byte] ?? 0) ^ (1 << random.whole(0, 7));
      }
      return flipped;
    }
    case 'insert':
      return Buffer.concat([
        frame.subarray(0, at),
        randomBytes(random, random.whole(1, 20)),
        frame.subarray(at),
      ]);
    case 'double':
      return Buffer.concat([frame, frame]);
    case 'noise':
      return randomBytes(random, random.whole(0, 200));
    case 'lengths': {
      // A field that claims to be far longer than what follows, or nested very deep.
      const deep = random.chance(0.5);
      return deep
        ? Buffer.alloc(5000, Buffer.from([0x22, 0x80, 0x10]))
        : Buffer.concat([frame, Buffer.from([0x22, 0xff, 0xff, 0xff, 0xff, 0x0f])]);
    }
  }
}
