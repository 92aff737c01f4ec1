/** `tutti webhook`: where events are posted to. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { messageOf } from '../../base/errors.js';
import type { Json } from '../client.js';
import { everyItem } from '../every-item.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';

interface AddOptions extends CommonOptions {
  readonly event: readonly string[];
  readonly problem?: string;
  readonly secretFile?: string;
}

export function webhookCommand(program: Command, io: Io): void {
  const webhook = program.command('webhook').description('Add, list, test and remove webhooks');

  clientCommand(webhook, 'add', 'Post all future events to an address')
    .argument('<name>')
    .argument('<url>')
    .option('--event <type>', 'an event type, such as iteration.failed (repeatable; default: all)', more, [])
    .option('--problem <filter>', 'only events of problems that match the filter')
    .option(
      '--secret-file <file>',
      'sign deliveries with the content of this file, without its last line break',
    )
    .action(async (name: string, url: string, { event, problem, secretFile, ...common }: AddOptions) => {
      const session = openSession(common, io);
      const added = await session.client.post('/v1/webhooks', {
        ...{ name, url },
        ...(event.length > 0 && { filter: event }),
        ...(problem !== undefined && { problem }),
        ...(secretFile !== undefined && { secret: await readSecret(secretFile) }),
      });
      session.print(added, () => `${name}  added`);
    });

  clientCommand(webhook, 'list', 'List webhooks').action(async (options: CommonOptions) => {
    const session = openSession(options, io);
    const items = await everyItem(session.client, '/v1/webhooks');
    const columns = ['NAME', 'URL', 'EVENTS', 'CURSOR', 'LAG', 'LAST STATUS', 'FAILURES', 'MISSED'];
    session.print({ items, next_cursor: null }, () => table(columns, items.map(rowOf)));
  });

  clientCommand(webhook, 'test', 'Post a test event, and show the result')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const tested = await session.client.post(`${pathOf(name)}/test`, {});
      if (tested.delivered !== true)
        throw new CliError(EXIT.failed, 'webhook_failed', `${name} does not accept events: ${tested.status}`);
      session.print(tested, () => `${name}  ${tested.status}`);
    });

  clientCommand(webhook, 'remove', 'Remove a webhook')
    .argument('<name>')
    .action(async (name: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const removed = await session.client.delete(pathOf(name));
      session.print(removed, () => `${name}  removed`);
    });
}

function rowOf({ name, url, filter, cursor, lag, last_status, failures, missed }: Json): string[] {
  const events = Array.isArray(filter) ? filter.join(' ') : 'all';
  return [name, url, events, cursor, lag, last_status ?? '-', failures, missed].map(String);
}

function pathOf(name: string): string {
  return `/v1/webhooks/${encodeURIComponent(name)}`;
}

function more(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

async function readSecret(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (thrown) {
    throw new CliError(EXIT.badInput, 'bad_file', `the secret's file cannot be read: ${messageOf(thrown)}`);
  }
}
