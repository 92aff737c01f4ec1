/**
 * The first result that arrives creates the row of a problem in the form, which is right only where it is that of APP_REQUIREMENTS: the others
 * are held until it has gone out.
 *
 * 1. Once it has gone out for a task, that task is no longer held up.
 * 2. Where it is not requested, the others wait for a moment only.
 * 3. Where the one who asks for it goes away, the others do not wait for it.
 */

/** The form asks for the six at once; a request that has not come by then is not among them. */
const ASKED_WITHIN_MS = 250;
/** From the moment that it is written until the form has read it. */
const READ_WITHIN_MS = 30;
/** Tasks that are remembered. */
const REMEMBERED = 10_000;

interface Order {
  asking: number;
  hasGone: boolean;
  readonly changed: Set<() => void>;
}

export class FirstNode {
  readonly #tasks = new Map<string, Order>();

  /** Somebody asks for APP_REQUIREMENTS. Calls back with whether it was written; the first call counts. */
  asked(task: string): (wasWritten: boolean) => void {
    const order = this.#order(task);
    order.asking += 1;
    notify(order);
    let isOver = false;
    return (wasWritten) => {
      if (isOver) return;
      isOver = true;
      const end = (): void => {
        order.asking -= 1;
        order.hasGone ||= wasWritten;
        notify(order);
      };
      if (wasWritten && !order.hasGone) setTimeout(end, READ_WITHIN_MS);
      else end();
    };
  }

  /** Until another node's result may go out. */
  async turn(task: string, signal: AbortSignal): Promise<void> {
    const order = this.#order(task);
    const untilMs = performance.now() + ASKED_WITHIN_MS;
    while (!order.hasGone) {
      const leftMs = order.asking > 0 ? undefined : untilMs - performance.now();
      if (leftMs !== undefined && leftMs <= 0) return;
      await change(order, leftMs, signal);
    }
  }

  #order(task: string): Order {
    const known = this.#tasks.get(task);
    if (known) return known;
    const order: Order = { asking: 0, hasGone: false, changed: new Set() };
    this.#tasks.set(task, order);
    for (const [oldest, { asking, changed }] of this.#tasks) {
      if (this.#tasks.size <= REMEMBERED) break;
      if (asking === 0 && changed.size === 0) this.#tasks.delete(oldest);
      else break;
    }
    return order;
  }
}

function notify({ changed }: Order): void {
  for (const wake of [...changed]) wake();
}

async function change(order: Order, withinMs: number | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let wake: () => void = () => {};
  await new Promise<void>((resolve) => {
    wake = resolve;
    order.changed.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    if (withinMs !== undefined) timer = setTimeout(wake, withinMs);
  });
  clearTimeout(timer);
  order.changed.delete(wake);
  signal.removeEventListener('abort', wake);
  signal.throwIfAborted();
}
