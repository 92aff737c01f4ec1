/** The commands that look back: `problems`, `show`, `diff` and `export`. */
import { pipeline } from 'node:stream/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../../base/errors.js';
import { inertText } from '../../base/inert.js';
import { TASK_STATES } from '../../model/task-state.js';
import { iterationNumber } from '../arguments.js';
import type { Json } from '../client.js';
import { type Diff, describeDiff } from '../diff.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { jsonArray } from '../json-lines.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { table } from '../table.js';
import { describeTask, type IterationView, problemPath, taskIdArgument, taskPath } from '../task.js';

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
}

export function problemsCommand(program: Command, io: Io): void {
  clientCommand(program, 'problems', 'List problems, newest first')
    .option('--graph <name>', 'only those of this graph')
    .addOption(new Option('--state <state>', 'only those in this state').choices(TASK_STATES))
    .option('--query <text>', 'only those with this in their title or their newest input')
    .option('--filter <expression>', "only those that fit, like 'carbon_footprint.carbon_footprint < 0.2'")
    .option('--order-by <field>', 'in the order of a field; -FIELD from the highest down')
    .option('--limit <number>', '1 to 1000 (default 50)', limit)
    .option('--cursor <cursor>', 'go on after an earlier page')
    .action(async (options: ProblemsOptions) => {
      const session = openSession(options, io);
      const { graph, state, query: q, filter, orderBy, limit: most, cursor } = options;
      const { value } = await session.client.get<Listed>('/v1/problems', {
        graph,
        state,
        q,
        filter,
        order_by: orderBy,
        limit: most,
        cursor,
      });
      session.print(value, () => {
        const rows = value.items.map((one) =>
          ['problem_id', 'state', 'graph', 'created_at', 'title'].map((key) => one[key]),
        );
        const more = value.next_cursor === null ? '' : `\n\nmore: --cursor ${value.next_cursor}`;
        return table(['PROBLEM_ID', 'STATE', 'GRAPH', 'CREATED', 'TITLE'], rows) + more;
      });
    });
}

export function showCommand(program: Command, io: Io): void {
  clientCommand(program, 'show', 'Show a problem, or one of its iterations')
    .argument('<problem_id[/iteration_id]>')
    .action(async (id: string, options: CommonOptions) => {
      const session = openSession(options, io);
      if (id.includes('/')) {
        const { value } = await session.client.get<IterationView>(taskPath(taskIdArgument(id)));
        session.print(value, () => describeTask(value));
      } else {
        const { value } = await session.client.get(problemPath(id));
        session.print(value, () => describeProblem(value));
      }
    });
}

export function diffCommand(program: Command, io: Io): void {
  clientCommand(
    program,
    'diff',
    'Show what differs between two iterations, with the change of numbers in percent',
  )
    .argument('<problem_id>')
    .argument('<a>', 'an iteration', iterationNumber)
    .argument('<b>', 'another', iterationNumber)
    .action(async (problemId: string, a: number, b: number, options: CommonOptions) => {
      const session = openSession(options, io);
      const { value } = await session.client.get<Diff>(`${problemPath(problemId)}/diff`, { a, b });
      session.print(value, () => describeDiff(value));
    });
}

interface ExportOptions extends CommonOptions {
  readonly format: 'jsonl' | 'csv';
}

export function exportCommand(program: Command, io: Io): void {
  clientCommand(program, 'export', 'Write all iterations of a problem, with their outputs, to stdout')
    .argument('<problem_id>')
    .addOption(
      new Option('--format <format>', 'with --json: jsonl').choices(['jsonl', 'csv']).default('jsonl'),
    )
    .addHelpText('after', '\nWith --json the records are the elements of one JSON list.')
    .action(async (problemId: string, options: ExportOptions) => {
      const session = openSession(options, io);
      const format = session.json ? 'jsonl' : options.format;
      const records = await session.client.stream(`${problemPath(problemId)}/export`, { format });
      try {
        const text = session.json ? jsonArray(records) : records;
        const isSeen = (io.stdout as Partial<NodeJS.WriteStream>).isTTY === true;
        await pipeline(isSeen ? inertLines(text) : text, io.stdout, { end: false });
      } catch (thrown) {
        // Who reads has seen enough, as `head` does.
        if ((thrown as { code?: unknown }).code !== 'EPIPE') throw brokenOff(thrown);
      }
    });
}

/** For a terminal. A file or a pipe gets every byte as it is. */
async function* inertLines(text: AsyncIterable<unknown>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const piece of text)
    yield inertText(
      typeof piece === 'string' ? piece : decoder.decode(piece as Uint8Array, { stream: true }),
    );
}

function brokenOff(cause: unknown): CliError {
  return new CliError(EXIT.failed, 'export_broken', `The export broke off: ${messageOf(cause)}`, { cause });
}

function describeProblem(problem: Json): string {
  const iterations = (problem.newest_iterations ?? []) as readonly Json[];
  const rows = iterations.map((one) =>
    ['iteration_id', 'state', 'parent_iteration_id', 'graph_version', 'created_at'].map((key) => one[key]),
  );
  const title = problem.title ? `  ${String(problem.title).replace(/\s+/g, ' ')}` : '';
  return [
    `${String(problem.problem_id)}  ${String(problem.graph)}  ${String(problem.state)}${title}`,
    '',
    table(['ITERATION', 'STATE', 'PARENT', 'GRAPH VERSION', 'CREATED'], rows),
  ].join('\n');
}

function limit(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 1000) return value;
  throw new InvalidArgumentError('It is a whole number from 1 to 1000.');
}
