/**
 * JSON bodies are read: as many at a time as memory bears, the others wait as the text that they are.
 *
 * P1. A body is weighed by the memory of its value, not by its bytes: `[{},{},…]` grows twentyfold. A payload stays a text until somebody
 *     needs its value, which nobody does for the type `json`.
 * P2. The bodies that are read at a time have a total bound. A body heavier than that is read alone.
 * P3. Light bodies have a share of their own, so that they never wait for heavy ones.
 * P4. A share is given back when the request is over, answered or broken off.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { MAX_DEPTH as MAX_VALUE_DEPTH } from '../../src/base/json/check-text.js';
import { JsonText } from '../../src/base/json/json-text.js';
import { HttpError } from './errors.js';
import { measure } from './measure.js';
import { keepTexts } from './payload-texts.js';

/** Bytes, as estimated. A process with the engine's smallest usual heap (512 MiB) bears them. */
const HEAVY_TOTAL = 192 * 1024 * 1024;
const LIGHT_TOTAL = 64 * 1024 * 1024;
/** Far more than the bodies of forms and scripts. */
const LIGHT = 1024 * 1024;
/** Lists and objects within each other: a value lies three deep in a body. */
const MAX_DEPTH = MAX_VALUE_DEPTH + 3;

export class Parsing {
  readonly #heavy = new Gate(HEAVY_TOTAL);
  /** P3. */
  readonly #light = new Gate(LIGHT_TOTAL);

  /** The value of a body, once there is room for it. Throws `HttpError` `not_utf8`, `too_deep`, `malformed_json`. */
  async read(request: IncomingMessage, body: Buffer): Promise<unknown> {
    checkUtf8(body);
    // P1.
    const { isJson, weight, depth } = measure(body, MAX_DEPTH);
    if (depth > MAX_DEPTH) {
      throw new HttpError(
        400,
        'too_deep',
        `The body has more than ${MAX_DEPTH} levels of lists and objects.`,
        {
          hint: 'Flatten the value, or give it as text.',
        },
      );
    }
    await (weight <= LIGHT ? this.#light : this.#heavy).enter(request, weight);
    return parse(body, isJson);
  }

  /** P4. The request is over. Idempotent. */
  leave(request: IncomingMessage): void {
    this.#light.leave(request);
    this.#heavy.leave(request);
  }
}

function checkUtf8(body: Buffer): void {
  if (isUtf8(body)) return;
  throw new HttpError(400, 'not_utf8', 'The body is not UTF-8.', {
    hint: 'Send the body in UTF-8, whatever charset its media type names.',
  });
}

/** A body that is a text. A mark of the byte order at its beginning, which editors on Windows write, is not a part of it. */
export function textOf(body: Buffer): string {
  checkUtf8(body);
  return body.toString().replace(/^\ufeff/, '');
}

function parse(body: Buffer, isJson: boolean): unknown {
  const text = textOf(body);
  if (text === '') return undefined;
  if (!isJson) refuseMalformed(text);
  return keepTexts(new JsonText(text));
}

/** In the words of the engine, with the place of the fault. */
function refuseMalformed(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new HttpError(400, 'malformed_json', `The body is not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}

interface Waiting {
  readonly request: IncomingMessage;
  readonly weight: number;
  readonly enter: () => void;
}

/** P2. Lets in as much as fits, in the order of arrival. */
class Gate {
  readonly #capacity: number;
  readonly #inside = new Map<IncomingMessage, number>();
  #waiting: Waiting[] = [];
  #used = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  enter(request: IncomingMessage, weight: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ request, weight: Math.min(weight, this.#capacity), enter });
      this.#admit();
    });
  }

  leave(request: IncomingMessage): void {
    const weight = this.#inside.get(request);
    if (weight === undefined) {
      this.#waiting = this.#waiting.filter((one) => one.request !== request);
      return;
    }
    this.#inside.delete(request);
    this.#used -= weight;
    // Bodies from other connections are read before the next large one.
    setImmediate(() => this.#admit());
  }

  #admit(): void {
    for (
      let next = this.#waiting[0];
      next && this.#used + next.weight <= this.#capacity;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#used += next.weight;
      this.#inside.set(next.request, next.weight);
      next.enter();
    }
  }
}
