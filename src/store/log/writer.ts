/**
 * The writer of one reign's log.
 *
 * W1. A record is durable when its write returns: segments are opened with O_DSYNC.
 * W2. A write counts only if the segment's path still leads to the file afterwards. Where a new reign has closed the folder (F1), it does
 *     not: the record is there or not, and nobody is told of it.
 * W3. Writes are made on the caller's own thread, which is quicker than a hop to another one and back. Large ones, and all on a device whose
 *     writes take more than a millisecond, go through the thread pool, so that nothing else is late because of them.
 * W4. The next segment is made ready while the current one is filled: no record waits for a file.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  statSync,
  write as writeCallback,
  writeSync,
} from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { syncPath } from '../sync.js';
import { DeviceSpeed } from './device-speed.js';
import { folderOf, logDir, segmentName } from './folders.js';
import { seal } from './record.js';
import { makeHeader, SEGMENT_HEADER_BYTES, type SegmentHeader } from './segment.js';
import type { Spares } from './spares.js';

const write = promisify(writeCallback);

/** W3. Larger records take the device longer than the way to the thread pool and back. */
const POOLED_BYTES = 256 * 1024;

interface OpenSegment {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly fd: number;
  readonly ino: number;
  readonly bytes: number;
}

interface FullSegment {
  readonly path: string;
  readonly last: number;
}

export class LogWriter {
  readonly epoch: number;
  readonly #folder: string;
  readonly #spares: Spares;
  readonly #speed = new DeviceSpeed();
  #current: OpenSegment;
  #at = SEGMENT_HEADER_BYTES;
  #position: number;
  #next: Promise<OpenSegment> | undefined;
  #full: FullSegment[] = [];
  #recycling: Promise<void> = Promise.resolve();

  private constructor(folder: string, spares: Spares, first: OpenSegment, position: number) {
    this.epoch = first.header.epoch;
    this.#folder = folder;
    this.#spares = spares;
    this.#current = first;
    this.#position = position;
  }

  /** Makes the folder of a reign, with a segment that begins behind a position. */
  static async begin(storeDir: string, epoch: number, position: number, spares: Spares): Promise<LogWriter> {
    const folder = folderOf(storeDir, epoch);
    await mkdir(folder, { mode: 0o700 });
    const first = await makeSegment(folder, epoch, 1, SEGMENT_HEADER_BYTES, spares);
    await syncPath(logDir(storeDir));
    return new LogWriter(folder, spares, first, position);
  }

  /** The position of the newest record that counts. */
  get position(): number {
    return this.#position;
  }

  isInPlace(): boolean {
    const { path, ino } = this.#current;
    return statSync(path, { throwIfNoEntry: false })?.ino === ino;
  }

  /**
   * W1. Appends a record. Resolves to whether it counts (W2). Calls come one after the other.
   * @throws what the system says where it was not written: it does not count, and the next record takes its place.
   */
  async append(bytes: Buffer): Promise<boolean> {
    if (this.#at + bytes.length > this.#current.bytes) await this.#turnOver(bytes.length);
    const { fd, header } = this.#current;
    seal(bytes, { position: this.#position + 1, epoch: this.epoch, seed: header.seed });
    const begun = performance.now();
    const isPooled = bytes.length > POOLED_BYTES || this.#speed.isSlow;
    for (let done = 0; done < bytes.length; ) {
      const at = this.#at + done;
      done += isPooled
        ? (await write(fd, bytes, done, bytes.length - done, at)).bytesWritten
        : writeSync(fd, bytes, done, bytes.length - done, at);
    }
    if (bytes.length <= POOLED_BYTES) this.#speed.note(performance.now() - begun);
    if (!this.isInPlace()) return false;
    this.#position += 1;
    this.#at += bytes.length;
    if (this.#next === undefined && this.#at > this.#current.bytes / 2)
      void this.#makeNext(SEGMENT_HEADER_BYTES);
    return true;
  }

  /** The tables have durably passed a position: what is full and older may be used again. Happens beside the work. */
  release(position: number): void {
    const done = this.#full.filter(({ last }) => last <= position);
    if (done.length === 0) return;
    this.#full = this.#full.filter(({ last }) => last > position);
    this.#recycling = this.#recycling.then(async () => {
      // Where it is gone, a new reign has closed the folder and removes it.
      for (const { path } of done) await this.#spares.giveBack(path).catch(() => {});
    });
  }

  /** Lets go of the files. With `isPassed`, the tables have everything and do not need them, and they are removed. */
  async close(isPassed: boolean): Promise<void> {
    await this.#recycling;
    const next = await this.#next?.catch(() => undefined);
    for (const segment of [this.#current, ...(next ? [next] : [])]) {
      closeSync(segment.fd);
      if (isPassed) await this.#spares.giveBack(segment.path).catch(() => {});
    }
    if (isPassed) await rm(this.#folder, { recursive: true, force: true });
  }

  async #turnOver(needed: number): Promise<void> {
    const bytes = SEGMENT_HEADER_BYTES + needed;
    let next = await (this.#next ?? this.#makeNext(bytes));
    if (next.bytes < bytes) {
      // An empty segment in between does no harm.
      closeSync(next.fd);
      this.#full.push({ path: next.path, last: this.#position });
      next = await this.#makeNext(bytes, next.header.number + 1);
    }
    closeSync(this.#current.fd);
    this.#full.push({ path: this.#current.path, last: this.#position });
    this.#current = next;
    this.#at = SEGMENT_HEADER_BYTES;
    this.#next = undefined;
    void this.#spares.prepare();
  }

  /** W4. */
  #makeNext(bytes: number, number: number = this.#current.header.number + 1): Promise<OpenSegment> {
    const next = makeSegment(this.#folder, this.epoch, number, bytes, this.#spares);
    this.#next = next;
    // `#turnOver` tries again, and throws then.
    next.catch(() => {
      if (this.#next === next) this.#next = undefined;
    });
    return next;
  }
}

/** Under the name of a segment only with its header, both durable (S1). */
async function makeSegment(
  folder: string,
  epoch: number,
  number: number,
  leastBytes: number,
  spares: Spares,
): Promise<OpenSegment> {
  const path = join(folder, segmentName(number));
  const arriving = `${path}.new`;
  await spares.takeTo(arriving, leastBytes);
  const { bytes, header } = makeHeader(epoch, number);
  const file = await open(arriving, constants.O_WRONLY | constants.O_DSYNC);
  try {
    await file.write(bytes, 0, bytes.length, 0);
  } finally {
    await file.close();
  }
  await rename(arriving, path);
  await syncPath(folder);
  const fd = openSync(path, constants.O_WRONLY | constants.O_DSYNC);
  const { ino, size } = fstatSync(fd);
  return { path, header, fd, ino, bytes: Math.max(size, leastBytes) };
}
