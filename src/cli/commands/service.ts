/** `tutti service`: what is to be kept running. */
import type { Command } from 'commander';
import { hashesOf } from '../../config/graph/graph-files.js';
import { type ReadServices, readServices, type ServiceWithFiles } from '../../config/service-files.js';
import { fileAtFault, noSuchFile } from '../arguments/named-file.js';
import type { Client, Json } from '../client.js';
import { everyItem } from '../every-item.js';
import { CliError, EXIT } from '../exit.js';
import { type Io, writeLine } from '../io.js';
import { printLog } from '../print/print-log.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';

interface LogOptions extends CommonOptions {
  readonly replica?: string;
}

const COMMANDS = {
  restart: 'Replace its replicas, one by one',
  stop: 'Stop its replicas, and keep the service',
  start: 'Start its replicas again',
} as const;

export function serviceCommand(program: Command, io: Io): void {
  const service = program.command('service').description('Apply, list, show, scale and remove services');

  clientCommand(service, 'apply', 'Store the services of a file; a changed service gets new replicas')
    .argument('<file>')
    .action(async (file: string, options: CommonOptions) => {
      const services = await read(file);
      const session = openSession(options, io);
      const items: Json[] = [];
      for (const one of services) {
        items.push(await apply(session.client, one));
        // At once: a fault in a later one undoes nothing.
        if (!session.json) writeLine(io.stdout, `${one.spec.name}  applied`);
      }
      if (session.json) session.print({ items }, () => '');
    });

  clientCommand(service, 'list', 'List services').action(async (options: CommonOptions) => {
    const session = openSession(options, io);
    const items = await everyItem(session.client, '/v1/services');
    session.print({ items, next_cursor: null }, () =>
      table(['NAME', 'TYPE', 'REPLICAS', 'HEALTH', 'REASONS'], items.map(rowOf)),
    );
  });

  clientCommand(service, 'show', 'Show a service with its replicas')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const { value } = await session.client.get(pathOf(name));
      const { replicas, ...fields } = value as { readonly replicas: readonly Json[] };
      session.print(value, () =>
        [table(['FIELD', 'VALUE'], Object.entries(fields).map(fieldOf)), '', replicaTable(replicas)].join(
          '\n',
        ),
      );
    });

  clientCommand(service, 'placement', 'Show how each cluster ranks for one more replica')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const items = await everyItem(session.client, `${pathOf(name)}/placement`);
      session.print({ items, next_cursor: null }, () =>
        table(
          ['CLUSTER', 'SCORE', 'RULED OUT'],
          items.map(({ cluster, score, reason }) => [cluster, score, reason]),
        ),
      );
    });

  clientCommand(service, 'scale', 'Change the number of replicas')
    .argument('<name>')
    .argument('<count>')
    .action(async (name: string, text: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const body = { command: 'scale', count: wholeNumber(text) };
      const scaled = await session.client.post(`${pathOf(name)}/commands`, body);
      session.print(scaled, () => `${name}  scaled to ${text}`);
    });

  for (const [command, meaning] of Object.entries(COMMANDS)) {
    clientCommand(service, command, meaning)
      .argument('<name>')
      .action(async (name: string, options: CommonOptions) => {
        const session = openSession(options, io);
        const told = await session.client.post(`${pathOf(name)}/commands`, { command });
        session.print(told, () => `${name}  ${command} accepted`);
      });
  }

  clientCommand(service, 'log', 'Print the log of a replica')
    .argument('<name>')
    .option('--replica <id>', 'the replica (default: the first)')
    .action(async (name: string, { replica, ...options }: LogOptions) => {
      const session = openSession(options, io);
      await printLog(session, `${pathOf(name)}/log`, { replica });
    });

  clientCommand(service, 'remove', 'Stop the replicas of a service, and remove it')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const removed = await session.client.delete(pathOf(name));
      session.print(removed, () => `${name}  being removed`);
    });
}

function pathOf(name: string): string {
  return `/v1/services/${encodeURIComponent(name)}`;
}

/** Throws `bad_service` with every fault. */
async function read(file: string): Promise<readonly ServiceWithFiles[]> {
  let services: ReadServices;
  try {
    services = await readServices(file);
  } catch (cause) {
    throw noSuchFile('FILE', cause);
  }
  if (services.ok) return services.services;
  throw fileAtFault('bad_service', file, services.faults);
}

/** As it was written: the orchestrator reads it by the same rules. */
async function apply(client: Client, { spec, raw, files }: ServiceWithFiles): Promise<Json> {
  for (const { sha256, file } of files) await client.putFile(`/v1/blobs/${sha256}`, file);
  const body = { ...raw, ...(files.length > 0 && { files_sha256: hashesOf(files) }) };
  return await client.put(pathOf(spec.name), JSON.stringify(body), 'application/json');
}

function wholeNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new CliError(EXIT.badInput, 'bad_value', `COUNT is ${JSON.stringify(text)}: give a whole number`);
}

function rowOf(service: Json): unknown[] {
  const replicas = service.replicas as readonly Json[];
  const wanted = replicas.filter(({ desired }) => desired === 'running');
  const isUp = ({ observed }: Json): boolean =>
    observed === 'ready' || observed === 'completed' || (observed === 'running' && service.module === null);
  return [
    ...[service.name, service.type, `${wanted.filter(isUp).length}/${service.count ?? wanted.length}`],
    service.desired === 'running' ? service.health : service.desired,
    (service.reasons as readonly string[]).join('; '),
  ];
}

function replicaTable(replicas: readonly Json[]): string {
  const columns = ['REPLICA', 'CLUSTER', 'OBSERVED', 'RESTARTS', 'TASK', 'REASON'];
  const rows = replicas.map(({ replica_id, cluster, observed, restarts, task_id, reason }) => [
    ...[replica_id, cluster, observed, restarts, task_id, reason],
  ]);
  return table(columns, rows);
}

function fieldOf([name, value]: [string, unknown]): [string, unknown] {
  return [name, typeof value === 'object' && value !== null ? JSON.stringify(value) : value];
}
