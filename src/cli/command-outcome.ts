/** The outcome of a command that was given to nodes. */

import { follow } from '../client/follow.js';
import type { CommandJson } from '../contract/command.js';
import type { Client, Json } from './client.js';
import { CliError, EXIT } from './exit.js';
import type { Session } from './program.js';

/** How long to wait for the nodes; what is pending then goes on without us. */
const ACK_WAIT_MS = 10_000;

/** Waits for the nodes' acknowledgement, prints how far it came, and fails when it was refused or came to nothing. */
export async function finishCommand(session: Session, issued: Json): Promise<void> {
  const { client, io } = session;
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(ACK_WAIT_MS)]);
  const view = await settled(client, `/v1/commands/${String(issued.command_id)}`, signal);
  session.print(view, () => `${view.command_id}  ${view.state}`);
  if (view.state !== 'refused' && view.state !== 'expired') return;
  const reasons = view.parts.flatMap(({ node_id, error }) =>
    error ? [`node ${node_id}: ${error.code}: ${error.message}`] : [],
  );
  const because = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
  throw new CliError(EXIT.failed, `command_${view.state}`, `The command was ${view.state}${because}`, {
    answered: true,
  });
}

async function settled(client: Client, path: string, signal: AbortSignal): Promise<CommandJson> {
  for (;;) {
    const { value, cursor } = await client.get<CommandJson>(path);
    if (value.state !== 'pending' || signal.aborted) return value;
    for await (const followed of follow(client, { cursor, signal })) {
      if (followed.kind === 'gap' || followed.events.some((event) => event.command_id === value.command_id))
        break;
    }
  }
}
