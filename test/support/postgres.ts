/** A real PostgreSQL on loopback, with its data in a temporary folder. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './sshd.js';

/** Debian's folders of its versions, the newest one. */
const ROOT = '/usr/lib/postgresql';
const version = existsSync(ROOT) ? readdirSync(ROOT).sort().at(-1) : undefined;
export const hasPostgres: boolean = version !== undefined && existsSync(join(ROOT, version, 'bin/initdb'));

const START_WITHIN_MS = 60_000;

export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  /** SIGKILL to the server and all of its processes, as a machine that loses power. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Ends it in an orderly way, as an administrator does. */
  stop(): Promise<void>;
  /** After `kill` or `stop`. Resolves when it takes connections. */
  start(): Promise<void>;
  query(text: string): Promise<unknown[][]>;
  /** A connection of its own, which its caller ends. */
  session(): Promise<Client>;
  /** Ends it, and removes its data. */
  remove(): Promise<void>;
}

/** PostgreSQL refuses to run as root. */
function identity(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** @param settings lines of `postgresql.conf` as `name=value` */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-postgres-'));
  const user = identity();
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const program = (name: string) => join(ROOT, version!, 'bin', name);
  const options = { ...user, stdio: 'ignore' as const, env: { ...process.env, LC_ALL: 'C.UTF-8' } };
  execFileSync(
    program('initdb'),
    ['-D', data, '-U', 'tutti', '--auth=trust', '--no-sync', '-E', 'UTF8'],
    options,
  );
  const port = await freePort();
  const given = [
    ...['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`],
    ...['shared_buffers=64MB', ...settings],
  ];
  const args = ['-D', data, ...given.flatMap((setting) => ['-c', setting])];
  const url = `postgres://tutti@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;
  let gone: Promise<unknown> = Promise.resolve();

  const session = async (): Promise<Client> => {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const query = async (text: string): Promise<unknown[][]> => {
    const client = await session();
    try {
      return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows;
    } finally {
      await client.end().catch(() => {});
    }
  };
  const start = async (): Promise<void> => {
    // A group of its own, so that all of its processes can be killed together.
    child = spawn(program('postgres'), args, { ...options, detached: true });
    const ended = new Promise((resolve) => child!.once('exit', resolve));
    gone = ended;
    for (const until = Date.now() + START_WITHIN_MS; ; ) {
      const isUp = await query('SELECT 1').then(
        () => true,
        () => false,
      );
      if (isUp) return;
      if (child.exitCode !== null || Date.now() > until)
        throw new Error('PostgreSQL has not started in its folder');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const end = async (signal: () => void): Promise<void> => {
    if (child?.exitCode === null && child.signalCode === null) signal();
    await gone;
  };
  const kill = () => end(() => process.kill(-child!.pid!, 'SIGKILL'));
  await start();
  return {
    ...{ url, port, query, session, start, kill },
    // "Fast": sessions are ended.
    stop: () => end(() => child!.kill('SIGINT')),
    remove: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
