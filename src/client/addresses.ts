/**
 * The orchestrators of one store, of which one leads: where requests go.
 *
 * Requests go to the address that has answered last. One that takes no connection, or whose orchestrator only waits to take over, is left for
 * the next, in a circle.
 */
import { ClientError } from './errors.js';

export class Addresses {
  readonly #all: readonly [string, ...string[]];
  #at = 0;

  /** @param text one URL, or several with commas between them. Throws `ClientError` `bad_url`. */
  constructor(text: string) {
    const [first, ...others] = text.split(',').map((url) => checked(url.trim()));
    this.#all = [first!, ...others];
  }

  get count(): number {
    return this.#all.length;
  }

  get current(): string {
    return this.#all[this.#at]!;
  }

  /** For messages. */
  get shown(): string {
    return this.#all.map((url) => new URL(url).href).join(', ');
  }

  /** Several requests may fail at one address: it is left once. */
  leave(url: string): void {
    if (url === this.current) this.#at = (this.#at + 1) % this.#all.length;
  }
}

/** Without a slash at its end. */
function checked(url: string): string {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    const message = `--url (TUTTI_URL): ${JSON.stringify(url)} is not an http:// or https:// address.`;
    throw new ClientError('bad_url', message);
  }
  return base.origin + base.pathname.replace(/\/$/, '');
}
