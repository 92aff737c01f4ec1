/**
 * Holds the frames that arrive from the sockets while the orchestrator is being set up, in order; their senders wait, too.
 */
import type { Step } from '../core/turn.js';

type Post = (step: Step, cost: number) => Promise<void> | undefined;

export class Doors {
  readonly #post: Post;
  readonly #opened: Promise<void>;
  #release: () => void = () => {};
  #waiting: { readonly step: Step; readonly cost: number }[] | undefined = [];

  constructor(post: Post) {
    this.#post = post;
    this.#opened = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  post(step: Step, cost: number): Promise<void> | undefined {
    if (this.#waiting === undefined) return this.#post(step, cost);
    this.#waiting.push({ step, cost });
    return this.#opened;
  }

  /** Passes on the waiting steps, and all later ones directly. */
  async open(): Promise<void> {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const { step, cost } of waiting) await this.#post(step, cost);
    this.#release();
  }
}
