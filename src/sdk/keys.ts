/**
 * The key pair of a node, in a file that only its user can read, and the keys of the orchestrators that it has joined.
 *
 * A join token contains the orchestrator's key. It is kept with the addresses of the node, so that from then on an address is enough; a
 * connection to an address that was never joined is not encrypted. Orchestrators at several addresses have one store, and its key.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf, TuttiError } from '../base/errors.js';
import { toZ85 } from '../base/z85.js';
import { type NodeCurve, newKeyPair } from '../bus/zeromq-node.js';

export interface KeySettings {
  readonly module: string;
  readonly controls: readonly string[];
  /** The token that was given, or empty. */
  readonly join: string;
  /** The folder of keys. */
  readonly keys: string;
}

interface KeyFile {
  readonly public_key: string;
  readonly secret_key: string;
  /** By control address, the orchestrator's key. */
  readonly servers: Readonly<Record<string, string>>;
}

export const JOIN_TOKEN: RegExp = /^tutti-join-[A-Za-z0-9_-]{75}$/;
const JOIN_PREFIX = 'tutti-join-';
const KEY_BYTES = 32;

export function defaultKeys(env: Readonly<Record<string, string | undefined>>): string {
  return env.TUTTI_KEYS || join(homedir(), '.config', 'tutti', 'keys');
}

/** For each address how to encrypt; nothing where no orchestrator at these addresses was ever joined. Throws `TuttiError` `bad_keys`. */
export function curvesOf({ module, controls, join: token, keys }: KeySettings): (NodeCurve | undefined)[] {
  const file = join(keys, `${module}.json`);
  try {
    let own = read(file);
    if (token !== '') {
      const server = Buffer.from(token.slice(JOIN_PREFIX.length), 'base64url').subarray(0, KEY_BYTES);
      own = remember(file, own, controls, toZ85(server));
    }
    const known = controls.map((control) => own?.servers[control]);
    const shared = known.find((server) => server !== undefined);
    if (!own || shared === undefined) return controls.map(() => undefined);
    const { public_key: publicKey, secret_key: secretKey } = own;
    return known.map((server) => ({ serverKey: server ?? shared, publicKey, secretKey }));
  } catch (cause) {
    throw new TuttiError('bad_keys', `the node's keys in ${file} cannot be used: ${messageOf(cause)}`, {
      hint: 'TUTTI_KEYS names the folder; without the file, the node joins again with TUTTI_JOIN',
      cause,
    });
  }
}

function read(file: string): KeyFile | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text) as KeyFile;
}

function remember(
  file: string,
  before: KeyFile | undefined,
  controls: readonly string[],
  server: string,
): KeyFile {
  if (before && controls.every((control) => before.servers[control] === server)) return before;
  const { publicKey, secretKey } = before
    ? { publicKey: before.public_key, secretKey: before.secret_key }
    : newKeyPair();
  const joined = Object.fromEntries(controls.map((control) => [control, server]));
  const servers = { ...before?.servers, ...joined };
  const own: KeyFile = { public_key: publicKey, secret_key: secretKey, servers };
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString('hex')}.part`;
  writeFileSync(temporary, `${JSON.stringify(own)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    if (before) {
      renameSync(temporary, file);
      return own;
    }
    // Of several processes that start at once, the first one's key is everybody's.
    linkSync(temporary, file);
    return own;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return remember(file, read(file), controls, server);
  } finally {
    rmSync(temporary, { force: true });
  }
}
