/**
 * Work for many peers in small pieces, so that work for each of a thousand subscribers does not delay everything else.
 *
 * 1. A round begins after the turn in which it is asked for, and goes over all items. What little there is to do, it does at once.
 * 2. It works for `WORK_MS` without a pause and then rests for `REST_MS`: most of the time is for others, however many items there are.
 * 3. A round that is asked for while one is under way follows it.
 */

const WORK_MS = 1;
const REST_MS = 15;

export interface RoundsOptions<T> {
  /** Live: an item that comes during a round may have its turn in it. */
  readonly items: () => Iterator<T>;
  readonly work: (item: T) => void;
  readonly onBegin: () => void;
  /** Each item that was there at the beginning, and still is, has had its turn. */
  readonly onEnd: () => void;
}

type Phase<T> =
  | { readonly kind: 'idle' }
  | { readonly kind: 'due'; readonly immediate: NodeJS.Immediate }
  | { readonly kind: 'under way'; readonly left: Iterator<T>; timer?: NodeJS.Timeout; isAskedFor: boolean };

export class Rounds<T> {
  readonly #options: RoundsOptions<T>;
  #phase: Phase<T> = { kind: 'idle' };

  constructor(options: RoundsOptions<T>) {
    this.#options = options;
  }

  ask(): void {
    if (this.#phase.kind === 'under way') this.#phase.isAskedFor = true;
    else if (this.#phase.kind === 'idle')
      this.#phase = { kind: 'due', immediate: setImmediate(() => this.#begin()) };
  }

  stop(): void {
    if (this.#phase.kind === 'due') clearImmediate(this.#phase.immediate);
    if (this.#phase.kind === 'under way') clearTimeout(this.#phase.timer);
    this.#phase = { kind: 'idle' };
  }

  #begin(): void {
    this.#options.onBegin();
    this.#phase = { kind: 'under way', left: this.#options.items(), isAskedFor: false };
    this.#goOn(this.#phase);
  }

  #goOn(phase: Extract<Phase<T>, { kind: 'under way' }>): void {
    const { work, onEnd } = this.#options;
    const endMs = performance.now() + WORK_MS;
    for (;;) {
      const { value, done } = phase.left.next();
      if (done) break;
      work(value);
      if (performance.now() < endMs) continue;
      phase.timer = setTimeout(() => this.#goOn(phase), REST_MS);
      return;
    }
    onEnd();
    this.#phase = phase.isAskedFor
      ? { kind: 'due', immediate: setImmediate(() => this.#begin()) }
      : { kind: 'idle' };
  }
}
