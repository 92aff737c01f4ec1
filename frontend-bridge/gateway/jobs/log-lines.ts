/** The lines of an execution's log, from the first to the last that there is. */
import type { TaskId } from '../../../src/model/task-id.js';
import type { Queries } from '../../../src/orchestrator/port.js';
import { refusalError } from '../errors.js';

export interface JobLine {
  /** `stdout` or `stderr`; absent: the agent or the orchestrator says it. */
  readonly stream: string | undefined;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

const PAGE = 1000;

export async function* logLines(
  queries: Queries,
  task: TaskId,
  executionId: string,
): AsyncGenerator<JobLine> {
  let cursor: string | null | undefined;
  do {
    const page = { limit: PAGE, ...(typeof cursor === 'string' && { cursor }) };
    const found = await queries.executionLog(task, executionId, page);
    if ('ok' in found) throw refusalError(found);
    for (const item of found.value.items) {
      const { message, fields = {} } = item as unknown as Omit<JobLine, 'stream'>;
      yield { stream: fields.stream, message, fields };
    }
    cursor = found.value.next_cursor;
  } while (cursor !== null);
}

/** As text: what the command wrote, and where some of it is left out. */
export function textOf({ stream, message, fields }: JobLine): string {
  if (stream !== undefined) return `${message}\n`;
  return fields.left_out_bytes === undefined && fields.left_out === undefined ? '' : `[${message}]\n`;
}
