/**
 * Ids as people have them at hand: whole, or only their end. Of the ids that begin alike, since they begin with the time, the end is what
 * tells one from another.
 */
import { isUuid } from '../../base/ids.js';
import type { TaskId } from '../../model/task-id.js';
import type { Client, Json } from '../client.js';
import { everyItem } from '../every-item.js';
import { CliError, EXIT } from '../exit.js';
import { problemPath, taskIdArgument } from '../tasks/task.js';

/** Fewer letters fit too much. */
const SHORTEST = 4;
const SUFFIX = /^[0-9a-f-]+$/i;
const SHOWN = 5;

/** The problem with this id, or with the only id that ends so. Throws `ambiguous_id`. */
export async function problemIdOf(client: Client, text: string): Promise<string> {
  if (isUuid(text) || !isSuffix(text)) return text;
  const found = await everyItem(client, '/v1/problems', { filter: `problem_id ~ "${text}"` });
  const ids = found.map(({ problem_id }) => String(problem_id));
  return only(text, ids, 'PROBLEM_ID');
}

/**
 * `<problem_id>/<iteration_id>`, of which the problem's may be short; a problem alone stands for its newest iteration. Throws `bad_task_id`,
 * `ambiguous_id`, `unknown_problem`.
 */
export async function taskIdOf(client: Client, text: string): Promise<TaskId> {
  const [problem = '', ...rest] = text.split('/');
  const id = await problemIdOf(client, problem);
  if (isUuid(id))
    return taskIdArgument(`${id}/${rest.length > 0 ? rest.join('/') : await newestOf(client, id)}`);
  if (!isSuffix(problem)) return taskIdArgument(text);
  throw new CliError(
    EXIT.badInput,
    'unknown_problem',
    `TASK_ID: no problem has an id that ends with ${problem}.`,
  );
}

async function newestOf(client: Client, problemId: string): Promise<string> {
  const { value } = await client.get(problemPath(problemId));
  return String(value.newest_iteration_id);
}

/** The node with this id, with this name of an instance, or with the only id that ends so. Throws `ambiguous_id`. */
export async function nodeIdOf(client: Client, text: string): Promise<string> {
  if (isUuid(text)) return text;
  const nodes = await everyItem(client, '/v1/nodes');
  const named = nodes.filter(({ instance }) => instance === text);
  if (named.length > 1) throw ambiguousName(text, named);
  if (named[0]) return String(named[0].node_id);
  if (!isSuffix(text)) return text;
  return only(
    text,
    nodes.map(({ node_id }) => String(node_id)),
    'NODE_ID',
  );
}

function isSuffix(text: string): boolean {
  return text.length >= SHORTEST && SUFFIX.test(text);
}

/** A program that plays several modules is a node of each, all of one name. */
function ambiguousName(name: string, nodes: readonly Json[]): CliError {
  const some = nodes.slice(0, SHOWN).map(({ node_id: id, module }) => `${String(id)} (${String(module)})`);
  const more = nodes.length > SHOWN ? ` and ${nodes.length - SHOWN} more` : '';
  const message = `NODE_ID: ${nodes.length} nodes are named ${name}: ${some.join(', ')}${more}.`;
  return new CliError(EXIT.badInput, 'ambiguous_id', message, { hint: 'Give the end of an id.' });
}

/** Where no id ends so, the text itself: the orchestrator says that there is none. */
export function only(text: string, ids: readonly string[], argument: string): string {
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
