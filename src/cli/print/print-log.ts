/** Text that an orchestrator sends piece by piece: a log. */
import type { Query } from '../client.js';
import type { Session } from '../program.js';

/** To stdout byte for byte; as JSON, `{log}`. */
export async function printLog(session: Session, path: string, query: Query = {}): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of await session.client.stream(path, query)) {
    if (session.json) pieces.push(piece as Buffer);
    else session.io.stdout.write(piece as Buffer);
  }
  if (session.json) session.print({ log: Buffer.concat(pieces).toString() }, () => '');
}
