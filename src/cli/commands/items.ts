/** `tutti items`: the items of a module with `map`, or one of them. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { inertText } from '../../base/inert.js';
import type { PageJson } from '../../contract/answer.js';
import type { ItemAnswerJson, ItemJson, ItemStatesJson } from '../../contract/iteration.js';
import { MODULE_STATES, type ModuleState } from '../../model/execution.js';
import { shortId } from '../../model/short-id.js';
import { pageLimit } from '../arguments/arguments.js';
import { taskIdOf } from '../arguments/short-ids.js';
import type { Io } from '../io.js';
import { inYaml, shownValue } from '../print/shown-values.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';
import { taskPath } from '../tasks/task.js';

interface ItemsOptions extends CommonOptions {
  readonly state?: ModuleState;
  readonly from?: number;
  readonly limit?: number;
  readonly cursor?: string;
}

export function itemsCommand(program: Command, io: Io): void {
  clientCommand(program, 'items', 'List the items of a module with map, or show one of them')
    .argument('<task_id>')
    .argument('<module>')
    .argument('[item]', 'its number: show its value, its result and its attempts', itemNumber)
    .addOption(new Option('--state <state>', 'only items in this state').choices(MODULE_STATES))
    .option('--from <item>', 'begin at this number', itemNumber)
    .option('--limit <number>', '1 to 1000 (default 50)', pageLimit)
    .option('--cursor <cursor>', 'continue after an earlier page')
    .action(async (task: string, module: string, item: number | undefined, options: ItemsOptions) => {
      const session = openSession(options, io);
      const path = `${taskPath(await taskIdOf(session.client, task))}/items/${encodeURIComponent(module)}`;
      if (item === undefined) await list(session, path, options);
      else await show(session, `${path}/${item}`);
    });
}

async function list({ client, print, json }: Session, path: string, options: ItemsOptions): Promise<void> {
  const { state, from, limit, cursor } = options;
  const { value: page } = await client.get<PageJson<ItemJson>>(path, { state, from, limit, cursor });
  const counts = json ? '' : inWords((await client.get<ItemStatesJson>(`${path}/states`)).value);
  print(page, () => {
    const columns = ['ITEM', 'STATE', 'ATTEMPT', 'NODE', 'ASSIGNED', 'FINISHED', 'NOTE'];
    const more = page.next_cursor === null ? '' : `\n\nmore: --cursor ${page.next_cursor}`;
    return `${counts}\n\n${table(columns, page.items.map(rowOf))}${more}`;
  });
}

/** `10000 items: 6000 succeeded, 100 running, 3900 waiting` */
function inWords({ total, counts }: ItemStatesJson): string {
  const states = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  return [`${total} ${total === 1 ? 'item' : 'items'}`, ...(total > 0 ? [states.join(', ')] : [])].join(': ');
}

function rowOf(item: ItemJson): unknown[] {
  const { attempt, node_id: node, assigned_at, finished_at } = item;
  return [item.item, item.state, attempt, node && shortId(node), assigned_at, finished_at, noteOf(item)];
}

function noteOf({ error, waiting_reason, cached_from: source }: ItemJson): string {
  if (waiting_reason !== null) return waiting_reason;
  if (error) return `${error.code}: ${error.message}`;
  return source ? `from ${shortId(source.problem_id)}/${source.iteration_id}` : '';
}

async function show({ client, print }: Session, path: string): Promise<void> {
  const { value: item } = await client.get<ItemAnswerJson>(path);
  print(item, () => {
    const note = inertText(noteOf(item));
    const head = `item ${item.item}  ${item.state}${note === '' ? '' : `  ${note}`}`;
    const values = inYaml({ value: shownValue(item.value), result: shownValue(item.result) });
    const columns = ['ATTEMPT', 'STATE', 'NODE', 'ASSIGNED', 'FINISHED', 'ERROR'];
    const rows = item.executions.map(({ attempt, state, node_id, assigned_at, finished_at, error }) => [
      ...[attempt, state, shortId(node_id), assigned_at, finished_at],
      error && `${error.code}: ${error.message}`,
    ]);
    return [head, '', values, ...(rows.length > 0 ? ['', table(columns, rows)] : [])].join('\n');
  });
}

function itemNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is the number of an item: a whole number from 0.');
}
