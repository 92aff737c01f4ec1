/** The receiving end of one socket of the memory bus: one message after the other, paused by a handler's promise. */
export class Inbox {
  readonly #waiting: (() => void | Promise<void>)[] = [];
  /** Whether a message is being handled, be it in this call or until a promise settles. */
  #busy = false;
  #closed = false;

  get length(): number {
    return this.#waiting.length;
  }

  push(handle: () => void | Promise<void>): void {
    if (this.#closed) return;
    this.#waiting.push(handle);
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
  }

  #pump(): void {
    while (!this.#busy) {
      const handle = this.#waiting.shift();
      if (!handle) return;
      this.#busy = true;
      const pause = handle();
      if (pause) void pause.then(() => this.#resume());
      else this.#busy = false;
    }
  }

  #resume(): void {
    this.#busy = false;
    this.#pump();
  }
}
