/** `tutti cluster`: where commands run. */
import { type Command, Option } from 'commander';
import { AGENT_KINDS, CLUSTER_TYPES } from '../../model/cluster.js';
import type { Json } from '../client.js';
import { everyItem } from '../every-item.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';

interface AddOptions extends CommonOptions {
  readonly type?: string;
  readonly host?: string;
  readonly port?: string;
  readonly user?: string;
  readonly identity?: string;
  readonly hostKey?: string;
  readonly workdir?: string;
  readonly slots?: string;
  readonly label: Readonly<Record<string, string>>;
  readonly agent?: string;
}

const STATUSES = { drain: 'draining', deactivate: 'inactive', activate: 'active' } as const;
const MEANINGS = {
  drain: 'Stop sending new work to a cluster; running work ends by itself',
  deactivate: 'Stop sending new work to a cluster; running work continues',
  activate: 'Send work to a cluster again',
} as const;

export function clusterCommand(program: Command, io: Io): void {
  const cluster = program.command('cluster').description('Add, list, show, drain and remove clusters');

  clientCommand(cluster, 'add', 'Add a cluster')
    .argument('<name>')
    .addOption(
      new Option('--type <type>', 'how commands are started on it')
        .choices(CLUSTER_TYPES)
        .makeOptionMandatory(),
    )
    .option('--host <host>', 'its host, for SSH')
    .option('--port <n>', 'the port of its SSH server')
    .option('--user <user>', 'the user to log in as')
    .option('--identity <file>', "the key to log in with: a path on the agent's machine")
    .option('--host-key <key>', 'its pinned host key: ssh-ed25519 AAAA…')
    .option('--workdir <dir>', 'the folder for working folders')
    .option('--slots <n>', 'the number of executions at the same time')
    .option('--label <k=v>', 'a label (repeatable)', addLabel, {})
    .addOption(
      new Option(
        '--agent <kind>',
        'whether the orchestrator runs its agent (managed) or you do (remote)',
      ).choices(AGENT_KINDS),
    )
    .action(async (name: string, options: AddOptions) => {
      const session = openSession(options, io);
      const added = await session.client.post('/v1/clusters', bodyOf(name, options));
      session.print(added, () => `${name}  added`);
    });

  clientCommand(cluster, 'list', 'List clusters').action(async (options: CommonOptions) => {
    const session = openSession(options, io);
    const items = await everyItem(session.client, '/v1/clusters');
    session.print({ items, next_cursor: null }, () => {
      const columns = ['NAME', 'TYPE', 'STATUS', 'AGENT', 'RUNNING', 'LABELS', 'PROBLEM'];
      return table(columns, items.map(rowOf));
    });
  });

  clientCommand(cluster, 'show', 'Show a cluster')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const { value } = await session.client.get(pathOf(name));
      session.print(value, () => table(['FIELD', 'VALUE'], Object.entries(value).map(fieldOf)));
    });

  for (const [command, status] of Object.entries(STATUSES)) {
    clientCommand(cluster, command, MEANINGS[command as keyof typeof MEANINGS])
      .argument('<name>')
      .action(async (name: string, options: CommonOptions) => {
        const session = openSession(options, io);
        const changed = await session.client.patch(pathOf(name), { status });
        session.print(changed, () => `${name}  ${status}`);
      });
  }

  clientCommand(cluster, 'remove', 'Remove a cluster that runs nothing')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const removed = await session.client.delete(pathOf(name));
      session.print(removed, () => `${name}  removed`);
    });
}

function pathOf(name: string): string {
  return `/v1/clusters/${encodeURIComponent(name)}`;
}

function bodyOf(name: string, options: AddOptions): Json {
  const { type, host, port, user, identity, hostKey, workdir, slots, label, agent } = options;
  return {
    ...{ name, type, host, user, identity, host_key: hostKey, workdir, agent },
    ...(port !== undefined && { port: wholeNumber('--port', port) }),
    ...(slots !== undefined && { slots: wholeNumber('--slots', slots) }),
    ...(Object.keys(label).length > 0 && { labels: label }),
  };
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CliError(EXIT.badInput, 'bad_value', `${option} is ${JSON.stringify(text)}: give a whole number`);
}

function addLabel(text: string, labels: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) {
    const message = `--label is ${JSON.stringify(text)}: give a name and a value, like gpu=true`;
    throw new CliError(EXIT.badInput, 'bad_value', message);
  }
  return { ...labels, [text.slice(0, at)]: text.slice(at + 1) };
}

function rowOf(cluster: Json): unknown[] {
  const labels = Object.entries(cluster.labels as object).map(([name, value]) => `${name}=${String(value)}`);
  const { code, message } = (cluster.agent_error ?? {}) as { code?: string; message?: string };
  return [
    ...[
      cluster.name,
      cluster.type,
      cluster.status,
      cluster.agent_state === 'not_needed' ? 'not needed yet' : cluster.agent_state,
    ],
    `${String(cluster.running)}/${String(cluster.slots)}`,
    labels.join(' '),
    code === undefined ? '' : `${code}: ${message}`,
  ];
}

function fieldOf([name, value]: [string, unknown]): [string, unknown] {
  return [name, typeof value === 'object' && value !== null ? JSON.stringify(value) : value];
}
