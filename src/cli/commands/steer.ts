/** The commands that steer: `nodes`, `node` and `task`. */
import { Argument, type Command } from 'commander';
import { shortId } from '../../model/short-id.js';
import { nodeIdOf, taskIdOf } from '../arguments/short-ids.js';
import { finishCommand } from '../command-outcome.js';
import { everyItem } from '../every-item.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';
import { taskPath } from '../tasks/task.js';
import { nodeKeyCommands } from './node-keys.js';

interface ReasonOptions extends CommonOptions {
  readonly reason?: string;
}

interface TaskOptions extends ReasonOptions {
  readonly module?: string;
}

/** A node has ten seconds to answer; the orchestrator then says so itself. */
const CONFIGURE_TIMEOUT_MS = 30_000;

export function nodesCommand(program: Command, io: Io): void {
  clientCommand(program, 'nodes', 'List nodes').action(async (options: CommonOptions) => {
    const session = openSession(options, io);
    const items = await everyItem(session.client, '/v1/nodes');
    session.print({ items, next_cursor: null }, () => {
      const rows = items.map((node) => [
        shortId(String(node.node_id)),
        ...['module', 'instance', 'status', 'desired_status', 'liveness'].map((key) => node[key]),
        `${(node.running as unknown[]).length}/${String(node.capacity)}`,
        ...loadCells(node.load),
        (node.warning as { code?: string } | null | undefined)?.code,
      ]);
      const columns = ['NODE_ID', 'MODULE', 'INSTANCE', 'STATUS', 'DESIRED', 'LIVENESS', 'RUNNING'];
      const warned = items.flatMap(({ instance, warning }) => warningLine(instance, warning));
      return [table([...columns, 'CPU', 'MEMORY', 'WARNING'], rows), ...warned].join('\n');
    });
  });
}

/** The note below the list about a node that needs attention. */
function warningLine(instance: unknown, warning: unknown): string[] {
  const { code, message, hint } = (warning ?? {}) as { code?: string; message?: string; hint?: string };
  return code === undefined ? [] : [`${String(instance)}: ${code}: ${message}${hint ? ` (${hint})` : ''}`];
}

/** Percent of one core, and MiB; empty where the node does not say. */
function loadCells(load: unknown): [string, string] {
  const { cpu, memory_bytes: bytes } = (load ?? {}) as { cpu?: unknown; memory_bytes?: unknown };
  return [
    typeof cpu === 'number' ? `${Math.round(cpu * 100)} %` : '',
    typeof bytes === 'number' ? `${Math.round(bytes / 2 ** 20)} MiB` : '',
  ];
}

export function nodeCommand(program: Command, io: Io): void {
  const node = clientCommand(
    program,
    'node',
    'Command, configure or remove a node, or manage the keys of nodes',
  );
  clientCommand(node, 'remove', 'Remove a dead node that has no work')
    .argument('<node_id>')
    .action(async (nodeId: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const id = await nodeIdOf(session.client, nodeId);
      const removed = await session.client.delete(`/v1/nodes/${encodeURIComponent(id)}`);
      session.print(removed, () => `${id}  removed`);
    });
  node
    .argument('<node_id>')
    .addArgument(new Argument('<command>').choices(['start', 'stop', 'reset', 'terminate', 'configure']))
    .argument('[text]', 'with configure: the configuration')
    .option('--reason <reason>', 'the reason, for the history')
    .action(async (nodeId: string, command: string, text: string | undefined, options: ReasonOptions) => {
      const session = openSession(options, io);
      const path = `/v1/nodes/${encodeURIComponent(await nodeIdOf(session.client, nodeId))}`;
      if (command === 'configure') return configure(session, path, text);
      const body = { command, ...(options.reason !== undefined && { reason: options.reason }) };
      await finishCommand(session, await session.client.post(`${path}/commands`, body));
    });
  node.enablePositionalOptions();
  nodeKeyCommands(node, io);
}

async function configure(session: Session, path: string, text: string | undefined): Promise<void> {
  if (text === undefined) {
    throw new CliError(
      EXIT.badInput,
      'missing_argument',
      'TEXT: `tutti node NODE_ID configure TEXT` needs the configuration.',
    );
  }
  const options = { timeoutMs: CONFIGURE_TIMEOUT_MS };
  const answer = await session.client.post(`${path}/configuration`, { configuration: text }, options);
  session.print(answer, () => String(answer.configuration ?? ''));
  if (answer.success === true) return;
  const error = answer.error as { code?: string; message?: string } | undefined;
  const because = error?.message === undefined ? '' : `: ${error.code}: ${error.message}`;
  throw new CliError(EXIT.failed, 'not_configured', `The node did not take the configuration${because}`, {
    answered: true,
  });
}

export function taskCommand(program: Command, io: Io): void {
  clientCommand(program, 'task', 'Command a task')
    .argument('<task_id>')
    .addArgument(new Argument('<command>').choices(['stop', 'reset', 'preempt', 'terminate']))
    .option('--module <module>', 'only this module (with reset: also the modules that depend on it)')
    .option('--reason <reason>', 'the reason, for the history')
    .action(async (taskId: string, command: string, options: TaskOptions) => {
      const session = openSession(options, io);
      const { module, reason } = options;
      const body = {
        command,
        ...(module !== undefined && { module }),
        ...(reason !== undefined && { reason }),
      };
      const path = taskPath(await taskIdOf(session.client, taskId));
      await finishCommand(session, await session.client.post(`${path}/commands`, body));
    });
}
