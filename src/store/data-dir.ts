/** The parts of a data directory, and who may look into it. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { makePrivate } from './private.js';

/** Where each part is. A backup has the same ones. */
export interface DataDir {
  readonly store: string;
  /** Notes that there is a store. */
  readonly identity: string;
  /** Where versions before kept the orchestrator's key pairs and the keys of its nodes. */
  readonly keys: string;
  /** The key that seals secrets, where no other file is named. It is in no backup. */
  readonly secretsKey: string;
  readonly blobs: string;
  /** The data that a restore has replaced, until the next restore. */
  readonly before: string;
}

export function partsOf(dir: string): DataDir {
  return {
    store: join(dir, 'store'),
    identity: join(dir, 'store-identity.json'),
    keys: join(dir, 'keys.json'),
    secretsKey: join(dir, 'secrets.key'),
    blobs: join(dir, 'blobs'),
    before: join(dir, 'before-restore'),
  };
}

/**
 * Take what others may do with a data directory away, also with one that was made before. A home or working directory is left as it is,
 * since it is used for other things too; the parts below it are private all the same.
 * @returns The permissions that others still have, for the operator.
 */
export function tighten(dir: string): string | undefined {
  const { blobs, before, identity, keys, secretsKey } = partsOf(dir);
  const parts = [blobs, before, identity, keys, secretsKey, join(dir, 'holder')];
  const open = parts.filter((part) => !makePrivate(part));
  const isShared = [homedir(), process.cwd()].some((path) => resolve(path) === resolve(dir));
  if (!isShared && !makePrivate(dir)) open.push(dir);
  return open.length === 0
    ? undefined
    : `other users may be able to read ${open.join(', ')}: change the owner or the mode (0700)`;
}
