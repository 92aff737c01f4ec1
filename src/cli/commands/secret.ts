/** `tutti secret`: values that only the commands see that name them. */
import { buffer } from 'node:stream/consumers';
import type { Command } from 'commander';
import { everyItem } from '../every-item.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';

export function secretCommand(program: Command, io: Io): void {
  const secret = program.command('secret').description('Set, list and remove secrets');

  clientCommand(secret, 'set', 'Set a secret to the exact bytes of stdin')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const value = textOf(await buffer(io.stdin));
      const set = await session.client.put(pathOf(name), JSON.stringify({ value }), 'application/json');
      session.print(set, () => `${name}  set`);
    });

  clientCommand(secret, 'list', 'List secrets, without their values').action(
    async (options: CommonOptions) => {
      const session = openSession(options, io);
      const items = await everyItem(session.client, '/v1/secrets');
      session.print({ items, next_cursor: null }, () =>
        table(
          ['NAME', 'CREATED', 'SET'],
          items.map(({ name, created_at, updated_at }) => [name, created_at, updated_at]),
        ),
      );
    },
  );

  clientCommand(secret, 'remove', 'Remove a secret')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const removed = await session.client.delete(pathOf(name));
      session.print(removed, () => `${name}  removed`);
    });
}

function pathOf(name: string): string {
  return `/v1/secrets/${encodeURIComponent(name)}`;
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CliError(
      EXIT.badInput,
      'bad_text',
      'stdin is not UTF-8: an environment variable takes text only',
    );
  }
}
