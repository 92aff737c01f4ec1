/**
 * The state of a node with a state folder that survives its process: its boot, and the executions that it holds.
 *
 * K1: an execution is kept before its acceptance is sent, and until its end is known to both sides and its handler has come back.
 * K2: one process at a time. The lock is a socket, which the system frees when the process ends, however it ends.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { messageOf, TuttiError } from '../base/errors.js';
import { sha256Of } from '../base/sha256.js';
import type { Assign } from '../model/protocol.js';

const FORMAT = 1;
const EXECUTION = /^([0-9a-f-]{36})\.execution$/;

interface Record {
  readonly format: number;
  readonly assign: Assign;
}

export class Kept {
  /** The same for every process of this folder. */
  readonly bootId: string;
  /** The executions that the previous process held when it ended. */
  readonly restored: readonly Assign[];
  readonly #dir: string;
  readonly #lock: Server;

  private constructor(dir: string, lock: Server) {
    this.#dir = dir;
    this.#lock = lock;
    this.bootId = bootOf(dir);
    this.restored = readdirSync(dir).flatMap((name) => (EXECUTION.test(name) ? [read(join(dir, name))] : []));
  }

  /** @throws TuttiError `state_held` where another process has it, `state_unusable` where it cannot be read or written */
  static async open(dir: string): Promise<Kept> {
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const lock = await acquire(realpathSync(dir));
      return new Kept(dir, lock);
    } catch (thrown) {
      if (thrown instanceof TuttiError) throw thrown;
      throw new TuttiError(
        'state_unusable',
        `${dir} cannot be used as a state folder: ${messageOf(thrown)}`,
        {
          cause: thrown,
        },
      );
    }
  }

  /** K1: durable when it returns. */
  add(assign: Assign): void {
    const record: Record = { format: FORMAT, assign };
    writeDurably(this.#dir, `${assign.executionId}.execution`, serialize(record));
  }

  remove(executionId: string): void {
    rmSync(join(this.#dir, `${executionId}.execution`), { force: true });
  }

  close(): void {
    this.#lock.close();
  }
}

function bootOf(dir: string): string {
  try {
    return readFileSync(join(dir, 'boot'), 'utf8').trim();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  }
  const bootId = randomUUID();
  writeDurably(dir, 'boot', Buffer.from(`${bootId}\n`));
  return bootId;
}

function read(path: string): Assign {
  const record = deserialize(readFileSync(path)) as Record;
  if (record.format === FORMAT) return record.assign;
  throw new TuttiError(
    'state_unusable',
    `${path} was written by another version of Tutti (format ${record.format})`,
  );
}

function writeDurably(dir: string, name: string, bytes: Uint8Array): void {
  const path = join(dir, name);
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** K2. An abstract socket where there are any (Linux); elsewhere the folder of temporary files would do no better. */
function acquire(dir: string): Promise<Server> {
  const name = sha256Of(dir).slice(0, 32);
  const path = process.platform === 'linux' ? `\0tutti-state-${name}` : join(dir, 'lock');
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new TuttiError('state_held', `another process uses the state folder ${dir}`, {
              hint: 'Stop that process, or use another folder.',
            })
          : error,
      ),
    );
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}
