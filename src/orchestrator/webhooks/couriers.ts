/** The couriers of all webhooks: one for each that there is, as it is now. */
import type { Webhook } from '../../model/webhook.js';
import { typeOfEvent } from '../core/event-json.js';
import type { WebhookAttempt } from '../core/turn.js';
import type { EventStream, StreamEvent } from '../port.js';
import { testEvent } from './cloud-event.js';
import { Courier, type CourierCounts, type CourierDeps } from './courier.js';
import { SEALED_ELSEWHERE } from './post.js';

export interface CouriersDeps extends Omit<CourierDeps, 'counts' | 'events'> {
  readonly events: EventStream;
  readonly state: { readonly webhooks: ReadonlyMap<string, Webhook> };
}

export interface WebhookGauges extends Readonly<CourierCounts> {
  /** Events that are committed and not passed. */
  readonly lag: number;
}

export class Couriers {
  readonly #deps: CouriersDeps;
  readonly #couriers = new Map<string, Courier>();
  readonly #counts = new Map<string, CourierCounts>();
  readonly #abort = new AbortController();
  #unsubscribe: (() => void) | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(deps: CouriersDeps) {
    this.#deps = deps;
  }

  /** Webhooks may have been added, changed or removed. Settles when it is so. */
  refresh(): Promise<void> {
    this.#refreshing = this.#refreshing.then(() => this.#refresh());
    return this.#refreshing;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#leaveEvents();
    await this.#refreshing;
    await Promise.all([...this.#couriers.values()].map((courier) => courier.stop()));
  }

  /** One delivery of a test. Nothing where there is no such webhook. */
  async test(name: string, id: string, at: string): Promise<WebhookAttempt | undefined> {
    const { state, storeId, open, post } = this.#deps;
    const webhook = state.webhooks.get(name);
    if (!webhook) return undefined;
    const target = open(webhook);
    if (!target) return SEALED_ELSEWHERE;
    return post(target, testEvent(storeId, id, at, name), this.#abort.signal);
  }

  /** How far a webhook is, which the store may not know yet. */
  cursorOf(name: string): number | undefined {
    return this.#couriers.get(name)?.cursor;
  }

  gauges(): Readonly<Record<string, WebhookGauges>> {
    const newest = this.#deps.events.cursor();
    return Object.fromEntries(
      [...this.#couriers].map(([name, { cursor }]) => [
        name,
        { ...this.#countsOf(name), lag: Math.max(0, newest - cursor) },
      ]),
    );
  }

  async #refresh(): Promise<void> {
    const { state } = this.#deps;
    for (const [name, courier] of [...this.#couriers]) {
      const now = state.webhooks.get(name);
      if (now && isSame(now, courier.webhook)) continue;
      await courier.stop();
      this.#couriers.delete(name);
      if (now?.id !== courier.webhook.id) this.#counts.delete(name);
    }
    if (this.#abort.signal.aborted) return;
    for (const [name, webhook] of state.webhooks) {
      if (this.#couriers.has(name)) continue;
      const courier = new Courier(webhook, { ...this.#deps, counts: this.#countsOf(name) });
      this.#couriers.set(name, courier);
      courier.start();
    }
    if (this.#couriers.size > 0)
      this.#unsubscribe ??= this.#deps.events.onCommitted((events) => this.#see(events));
    else this.#leaveEvents();
  }

  #leaveEvents(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #countsOf(name: string): CourierCounts {
    const counts = this.#counts.get(name) ?? { delivered: 0, failed: 0, missed: 0 };
    this.#counts.set(name, counts);
    return counts;
  }

  #see(events: readonly StreamEvent[]): void {
    const seen = events.map(({ seq, json }) => ({ seq, type: typeOfEvent(json) }));
    for (const courier of this.#couriers.values()) courier.see(seen);
  }
}

/** In all that a courier works by. */
function isSame(a: Webhook, b: Webhook): boolean {
  return (
    a.id === b.id && a.sealed === b.sealed && a.problem === b.problem && String(a.filter) === String(b.filter)
  );
}
