/**
 * The key pair of a node, in a file that only its user can read, and the keys of the orchestrators that it has joined.
 *
 * A join token contains the orchestrator's key. It is kept with the address that was dialled, so that from then on the address is
 * enough; a connection to an address that was never joined is not encrypted.
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
  readonly control: string;
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

/** How to encrypt; nothing where this orchestrator was never joined. Throws `TuttiError` `bad_keys`. */
export function curveOf({ module, control, join: token, keys }: KeySettings): NodeCurve | undefined {
  const file = join(keys, `${module}.json`);
  try {
    let own = read(file);
    if (token !== '') {
      const server = Buffer.from(token.slice(JOIN_PREFIX.length), 'base64url').subarray(0, KEY_BYTES);
      own = remember(file, own, control, toZ85(server));
    }
    const serverKey = own?.servers[control];
    if (!own || serverKey === undefined) return undefined;
    return { serverKey, publicKey: own.public_key, secretKey: own.secret_key };
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

function remember(file: string, before: KeyFile | undefined, control: string, server: string): KeyFile {
  if (before?.servers[control] === server) return before;
  const { publicKey, secretKey } = before
    ? { publicKey: before.public_key, secretKey: before.secret_key }
    : newKeyPair();
  const servers = { ...before?.servers, [control]: server };
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
    return remember(file, read(file), control, server);
  } finally {
    rmSync(temporary, { force: true });
  }
}
