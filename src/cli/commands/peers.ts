/** `tutti peers`: the orchestrators of the store. */
import type { Command } from 'commander';
import type { PeerJson } from '../../contract/peer.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';

export function peersCommand(program: Command, io: Io): void {
  clientCommand(
    program,
    'peers',
    'List the orchestrators of the store: the leader, then its standbys',
  ).action(async (options: CommonOptions) => {
    const session = openSession(options, io);
    const { value } = await session.client.get<{ readonly items: readonly PeerJson[] }>('/v1/peers');
    session.print(value, () =>
      table(
        ['ROLE', 'HTTP', 'CONTROL', 'SEEN'],
        value.items.map(({ role, http, control, seen_at }) => [role, http, control ?? '-', seen_at]),
      ),
    );
  });
}
