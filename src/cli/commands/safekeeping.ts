/**
 * `tutti backup`, `tutti restore` and `tutti check`: they work on a store itself, not through its orchestrator.
 *
 * A backup is a folder with the store (`store/`) and the blobs (`blobs/`) of one moment; it is a data directory as it stands.
 */
import { constants, existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { messageOf, TuttiError } from '../../base/errors.js';
import { loadConfig } from '../../config/config.js';
import { copyStore, renewStoreId } from '../../store/backup.js';
import { partsOf } from '../../store/data-dir.js';
import { acquireDataDir } from '../../store/holder.js';
import { readIdentity, writeIdentity } from '../../store/identity.js';
import { makePrivate } from '../../store/private.js';
import { syncPath } from '../../store/sync.js';
import { checkApart } from '../check/apart.js';
import { CliError, EXIT } from '../exit.js';
import { type Io, writeJson, writeLine } from '../io.js';

interface Options {
  readonly data?: string;
  readonly json?: boolean;
  readonly takeover?: boolean;
  readonly link?: boolean;
  readonly blobs?: boolean;
  readonly store?: string;
}

export function safekeepingCommands(program: Command, io: Io): void {
  const print = (options: Options, document: object, text: string): void =>
    options.json ? writeJson(io.stdout, document) : writeLine(io.stdout, text);
  const dataOf = (options: Options): string =>
    options.data === undefined ? loadConfig({ flags: {}, env: io.env }).data : resolve(options.data);
  /** The store of a configuration is the one that is meant, unless a directory is named. */
  const refuseShared = (command: string, options: Options): void => {
    if (options.data !== undefined || loadConfig({ flags: {}, env: io.env }).store === undefined) return;
    throw new CliError(EXIT.badInput, 'store_elsewhere', `tutti ${command} works on a data directory`, {
      hint: 'The store is in PostgreSQL: copy it with pg_dump and pg_restore ("PostgreSQL" in docs/operations.md).',
    });
  };

  command(program, 'backup', 'Copy a data directory; its orchestrator may keep running')
    .argument('<dir>', 'a new folder')
    .option('--link', 'hard-link blobs: fast and small, but damage to a file affects both copies')
    .action(async (target: string, options: Options) => {
      refuseShared('backup', options);
      const [data, to] = [dataOf(options), resolve(target)];
      await backUp(data, to, options.link ? linkFile : copyOf);
      print(options, { backup: to, data }, `${to} is a copy of ${data}`);
    });

  command(program, 'restore', 'Replace the contents of a data directory with a backup')
    .argument('<dir>', 'a backup')
    .option('--takeover', 'end the orchestrator that uses the data directory')
    .action(async (source: string, options: Options) => {
      refuseShared('restore', options);
      const [data, from] = [dataOf(options), resolve(source)];
      const storeId = await restore(from, data, options.takeover ?? false);
      const text = `${data} now holds the data of ${from}, as store ${storeId}; its previous data is in ${partsOf(data).before}`;
      print(options, { data, backup: from, store_id: storeId }, text);
    });

  command(program, 'check', 'Verify every invariant of a data directory or a backup, without changing it')
    .argument('[dir]', 'the data directory (TUTTI_DATA)')
    .option('--store <URL>', 'the PostgreSQL database that has the store (TUTTI_STORE)')
    .option('--blobs', 'also hash every blob')
    .action(async (dir: string | undefined, options: Options) => {
      const given = loadConfig({
        flags: options.store === undefined ? {} : { store: options.store },
        env: io.env,
      });
      const data = dir === undefined ? dataOf(options) : resolve(dir);
      // A directory that is named may be a backup.
      const url = dir === undefined || options.store !== undefined ? given.store : undefined;
      const { store, identity } = partsOf(data);
      if (url === undefined && !existsSync(store) && !existsSync(identity)) throw missing(data);
      const place =
        url === undefined ? { data } : { data, store: url, ...(given.blobs && { blobDir: given.blobs }) };
      const verdict = await checkApart(place, options.blobs ?? false);
      const lines = verdict.faults.map(({ where, what }) => `${where}: ${what}`);
      const counted = Object.entries(verdict.counts).map(([name, count]) => `${count} ${name}`);
      const summary = `${url === undefined ? data : 'the store'}: ${counted.join(', ')}; ${lines.length}${verdict.more ? ' and more' : ''} faults`;
      print(options, { data, ok: lines.length === 0, ...verdict }, [...lines, summary].join('\n'));
      if (lines.length > 0) throw new CliError(EXIT.failed, 'store_damaged', summary, { answered: true });
    });
}

function command(program: Command, name: string, description: string): Command {
  return (
    program
      .command(name)
      .description(description)
      // Copies are as private as their originals.
      .hook('preAction', () => void process.umask(0o077))
      .option('--data <DIR>', 'the data directory (TUTTI_DATA)')
      .option('--json', 'print one JSON document on stdout')
  );
}

/** Makes `to` of `from`, which never changes; `to` is not there yet. */
type Copy = (from: string, to: string) => Promise<void>;

/** Blobs before the store and after it: what the copied store refers to was there at one of the two times. */
async function backUp(data: string, to: string, copy: Copy): Promise<void> {
  const [from, target] = [partsOf(data), partsOf(to)];
  if (!existsSync(from.store)) throw missing(data);
  if (existsSync(target.store)) {
    throw new CliError(EXIT.badInput, 'backup_exists', `${to} holds a backup: name a new folder`);
  }
  try {
    await mkdir(to, { recursive: true, mode: 0o700 });
    await copyBlobs(from.blobs, target.blobs, copy);
    await copyStore(from.store, target.store);
    await copyBlobs(from.blobs, target.blobs, copy);
    const identity = await readIdentity(from.identity);
    if (typeof identity === 'object') await writeIdentity(target.identity, identity);
  } catch (thrown) {
    if (thrown instanceof TuttiError) throw thrown;
    throw new TuttiError('backup_failed', `the data directory could not be copied: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

/**
 * The new identity is noted before the store that has it takes its place: where this is interrupted, an orchestrator does not start on what
 * is there, and the restore can be done again.
 */
async function restore(from: string, data: string, takeover: boolean): Promise<string> {
  const source = partsOf(from);
  if (!existsSync(source.store)) throw missing(from);
  const release = await acquireDataDir(data, { takeover });
  try {
    const arriving = partsOf(join(data, 'arriving'));
    const target = partsOf(data);
    await rm(dirname(arriving.store), { recursive: true, force: true });
    await copyBlobs(source.blobs, arriving.blobs, copyOf);
    await copyStore(source.store, arriving.store);
    const storeId = await renewStoreId(arriving.store);
    await rm(target.before, { recursive: true, force: true });
    await mkdir(target.before, { mode: 0o700 });
    await writeIdentity(target.identity, { store_id: storeId, created_at: new Date().toISOString() });
    for (const part of ['store', 'blobs'] as const) {
      if (existsSync(target[part])) await rename(target[part], join(target.before, part));
      await rename(arriving[part], target[part]);
    }
    await rm(dirname(arriving.store), { recursive: true, force: true });
    return storeId;
  } finally {
    await release();
  }
}

async function copyBlobs(from: string, to: string, copy: Copy): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  if (!existsSync(from)) return;
  for (const folder of await readdir(from, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    await mkdir(join(to, folder.name), { recursive: true, mode: 0o700 });
    for (const name of await readdir(join(from, folder.name))) {
      const [source, target] = [join(from, folder.name, name), join(to, folder.name, name)];
      if (existsSync(target)) continue;
      await copy(source, target).catch((error: NodeJS.ErrnoException) => {
        // It was removed at this moment: nothing that is copied refers to it.
        if (error.code !== 'ENOENT') throw error;
      });
    }
  }
}

/** Bytes of its own, where the file system can share them until one of the two changes, for free. Under its name only whole and synced. */
async function copyOf(from: string, to: string): Promise<void> {
  const temporary = `${to}.part`;
  await rm(temporary, { force: true });
  await copyFile(from, temporary, constants.COPYFILE_FICLONE);
  makePrivate(temporary);
  await syncPath(temporary);
  await rename(temporary, to);
}

const linkFile: Copy = (from, to) => link(from, to);

function missing(dir: string): CliError {
  return new CliError(EXIT.badInput, 'store_missing', `${dir} holds no store of Tutti`);
}
