/**
 * `tutti backup`, `tutti restore` and `tutti check`: they work on a data directory itself, not through its orchestrator.
 *
 * A backup is a folder with the store (`store/`) and the blobs (`blobs/`) of one moment; it is a data directory as it stands.
 */
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../../config/config.js';
import { checkStore } from '../../orchestrator/check.js';
import { copyStore, renewStoreId } from '../../store/backup.js';
import { acquireDataDir } from '../../store/holder.js';
import { openLmdbStore } from '../../store/lmdb.js';
import { CliError, EXIT } from '../exit.js';
import { type Io, writeLine } from '../io.js';

interface Options {
  readonly data?: string;
  readonly json?: boolean;
  readonly takeover?: boolean;
}

const STORE = 'store';
const BLOBS = 'blobs';

export function safekeepingCommands(program: Command, io: Io): void {
  const print = (options: Options, document: object, text: string): void =>
    writeLine(io.stdout, options.json ? JSON.stringify(document) : text);
  const dataOf = (options: Options): string =>
    options.data === undefined ? loadConfig({ flags: {}, env: io.env }).data : resolve(options.data);

  command(program, 'backup', 'Copy a data directory, also while its orchestrator works')
    .argument('<dir>', 'a new folder')
    .action(async (target: string, options: Options) => {
      const [data, to] = [dataOf(options), resolve(target)];
      await backUp(data, to);
      print(options, { backup: to, data }, `${to} is a copy of ${data}`);
    });

  command(program, 'restore', 'Put a backup in the place of what a data directory holds')
    .argument('<dir>', 'a backup')
    .option('--takeover', 'end the orchestrator that works on the data directory')
    .action(async (source: string, options: Options) => {
      const [data, from] = [dataOf(options), resolve(source)];
      const storeId = await restore(from, data, options.takeover ?? false);
      const text = `${data} holds what was in ${from}, as store ${storeId}; what it held is in ${join(data, BEFORE)}`;
      print(options, { data, backup: from, store_id: storeId }, text);
    });

  command(program, 'check', 'Verify every invariant of a data directory or a backup; it is only read')
    .argument('[dir]', 'the data directory (TUTTI_DATA)')
    .action(async (dir: string | undefined, options: Options) => {
      const data = dir === undefined ? dataOf(options) : resolve(dir);
      if (!existsSync(join(data, STORE))) throw missing(data);
      const store = await openLmdbStore({ dir: join(data, STORE), readAhead: true });
      const verdict = await checkStore(store, join(data, BLOBS)).finally(() => store.close());
      const lines = verdict.faults.map(({ where, what }) => `${where}: ${what}`);
      const counted = Object.entries(verdict.counts).map(([name, count]) => `${count} ${name}`);
      const summary = `${data}: ${counted.join(', ')}; ${lines.length}${verdict.more ? ' and more' : ''} faults`;
      print(options, { data, ok: lines.length === 0, ...verdict }, [...lines, summary].join('\n'));
      if (lines.length > 0) throw new CliError(EXIT.failed, 'store_damaged', summary, { answered: true });
    });
}

function command(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--data <DIR>', 'the data directory (TUTTI_DATA)')
    .option('--json', 'one JSON document on stdout');
}

/** Blobs before the store and after it: what the copied store refers to was there at one of the two times. */
async function backUp(data: string, to: string): Promise<void> {
  if (!existsSync(join(data, STORE))) throw missing(data);
  if (existsSync(join(to, STORE))) {
    throw new CliError(EXIT.badInput, 'backup_exists', `${to} holds a backup: name a new folder`);
  }
  await copyBlobs(join(data, BLOBS), join(to, BLOBS));
  await copyStore(join(data, STORE), join(to, STORE));
  await copyBlobs(join(data, BLOBS), join(to, BLOBS));
}

/** Where what a restore replaces is kept, below the data directory, until the next restore. */
const BEFORE = 'before-restore';

async function restore(from: string, data: string, takeover: boolean): Promise<string> {
  if (!existsSync(join(from, STORE))) throw missing(from);
  const release = await acquireDataDir(data, { takeover });
  try {
    const arriving = join(data, 'arriving');
    await rm(arriving, { recursive: true, force: true });
    await copyBlobs(join(from, BLOBS), join(arriving, BLOBS));
    await copyStore(join(from, STORE), join(arriving, STORE));
    const storeId = await renewStoreId(join(arriving, STORE));
    const before = join(data, BEFORE);
    await rm(before, { recursive: true, force: true });
    await mkdir(before);
    for (const part of [STORE, BLOBS]) {
      if (existsSync(join(data, part))) await rename(join(data, part), join(before, part));
      await rename(join(arriving, part), join(data, part));
    }
    await rm(arriving, { recursive: true, force: true });
    return storeId;
  } finally {
    await release();
  }
}

/** A blob never changes, so another name for the same file is a copy; where that cannot be, its bytes are copied. */
async function copyBlobs(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  if (!existsSync(from)) return;
  for (const folder of await readdir(from, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    await mkdir(join(to, folder.name), { recursive: true, mode: 0o700 });
    for (const name of await readdir(join(from, folder.name))) {
      const [source, target] = [join(from, folder.name, name), join(to, folder.name, name)];
      if (existsSync(target)) continue;
      await link(source, target).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') await copyFile(source, target);
      });
    }
  }
}

function missing(dir: string): CliError {
  return new CliError(EXIT.badInput, 'store_missing', `${dir} holds no store of Tutti`);
}
