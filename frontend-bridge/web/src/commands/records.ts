/** Commands as the events of a task or a node tell of them. */
import type { ErrorJson } from '../../../../src/contract/answer.js';
import type { EventJson } from '../../../../src/contract/event.js';
import { formatDuration } from '../display/time.js';
import { errorOf, text } from '../state/event-fields.js';

export interface CommandRecord {
  readonly command_id: string;
  readonly command: string;
  readonly module: string | undefined;
  readonly reason: string | undefined;
  readonly issued_at: string;
  readonly state: 'pending' | 'acked' | 'refused' | 'expired';
  readonly answered_at: string | null;
  /** When the last execution that it stopped had ended. */
  readonly stopped_at: string | null;
  readonly error: ErrorJson | undefined;
}

/** The commands in `events` (in any order), oldest first. */
export function commandsOf(events: readonly EventJson[]): CommandRecord[] {
  const records = new Map<string, CommandRecord>();
  const own = events.filter((event) => event.type.startsWith('command.'));
  for (const event of own.sort((a, b) => a.seq - b.seq)) {
    const id = text(event, 'command_id') ?? '';
    const record = records.get(id);
    if (event.type === 'command.issued') {
      records.set(id, {
        command_id: id,
        command: text(event, 'command') ?? '',
        module: event.module,
        reason: text(event, 'reason') || undefined,
        issued_at: event.at,
        state: 'pending',
        answered_at: null,
        stopped_at: null,
        error: undefined,
      });
    } else if (record) {
      records.set(id, answered(record, event));
    }
  }
  return [...records.values()];
}

function answered(record: CommandRecord, event: EventJson): CommandRecord {
  switch (event.type) {
    case 'command.acked':
      return { ...record, state: 'acked', answered_at: event.at };
    case 'command.refused':
      return { ...record, state: 'refused', answered_at: event.at, error: errorOf(event) };
    case 'command.expired':
      return { ...record, state: 'expired', answered_at: event.at };
    case 'command.stopped':
      return { ...record, stopped_at: event.at };
    default:
      return record;
  }
}

/** Where a command stands, in words: `Stop: acknowledged in 12 ms, stopped after 80 ms`. */
export function describeCommand(record: CommandRecord): string {
  const name = `${record.command.charAt(0).toUpperCase()}${record.command.slice(1)}`;
  const what = record.module === undefined ? name : `${name} ${record.module}`;
  const after = (at: string): string => formatDuration(Date.parse(at) - Date.parse(record.issued_at));
  const stopped = record.stopped_at === null ? '' : `, stopped after ${after(record.stopped_at)}`;
  switch (record.state) {
    case 'pending':
      return `${what}: pending${stopped}`;
    case 'acked':
      return `${what}: acknowledged in ${after(record.answered_at ?? record.issued_at)}${stopped}`;
    case 'refused':
      return `${what}: refused${record.error ? `, ${record.error.message}` : ''}${stopped}`;
    case 'expired':
      return `${what}: no answer in time${stopped}`;
    default:
      return record.state satisfies never;
  }
}
