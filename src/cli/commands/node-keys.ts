/** `tutti node enroll|keys|revoke|rotate-server-key`: who may connect with CURVE. */
import { type Command, Option, type ParseOptionsResult } from 'commander';
import { keyFromZ85 } from '../../base/z85.js';
import { milliseconds } from '../arguments/days.js';
import type { Json } from '../client.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';

interface EnrollOptions extends CommonOptions {
  readonly module?: string;
  readonly instance?: string;
  readonly uses?: string;
  readonly expires?: string;
  readonly subscribe?: boolean;
  readonly key?: string;
}

export function nodeKeyCommands(node: Command, io: Io): void {
  clientCommand(node, 'enroll', 'Print a join token for nodes, or enrol the key of a subscriber')
    .option('--module <module>', 'the module that its nodes may register for')
    .option('--instance <instance>', 'the only instance that they may register as')
    .option('--uses <n>', 'how many keys it enrols (default 1)')
    .option('--expires <time>', 'how long it is valid (default 1h)')
    .addOption(new Option('--subscribe', 'enrol --key for the events socket'))
    .option('--key <z85>', 'with --subscribe: the public key')
    .action(async (options: EnrollOptions) => {
      const session = openSession(options, io);
      if (options.subscribe) {
        if (options.key === undefined) throw missing('--key', 'with --subscribe, the public key (Z85)');
        const row = await session.client.post('/v1/node-keys/subscribers', { key: options.key });
        session.print(row, () => `${String(row.key)} may subscribe to events`);
        return;
      }
      if (options.module === undefined) throw missing('--module', 'the module of the nodes');
      const body = {
        module: options.module,
        ...(options.instance !== undefined && { instance: options.instance }),
        ...(options.uses !== undefined && { uses: Number(options.uses) }),
        ...(options.expires !== undefined && { expires_in_ms: milliseconds('--expires', options.expires) }),
      };
      const join = await session.client.post('/v1/node-keys/joins', body);
      session.print(join, () => String(join.token));
    });

  clientCommand(node, 'keys', 'List the keys of nodes and subscribers').action(
    async (options: CommonOptions) => {
      const session = openSession(options, io);
      const { value } = await session.client.get<{ items: Json[]; server_keys: Json[] }>('/v1/node-keys');
      session.print(value, () => {
        const rows = value.items.map((row) => [
          row.key,
          [...(row.modules as string[]), ...(row.subscribe ? ['(events)'] : [])].join(' '),
          row.instance,
          row.enrolled_at,
          row.revoked_at,
        ]);
        const server = value.server_keys.map((row) => [
          row.public_key,
          '(orchestrator)',
          '',
          row.created_at,
          row.expires_at,
        ]);
        return table(['KEY', 'MODULES', 'INSTANCE', 'SINCE', 'UNTIL'], [...rows, ...server]);
      });
    },
  );

  takingKeys(clientCommand(node, 'revoke', 'Revoke a key immediately and permanently'))
    .argument('<key>', 'the public key (Z85)')
    .action(async (key: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const row = await session.client.post('/v1/node-keys/revoke', { key });
      session.print(row, () => `${key} is revoked`);
    });

  clientCommand(node, 'rotate-server-key', 'Replace the key of the orchestrator')
    .option('--for <time>', 'how long the key before stays valid (default 30d)')
    .action(async (options: CommonOptions & { readonly for?: string }) => {
      const session = openSession(options, io);
      const body = options.for === undefined ? {} : { for_ms: milliseconds('--for', options.for, 0) };
      const row = await session.client.post('/v1/server-keys', body);
      session.print(row, () => String(row.public_key));
    });
}

/** One key in 83 begins with `-`: it is an argument all the same, and not an option. */
function takingKeys(command: Command): Command {
  const parse = command.parseOptions.bind(command);
  const named = (word: string) => command.options.find(({ long }) => word === long);
  command.parseOptions = (words): ParseOptionsResult => {
    const isKey = (word: string, index: number): boolean =>
      word.startsWith('-') &&
      keyFromZ85(word) !== undefined &&
      !command.options.some(({ long }) => word.startsWith(`${long}=`)) &&
      !named(words[index - 1] ?? '')?.required;
    const { operands, unknown } = parse(words.filter((word, index) => !isKey(word, index)));
    return { operands: [...words.filter(isKey), ...operands], unknown };
  };
  return command;
}

function missing(option: string, what: string): CliError {
  return new CliError(EXIT.badInput, 'missing_argument', `${option} is needed: ${what}.`);
}
