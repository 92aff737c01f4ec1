/** The commands that look back: `problems`, `show` and `diff`. */
import { type Command, Option } from 'commander';
import type { TaskAnswerJson } from '../../contract/iteration.js';
import { shortId } from '../../model/short-id.js';
import { TASK_STATES } from '../../model/task-state.js';
import { iterationNumber, pageLimit } from '../arguments/arguments.js';
import { problemIdOf, taskIdOf } from '../arguments/short-ids.js';
import type { Json } from '../client.js';
import type { Io } from '../io.js';
import { type Diff, describeDiff } from '../print/diff.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { problemPath, taskPath } from '../tasks/task.js';
import { printTask } from './print-task.js';
import { describeRemarks } from './problem.js';

interface Listed {
  readonly items: readonly Json[];
  readonly next_cursor: string | null;
}

interface ProblemsOptions extends CommonOptions {
  readonly graph?: string;
  readonly state?: string;
  readonly query?: string;
  readonly filter?: string;
  readonly orderBy?: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly starred?: boolean;
  readonly tag?: string;
  readonly archived?: boolean;
  readonly all?: boolean;
}

export function problemsCommand(program: Command, io: Io): void {
  clientCommand(program, 'problems', 'List problems, newest first')
    .option('--graph <name>', 'only problems of this graph')
    .addOption(new Option('--state <state>', 'only entries in this state').choices(TASK_STATES))
    .option('--query <text>', 'only problems that contain this in their title, tags, notes or newest input')
    .option('--starred', 'only starred problems')
    .option('--tag <tag>', 'only problems with this tag')
    .option('--archived', 'only archived problems')
    .option('--all', 'include archived problems')
    .option('--filter <expression>', "only matches, such as 'carbon_footprint.carbon_footprint < 0.2'")
    .option('--order-by <field>', 'sort by a field; -FIELD sorts in descending order')
    .option('--limit <number>', '1 to 1000 (default 50)', pageLimit)
    .option('--cursor <cursor>', 'continue after an earlier page')
    .action(async (options: ProblemsOptions) => {
      const session = openSession(options, io);
      const { graph, state, query: q, filter, orderBy, limit: most, cursor, starred, tag } = options;
      const { value } = await session.client.get<Listed>('/v1/problems', {
        graph,
        state,
        q,
        starred: starred ? 'true' : undefined,
        tag,
        archived: archivedOf(options),
        filter,
        order_by: orderBy,
        limit: most,
        cursor,
      });
      session.print(value, () => {
        const rows = value.items.map((one) => [
          shortId(String(one.problem_id)),
          ...['state', 'graph', 'created_at'].map((key) => one[key]),
          titleCell(one),
        ]);
        const more = value.next_cursor === null ? '' : `\n\nmore: --cursor ${value.next_cursor}`;
        return table(['PROBLEM_ID', 'STATE', 'GRAPH', 'CREATED', 'TITLE'], rows) + more;
      });
    });
}

/** A filter that speaks of archived problems says itself which of them are meant. */
function archivedOf({ archived, all, filter }: ProblemsOptions): string | undefined {
  if (archived) return 'true';
  return all || /\barchived\b/.test(filter ?? '') ? undefined : 'false';
}

/** Its title, with the star before it and the tags behind it. */
function titleCell({ title, starred, archived, tags }: Json): string {
  const said = [
    ...(starred === true ? ['★'] : []),
    ...(title ? [String(title)] : []),
    ...((tags ?? []) as string[]).map((tag) => `[${tag}]`),
    ...(archived === true ? ['(archived)'] : []),
  ];
  return said.join(' ');
}

export function showCommand(program: Command, io: Io): void {
  clientCommand(program, 'show', 'Show a problem, or one of its iterations')
    .argument('<problem_id[/iteration_id]>')
    .action(async (id: string, options: CommonOptions) => {
      const session = openSession(options, io);
      if (id.includes('/')) {
        const { value } = await session.client.get<TaskAnswerJson>(
          taskPath(await taskIdOf(session.client, id)),
        );
        printTask(session, value);
      } else {
        const { value } = await session.client.get(problemPath(await problemIdOf(session.client, id)));
        session.print(value, () => describeProblem(value));
      }
    });
}

export function diffCommand(program: Command, io: Io): void {
  clientCommand(
    program,
    'diff',
    'Show the differences between two iterations, with numeric changes in percent',
  )
    .argument('<problem_id>')
    .argument('<a>', 'an iteration', iterationNumber)
    .argument('<b>', 'another', iterationNumber)
    .action(async (problemId: string, a: number, b: number, options: CommonOptions) => {
      const session = openSession(options, io);
      const path = problemPath(await problemIdOf(session.client, problemId));
      const { value } = await session.client.get<Diff>(`${path}/diff`, { a, b });
      session.print(value, () => describeDiff(value));
    });
}

function describeProblem(problem: Json): string {
  const iterations = (problem.newest_iterations ?? []) as readonly Json[];
  const rows = iterations.map((one) =>
    ['iteration_id', 'state', 'parent_iteration_id', 'graph_version', 'created_at'].map((key) => one[key]),
  );
  const [, ...said] = describeRemarks(problem);
  const title = titleCell({ ...problem, tags: [] });
  return [
    [problem.problem_id, problem.graph, problem.state, ...(title ? [title.replace(/\s+/g, ' ')] : [])].join(
      '  ',
    ),
    ...said,
    '',
    table(['ITERATION', 'STATE', 'PARENT', 'GRAPH VERSION', 'CREATED'], rows),
  ].join('\n');
}
