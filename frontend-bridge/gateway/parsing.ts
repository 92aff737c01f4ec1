/**
 * JSON bodies become values: as many at a time as memory bears, the others wait as the text that they are.
 *
 * P1. A body is weighed by the memory of its value, not by its bytes: `[{},{},…]` grows twentyfold.
 * P2. The bodies that are read at a time have a total bound. A body heavier than that is read alone.
 * P3. Light bodies have a share of their own, so that they never wait for heavy ones.
 * P4. A share is given back when the request is over, answered or broken off.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { MAX_DEPTH as MAX_VALUE_DEPTH } from '../../src/base/json/check-text.js';
import { JsonText } from '../../src/base/json/json-text.js';
import { HttpError } from './errors.js';
import { keepTexts } from './payload-texts.js';

/** Bytes, as estimated. A process with the engine's smallest usual heap (512 MiB) bears them. */
const HEAVY_TOTAL = 192 * 1024 * 1024;
const LIGHT_TOTAL = 64 * 1024 * 1024;
/** Far more than the bodies of forms and scripts. */
const LIGHT = 1024 * 1024;
/** Lists and objects within each other: a value lies three deep in a body. */
const MAX_DEPTH = MAX_VALUE_DEPTH + 3;
/** The memory of an empty list or object, and the most that a place in it takes. */
const CONTAINER_BYTES = 64;
const PLACE_BYTES = 48;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

export interface Measure {
  /** Bytes that its value may take, a text of it included. */
  readonly weight: number;
  /** Lists and objects within each other. */
  readonly depth: number;
}

/** Of a JSON text; one that is not JSON has any. */
export function measure(text: Uint8Array): Measure {
  let containers = 0;
  let places = 0;
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at]!;
    if (byte === QUOTE) at = endOfString(text, at);
    else if (byte === COMMA) places += 1;
    else if (byte === 0x7b || byte === 0x5b) {
      containers += 1;
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  const weight = text.length * 2 + containers * CONTAINER_BYTES + (places + containers) * PLACE_BYTES;
  return { weight, depth: deepest };
}

/** Where the string that begins at `start` ends. */
function endOfString(text: Uint8Array, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  return text.length;
}

export class Parsing {
  readonly #heavy = new Gate(HEAVY_TOTAL);
  readonly #light = new Gate(LIGHT_TOTAL);

  /** The value of a body, once there is room for it. Throws `HttpError` `not_utf8`, `too_deep`, `malformed_json`. */
  async read(request: IncomingMessage, body: Buffer): Promise<unknown> {
    checkUtf8(body);
    const { weight, depth } = measure(body);
    if (depth > MAX_DEPTH) {
      throw new HttpError(
        400,
        'too_deep',
        `The body has more than ${MAX_DEPTH} lists and objects within each other.`,
        {
          hint: 'Flatten the value, or give it as text.',
        },
      );
    }
    await (weight <= LIGHT ? this.#light : this.#heavy).enter(request, weight);
    return parse(body);
  }

  /** The request is over. Idempotent. */
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

function parse(body: Buffer): unknown {
  const text = textOf(body);
  if (text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HttpError(400, 'malformed_json', `The body is not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  return keepTexts(new JsonText(text, value));
}

interface Waiting {
  readonly request: IncomingMessage;
  readonly weight: number;
  readonly enter: () => void;
}

/** Lets in as much as fits, in the order of arrival. */
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
