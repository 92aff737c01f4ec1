/** A crate as a zip file, made while it is sent: no more of it is in memory than one piece. */
import { Readable } from 'node:stream';
import { makeZip, predictLength } from 'client-zip';
import type { Blobs } from '../../../src/orchestrator/port.js';
import { refusalError } from '../errors.js';
import { crateMetadata } from './metadata.js';
import { type CrateFile, type CrateRun, filesOf, sizeOf } from './run.js';

interface Entry {
  readonly name: string;
  readonly size: number;
  readonly lastModified: Date;
  readonly input: Uint8Array | Readable;
}

export interface Archive {
  /** In bytes. */
  readonly size: number;
  readonly content: Readable;
}

/** `content` has to be read to its end, or destroyed: it keeps a blob open. */
export function archiveOf(run: CrateRun, blobs: Blobs): Archive {
  const description: CrateFile = {
    path: 'ro-crate-metadata.json',
    mediaType: 'application/ld+json',
    content: { kind: 'inline', bytes: Buffer.from(`${JSON.stringify(crateMetadata(run), null, 2)}\n`) },
  };
  const files = [description, ...filesOf(run)];
  const lastModified = new Date(run.finished_at);
  const blob = new CurrentBlob(blobs);
  async function* entries(): AsyncGenerator<Entry> {
    for (const file of files) {
      const { content } = file;
      const input = content.kind === 'inline' ? content.bytes : await blob.open(content.blob.sha256);
      yield { name: file.path, size: sizeOf(file), lastModified, input };
    }
  }
  const pieces = makeZip(entries()).getReader();
  const content = new Readable({
    read() {
      pieces.read().then(
        ({ value }) => this.push(value ?? null),
        (thrown: Error) => this.destroy(thrown),
      );
    },
    destroy(error, done) {
      // The archiver does not close what it reads when it is given up itself.
      blob.close();
      pieces.cancel().catch(() => {});
      done(error);
    },
  });
  return {
    size: Number(predictLength(files.map((file) => ({ name: file.path, size: sizeOf(file) })))),
    content,
  };
}

/** The only blob that is open at a time. */
class CurrentBlob {
  readonly #blobs: Blobs;
  #content: Readable | undefined;
  #isClosed = false;

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  async open(sha256: string): Promise<Readable> {
    const blob = await this.#blobs.open(sha256);
    if ('ok' in blob) throw refusalError(blob);
    this.#content = blob.read();
    if (this.#isClosed) this.#content.destroy();
    return this.#content;
  }

  close(): void {
    this.#isClosed = true;
    this.#content?.destroy();
  }
}
