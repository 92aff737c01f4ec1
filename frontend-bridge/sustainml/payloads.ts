/** Payloads as fields, also those that are so large that the orchestrator keeps them as blobs. */

import type { TaskId } from '../../src/model/task-id.js';
import type { View, Workspace } from '../../src/orchestrator/port.js';
import { Refused } from './refused.js';
import { foundIn } from './tasks.js';

/** The fields of a payload of this type; nothing where it cannot be read. */
export type Decode = (type: string, bytes: Uint8Array) => unknown;

/** A larger one is not read. */
const MOST_BYTES = 64 * 1024 * 1024;
const INPUT_TYPE = 'sustainml.v1.UserInput';

export class Payloads {
  readonly #coordinator: Pick<Workspace, 'queries' | 'blobs'>;
  readonly #decode: Decode;

  constructor(coordinator: Pick<Workspace, 'queries' | 'blobs'>, decode: Decode) {
    this.#coordinator = coordinator;
    this.#decode = decode;
  }

  async output(task: TaskId, module: string): Promise<View> {
    const { json, type, raw } = foundIn(await this.#coordinator.queries.output(task, module));
    return fieldsOf(raw.kind === 'blob' ? await this.#blob(raw.blob, type) : json.value);
  }

  /** Of an iteration as it is shown. */
  async input({ input }: View): Promise<View> {
    const { blob } = fieldsOf(input) as { blob?: { sha256: string; size: number } };
    return fieldsOf(blob === undefined ? input : await this.#blob(blob, INPUT_TYPE));
  }

  async #blob({ sha256, size }: { sha256: string; size: number }, type: string): Promise<unknown> {
    if (size > MOST_BYTES)
      throw new Refused(413, 'too_large', `A payload has more than ${MOST_BYTES} bytes.`);
    const opened = await this.#coordinator.blobs.open(sha256);
    if ('ok' in opened) throw new Refused(404, opened.code, opened.message);
    const pieces: Buffer[] = [];
    for await (const piece of opened.read()) pieces.push(piece as Buffer);
    return this.#decode(type, Buffer.concat(pieces));
  }
}

function fieldsOf(value: unknown): View {
  return typeof value === 'object' && value !== null ? (value as View) : {};
}
