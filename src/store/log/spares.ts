/**
 * Files that are filled ahead, so that a write to a segment changes nothing but its bytes: neither the file's size nor its place on the disk
 * has to be synced with it, and it meets no full disk.
 *
 * P1. A file is in the pool only while no process has it open: a process that was suspended cannot write to one that another has taken.
 *     It is filled under another name, and a segment comes back only after its descriptor is closed.
 * P2. A file is taken by renaming it into a reign's folder and opened there. Once that folder is closed (F1), this fails.
 */
import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { spareDir } from './folders.js';

const READY = /\.spare$/;
const FILLING = /\.part$/;
const ZEROS = new Uint8Array(1024 ** 2);
/** One for the next segment, and one for a start on a full disk. */
const READY_FILES = 2;
/** As many as the log takes at its longest: files that it needed at once are needed again, and filling one anew writes it twice. */
const KEPT_FILES = 6;

export class Spares {
  readonly #dir: string;
  readonly #bytes: number;
  #filling: Promise<void> | undefined;

  constructor(storeDir: string, bytes: number) {
    this.#dir = spareDir(storeDir);
    this.#bytes = bytes;
  }

  /**
   * P2. Moves a file that is filled ahead to a path, one that is at hand or a new one. Where more than its bytes are needed, the file at the
   * path is a new and empty one: it is written once, and its size is synced with that.
   * @throws what the system says where there is no room for one, or the path's folder is gone.
   */
  async takeTo(path: string, bytes: number): Promise<void> {
    if (bytes > this.#bytes) return (await open(path, 'w', 0o600)).close();
    for (const name of await this.#ready()) {
      try {
        await rename(join(this.#dir, name), path);
        return;
      } catch (error) {
        // Another process may have taken it.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    const filled = await this.#fill();
    try {
      await rename(filled, path);
    } catch (error) {
      await rm(filled, { force: true });
      throw error;
    }
  }

  /** P1. Gives a segment's file back, which nobody has open. */
  async giveBack(path: string): Promise<void> {
    const { size } = await stat(path);
    const isWanted = size === this.#bytes && (await this.#ready()).length < KEPT_FILES;
    if (isWanted) await rename(path, join(this.#dir, newName('.spare')));
    else await rm(path);
  }

  /** Fills files ahead, beside the work. What cannot be filled now is tried again with the next call. */
  prepare(): Promise<void> {
    this.#filling ??= this.#prepare().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  /** Settles when no file is being filled. */
  async idle(): Promise<void> {
    await this.#filling;
  }

  /** Removes what an earlier process did not fill to its end. A process that still fills one fails. */
  async tidy(): Promise<void> {
    for (const name of await readdir(this.#dir)) {
      if (FILLING.test(name)) await rm(join(this.#dir, name), { force: true });
    }
  }

  async #prepare(): Promise<void> {
    try {
      while ((await this.#ready()).length < READY_FILES) {
        const filled = await this.#fill();
        await rename(filled, join(this.#dir, newName('.spare')));
      }
    } catch {
      // A full disk: `takeTo` says so when a file is needed.
    }
  }

  async #ready(): Promise<string[]> {
    return (await readdir(this.#dir)).filter((name) => READY.test(name));
  }

  async #fill(): Promise<string> {
    const path = join(this.#dir, newName('.part'));
    const file = await open(path, 'wx', 0o600);
    try {
      for (let left = this.#bytes; left > 0; left -= ZEROS.length)
        await file.write(ZEROS, 0, Math.min(left, ZEROS.length));
      await file.sync();
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return path;
  }
}

function newName(suffix: string): string {
  return `${randomBytes(8).toString('hex')}${suffix}`;
}
