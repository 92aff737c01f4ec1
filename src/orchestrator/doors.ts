/**
 * What comes from the sockets while the orchestrator is being set up waits here, in order, and its senders wait with it.
 */
import type { Step } from './decide/turn.js';

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

  /** Passes on what waits, and everything from then on. */
  async open(): Promise<void> {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const { step, cost } of waiting) await this.#post(step, cost);
    this.#release();
  }
}
