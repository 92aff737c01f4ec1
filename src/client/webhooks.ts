/** Addresses that events are posted to: `tutti.webhooks`. */
import { everyItem } from '../base/every-item.js';
import type { Routes, Webhook, WebhookTested } from './generated/routes.js';
import type { Http } from './http.js';
import { askRoute, type RequestOptions } from './route.js';

/** A new webhook; see `POST /v1/webhooks`. */
export type NewWebhook = Routes['POST /v1/webhooks']['body'];

export class Webhooks {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /**
   * Events from now on are posted to an address, in order.
   *
   * @example
   * await tutti.webhooks.add({ name: 'chat', url: 'http://127.0.0.1:8090/', filter: ['iteration.failed'], secret });
   */
  async add(webhook: NewWebhook, options: RequestOptions = {}): Promise<Webhook> {
    return (await askRoute(this.#http, 'POST /v1/webhooks', { body: webhook }, options)).value;
  }

  /** By their names, with how far they are and how the last attempt ended. */
  list(): AsyncGenerator<Webhook> {
    return everyItem(async (query) => (await askRoute(this.#http, 'GET /v1/webhooks', { query })).value);
  }

  /** Posts one event of the type `webhook.test`. A receiver that does not take it is not an error: `delivered` is false, and `status` says why. */
  async test(name: string, options: RequestOptions = {}): Promise<WebhookTested> {
    const parts = { path: { name }, body: {} };
    return (await askRoute(this.#http, 'POST /v1/webhooks/{name}/test', parts, options)).value;
  }

  /** Its pending events are not delivered. */
  async remove(name: string, options: RequestOptions = {}): Promise<void> {
    await askRoute(this.#http, 'DELETE /v1/webhooks/{name}', { path: { name } }, options);
  }
}
