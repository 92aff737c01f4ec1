/**
 * Where the log is: `log/<epoch>/` holds the segments of one reign, `log/spare/` files that are filled ahead.
 *
 * F1. A new reign *closes* the folders of the older ones before it reads them: it renames them. A writer finds its own path gone with the
 *     next write, and can make no new segment there; whatever it wrote before is read, whatever comes later acknowledges nothing.
 * F2. The tables note which reign's log they need (`LmdbTables.need`). That folder is there, open or closed; any other is
 *     left from a reign that the tables have passed, and may be removed.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TuttiError } from '../../base/errors.js';
import { RESTORE_HINT } from '../identity.js';
import { syncPath } from '../sync.js';
import type { Row } from './record.js';
import { damagedLog, readSegment, SEGMENT_HEADER_BYTES, type Segment } from './segment.js';

const FOLDER = /^(\d+)(-closed-by-.+)?$/;
const SEGMENT = /^(\d+)\.seg$/;

export function logDir(storeDir: string): string {
  return join(storeDir, 'log');
}

export function folderOf(storeDir: string, epoch: number): string {
  return join(logDir(storeDir), String(epoch));
}

export function spareDir(storeDir: string): string {
  return join(logDir(storeDir), 'spare');
}

export function segmentName(number: number): string {
  return `${number}.seg`;
}

interface Folder {
  readonly path: string;
  readonly epoch: number;
  readonly isClosed: boolean;
}

async function foldersIn(storeDir: string): Promise<Folder[]> {
  const names = await readdir(logDir(storeDir)).catch(orNothing);
  return names.flatMap((name) => {
    const [, epoch, closed] = FOLDER.exec(name) ?? [];
    if (epoch === undefined) return [];
    return [{ path: join(logDir(storeDir), name), epoch: Number(epoch), isClosed: closed !== undefined }];
  });
}

/** F1. Makes every older reign's writer unable to acknowledge anything; durable when it resolves. */
export async function closeOlder(storeDir: string, epoch: number): Promise<void> {
  const folders = await foldersIn(storeDir);
  const open = folders.filter((folder) => !folder.isClosed && folder.epoch < epoch);
  for (const { path } of open) {
    await rename(path, `${path}-closed-by-${epoch}`).catch(unlessGone);
  }
  if (folders.length > 0) await syncPath(logDir(storeDir));
}

/** F2. Removes the folders of older reigns, which the tables no longer need. */
export async function removeOlder(storeDir: string, epoch: number): Promise<void> {
  for (const folder of await foldersIn(storeDir)) {
    if (folder.epoch < epoch) await rm(folder.path, { recursive: true, force: true });
  }
}

export async function makeLogDir(storeDir: string): Promise<void> {
  await mkdir(spareDir(storeDir), { recursive: true, mode: 0o700 });
}

/** The records of the log beyond a position. */
export interface Tail {
  /** The position of its last record; where there is none, the one that was asked for. */
  readonly position: number;
  readonly rows: readonly Row[];
}

export function tailOf(segments: readonly Segment[], after: number): Tail {
  const records = segments.flatMap(({ records }) => records.filter(({ position }) => position > after));
  return { position: records.at(-1)?.position ?? after, rows: records.flatMap(({ rows }) => rows) };
}

/**
 * The segments of a reign's log, in order. Rows are only those beyond a position, which the tables have reached.
 * @throws `store_damaged`, naming the file and the offset; ENOENT where it is removed meanwhile.
 */
export async function readLog(storeDir: string, epoch: number, after: number): Promise<Segment[]> {
  try {
    return await readOnce(storeDir, epoch, after);
  } catch {
    // A log read while it is written may lack a record but have the next one; real damage stays.
    return readOnce(storeDir, epoch, after);
  }
}

async function readOnce(storeDir: string, epoch: number, after: number): Promise<Segment[]> {
  const folder = (await foldersIn(storeDir)).find((each) => each.epoch === epoch);
  if (folder === undefined)
    throw new TuttiError('store_damaged', `the log of epoch ${epoch} is missing in ${logDir(storeDir)}`, {
      hint: RESTORE_HINT,
    });
  const numbers = (await readdir(folder.path)).flatMap((name) => SEGMENT.exec(name)?.[1] ?? []).map(Number);
  numbers.sort((a, b) => a - b);
  const segments: Segment[] = [];
  for (const number of numbers)
    segments.push(await readSegment(join(folder.path, segmentName(number)), after));
  return inOrder(segments, after);
}

/**
 * Nothing is missing before, between or in the segments (S3). A record that could not be written may stand at the end of a segment, while the
 * next segment begins with another one in its place.
 */
function inOrder(segments: readonly Segment[], after: number): Segment[] {
  let expected = after + 1;
  return segments.map((segment, i) => {
    const { path, records, bytes, isFollowed } = segment;
    const next = segments.slice(i + 1).flatMap((later) => later.records.slice(0, 1))[0]?.position;
    const first = records[0]?.position ?? expected;
    if (first > expected)
      throw damagedLog(path, SEGMENT_HEADER_BYTES, `it begins with record ${first} instead of ${expected}`);
    const behind = records.length > 0 ? records.at(-1)!.position + 1 : expected;
    if (next === undefined ? isFollowed : next > Math.max(behind, expected))
      throw damagedLog(path, bytes.length, `record ${behind} is not whole`);
    expected = Math.max(expected, Math.min(behind, next ?? behind));
    return { ...segment, records: records.filter(({ position }) => position < (next ?? behind)) };
  });
}

function orNothing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** Another new reign has done the same. */
function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
