/**
 * Blobs that an agent has read, kept in its state folder: the files of a graph and large inputs come again with every execution.
 *
 * 1. What is read from the folder has the size and the SHA-256 of its reference, or it is fetched as if it were not there.
 * 2. The folder is bounded: what has not been used for a day goes, and beyond its bytes what was used least recently.
 * 3. It only saves time: where it cannot be written, the work goes on, and the log says so.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.js';
import { SHA256, sha256Of } from '../base/sha256.js';
import type { BlobRef } from '../model/payload.js';
import type { BlobClient } from './blobs.js';
import type { NodeLogger } from './options.js';

const MAX_BYTES = 1024 ** 3;
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

export interface CachedBlobsOptions {
  /** Made if it is not there. */
  readonly dir: string;
  readonly logger: Pick<NodeLogger, 'warn'>;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  /** @default 1 GiB */
  readonly maxBytes?: number;
}

interface Entry {
  readonly size: number;
  readonly usedMs: number;
}

export class CachedBlobs implements BlobClient {
  readonly #inner: BlobClient;
  readonly #options: CachedBlobsOptions;
  readonly #maxBytes: number;
  /** By SHA-256, the least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #writes = 0;

  constructor(inner: BlobClient, options: CachedBlobsOptions) {
    this.#inner = inner;
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    const { dir } = options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const found = readdirSync(dir).flatMap((name) => {
      if (SHA256.test(name)) {
        const { size, mtimeMs } = statSync(join(dir, name));
        return [{ name, size, usedMs: mtimeMs }];
      }
      rmSync(join(dir, name), { force: true });
      return [];
    });
    for (const { name, size, usedMs } of found.sort((a, b) => a.usedMs - b.usedMs))
      this.#note(name, { size, usedMs });
  }

  async get(blob: BlobRef, url: string, signal: AbortSignal): Promise<Uint8Array> {
    const kept = await this.#read(blob);
    if (kept) return kept;
    const bytes = await this.#inner.get(blob, url, signal);
    await this.#keep(blob, bytes);
    return bytes;
  }

  put(blob: BlobRef, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#inner.put(blob, bytes, signal);
  }

  putFile(blob: BlobRef, path: string, signal: AbortSignal): Promise<void> {
    return this.#inner.putFile(blob, path, signal);
  }

  setBase(url: string): void {
    this.#inner.setBase(url);
  }

  setToken(token: string): void {
    this.#inner.setToken(token);
  }

  /** Removes what has not been used for a day. */
  async tidy(): Promise<void> {
    const tooOld = this.#options.nowMs() - MAX_AGE_MS;
    for (const [name, { usedMs }] of [...this.#entries]) if (usedMs < tooOld) await this.#drop(name);
  }

  async #read({ sha256, size }: BlobRef): Promise<Uint8Array | undefined> {
    if (this.#entries.get(sha256)?.size !== size) return undefined;
    const path = join(this.#options.dir, sha256);
    try {
      const bytes = await readFile(path);
      if (bytes.byteLength === size && sha256Of(bytes) === sha256) {
        const usedMs = this.#options.nowMs();
        await utimes(path, usedMs / 1000, usedMs / 1000);
        this.#note(sha256, { size, usedMs });
        return bytes;
      }
    } catch (thrown) {
      this.#warn('read', sha256, thrown);
    }
    await this.#drop(sha256);
    return undefined;
  }

  async #keep({ sha256, size }: BlobRef, bytes: Uint8Array): Promise<void> {
    if (size > this.#maxBytes) return;
    this.#writes += 1;
    const path = join(this.#options.dir, sha256);
    const part = `${path}.${this.#writes}.part`;
    try {
      await writeFile(part, bytes, { mode: 0o600 });
      await rename(part, path);
      this.#note(sha256, { size, usedMs: this.#options.nowMs() });
    } catch (thrown) {
      this.#warn('kept', sha256, thrown);
      await rm(part, { force: true }).catch(() => {});
    }
    for (const name of [...this.#entries.keys()]) {
      if (this.#bytes <= this.#maxBytes) return;
      await this.#drop(name);
    }
  }

  #note(name: string, entry: Entry): void {
    this.#forget(name);
    this.#entries.set(name, entry);
    this.#bytes += entry.size;
  }

  #forget(name: string): void {
    this.#bytes -= this.#entries.get(name)?.size ?? 0;
    this.#entries.delete(name);
  }

  async #drop(name: string): Promise<void> {
    this.#forget(name);
    await rm(join(this.#options.dir, name), { force: true }).catch((thrown) =>
      this.#warn('removed', name, thrown),
    );
  }

  #warn(what: string, sha256: string, thrown: unknown): void {
    this.#options.logger.warn(
      { sha256 },
      `a blob could not be ${what} in the state folder: ${messageOf(thrown)}`,
    );
  }
}
