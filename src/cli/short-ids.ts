/**
 * Ids as people have them at hand: whole, or only their end. Of the ids that begin alike, since they begin with the time, the end is what
 * tells one from another.
 */
import { isUuid } from '../base/ids.js';
import type { TaskId } from '../model/task-id.js';
import type { Client, Json } from './client.js';
import { CliError, EXIT } from './exit.js';
import { taskIdArgument } from './task.js';

/** Fewer letters fit too much. */
const SHORTEST = 4;
const SUFFIX = /^[0-9a-f-]+$/i;
const SHOWN = 5;

interface Listed {
  readonly items: readonly Json[];
  readonly next_cursor: string | null;
}

/** The problem with this id, or with the only id that ends so. Throws `ambiguous_id`. */
export async function problemIdOf(client: Client, text: string): Promise<string> {
  if (isUuid(text) || text.length < SHORTEST || !SUFFIX.test(text)) return text;
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const { value } = await client.get<Listed>('/v1/problems', {
      filter: `problem_id ~ "${text}"`,
      limit: 1000,
      cursor,
    });
    ids.push(...value.items.map((one) => String(one.problem_id)));
    cursor = value.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return only(text, ids, 'PROBLEM_ID');
}

/** `<problem_id>/<iteration_id>`, of which the problem's may be short. Throws `bad_task_id`, `ambiguous_id`. */
export async function taskIdOf(client: Client, text: string): Promise<TaskId> {
  const [problem = '', ...rest] = text.split('/');
  return taskIdArgument([await problemIdOf(client, problem), ...rest].join('/'));
}

/** The node with this id, with this name of an instance, or with the only id that ends so. Throws `ambiguous_id`. */
export async function nodeIdOf(client: Client, text: string): Promise<string> {
  if (isUuid(text)) return text;
  const nodes: Json[] = [];
  let cursor: string | undefined;
  do {
    const { value } = await client.get<Listed>('/v1/nodes', { limit: 1000, cursor });
    nodes.push(...value.items);
    cursor = value.next_cursor ?? undefined;
  } while (cursor !== undefined);
  const named = nodes.find(({ instance }) => instance === text);
  if (named) return String(named.node_id);
  if (text.length < SHORTEST || !SUFFIX.test(text)) return text;
  return only(
    text,
    nodes.map(({ node_id }) => String(node_id)),
    'NODE_ID',
  );
}

/** Where no id ends so, the text itself: the orchestrator says that there is none. */
function only(text: string, ids: readonly string[], argument: string): string {
  const fitting = ids.filter((id) => id.endsWith(text.toLowerCase()));
  if (fitting.length < 2) return fitting[0] ?? text;
  const some = fitting.slice(0, SHOWN).join(', ');
  const more = fitting.length > SHOWN ? ` and ${fitting.length - SHOWN} more` : '';
  throw new CliError(
    EXIT.badInput,
    'ambiguous_id',
    `${argument}: ${fitting.length} ids end with ${text}: ${some}${more}.`,
    { hint: 'Give more of its end.' },
  );
}
