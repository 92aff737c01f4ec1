/** Long questions in slices, between which the loop goes on: the same thread decides, and what comes from the disk keeps it waiting. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The loop waits no longer than this for a question. */
const SLICE_MS = 8;

export class Slices {
  #beganMs = performance.now();

  /** Lets the loop go on when a slice is over. */
  async rest(): Promise<void> {
    if (performance.now() - this.#beganMs <= SLICE_MS) return;
    await nextTurn();
    this.#beganMs = performance.now();
  }
}
