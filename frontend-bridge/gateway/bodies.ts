/**
 * The bodies of requests that are not answered yet: nobody can hold a connection, or our memory, by never ending one.
 *
 * 1. A request whose body comes no further for a while is ended with 408 `body_timeout`.
 * 2. Bodies that are kept in memory are bounded together: beyond it the largest of those that are still coming is ended, with 503
 *    `too_many_bodies`, so that small ones pass beside large ones.
 * 3. Who is answered before its body is whole goes on sending, and many clients read the answer only then. The rest is read and thrown
 *    away for a while: a connection that is closed before is reset, and takes the answer with it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../src/base/clock.js';
import { HttpError } from './errors.js';
import type { GatewayLimits } from './limits.js';
import { answerRaw } from './raw-answer.js';

export interface BodiesDeps {
  readonly limits: Pick<GatewayLimits, 'bodiesBytes' | 'bodyIdleMs' | 'lingerMs'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onRefused: (peer: string, code: string, message: string) => void;
}

interface Body {
  readonly response: ServerResponse;
  /** Of its connection, before anything of it came. */
  readonly from: number;
  isKept: boolean;
  bytes: number;
  movedMs: number;
  isWhole: boolean;
  /** Answered before it was whole: until when the rest of it is thrown away. */
  lingersUntilMs?: number;
}

/** What comes between two looks is not bounded: a tenth of a second of what the network gives. */
const LOOK_MS = 100;
const RETRY_AFTER_S = 5;
/** As nginx does it (`lingering_timeout`). */
const LINGER_IDLE_MS = 5_000;

export class Bodies {
  readonly #deps: BodiesDeps;
  readonly #underWay = new Map<IncomingMessage, Body>();
  readonly #ended = new WeakSet<IncomingMessage>();
  #looking: NodeJS.Timeout | undefined;

  constructor(deps: BodiesDeps) {
    this.#deps = deps;
  }

  /** Bytes of those that are kept in memory, as of the last look. */
  get keptBytes(): number {
    let bytes = 0;
    for (const body of this.#underWay.values()) if (body.isKept) bytes += body.bytes;
    return bytes;
  }

  /** From when a request's head is there. `isKept`: its body is kept in memory until it is whole. */
  watch(request: IncomingMessage, response: ServerResponse, isKept: boolean): void {
    if (!hasBody(request)) return;
    const from = request.socket.bytesRead;
    const movedMs = this.#deps.clock.monotonicMs();
    this.#underWay.set(request, { response, from, isKept, bytes: 0, movedMs, isWhole: false });
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Whether it was ended here: the code that was reading its body has nothing to add. */
  hasEnded(request: IncomingMessage): boolean {
    return this.#ended.has(request);
  }

  stop(): void {
    clearInterval(this.#looking);
    this.#underWay.clear();
  }

  #look(): void {
    const { clock, limits } = this.#deps;
    const now = clock.monotonicMs();
    for (const [request, body] of this.#underWay) {
      const { response } = body;
      const bytes = request.socket.bytesRead - body.from;
      if (body.lingersUntilMs !== undefined) this.#linger(request, body, bytes, now);
      else if (response.writableFinished) this.#answered(request, body, now);
      else if (response.destroyed) this.#underWay.delete(request);
      else if (request.complete) noteWhole(request, body, bytes);
      else if (bytes > body.bytes) Object.assign(body, { bytes, movedMs: now });
      // One that nobody reads at the moment waits for us.
      else if (request.isPaused()) body.movedMs = now;
      else if (now - body.movedMs > limits.bodyIdleMs) {
        const message = `No further byte of the body has arrived for ${limits.bodyIdleMs} ms.`;
        this.#end(request, new HttpError(408, 'body_timeout', message));
      }
    }
    while (this.keptBytes > limits.bodiesBytes) {
      const largest = this.#largestComing();
      if (!largest) break;
      const message = `Requests with more than ${limits.bodiesBytes} bytes together are under way; this is the largest.`;
      this.#end(largest, new HttpError(503, 'too_many_bodies', message, { retryAfter: RETRY_AFTER_S }));
    }
    if (this.#underWay.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #largestComing(): IncomingMessage | undefined {
    let largest: IncomingMessage | undefined;
    let most = 0;
    for (const [request, { isKept, bytes }] of this.#underWay) {
      if (!isKept || request.complete || bytes <= most) continue;
      largest = request;
      most = bytes;
    }
    return largest;
  }

  #answered(request: IncomingMessage, body: Body, now: number): void {
    if (!request.complete && !request.socket.destroyed) {
      this.#beginLinger(request, body, now);
      return;
    }
    this.#underWay.delete(request);
    if (wantsClose(request)) request.socket.destroySoon();
  }

  #beginLinger(request: IncomingMessage, body: Body, now: number): void {
    Object.assign(body, { isKept: false, movedMs: now, lingersUntilMs: now + this.#deps.limits.lingerMs });
    // Its collector discards the bytes so far.
    for (const event of ['data', 'end', 'error', 'readable']) request.removeAllListeners(event);
    request.on('error', () => {});
    request.unpipe();
    request.resume();
  }

  #linger(request: IncomingMessage, body: Body, bytes: number, now: number): void {
    if (bytes > body.bytes) Object.assign(body, { bytes, movedMs: now });
    const isOver = now > body.lingersUntilMs! || now - body.movedMs > LINGER_IDLE_MS;
    if (!isOver && !request.complete && !request.socket.destroyed) return;
    this.#underWay.delete(request);
    if (isOver || this.#ended.has(request)) request.socket.destroy();
    else if (wantsClose(request)) request.socket.destroySoon();
  }

  /** Who has been answered already is only cut off. */
  #end(request: IncomingMessage, error: HttpError): void {
    const { socket } = request;
    const body = this.#underWay.get(request)!;
    this.#ended.add(request);
    if (body.response.headersSent) {
      this.#underWay.delete(request);
      socket.destroySoon();
      return;
    }
    this.#deps.onRefused(socket.remoteAddress ?? '', error.code, error.message);
    answerRaw(socket, error, this.#deps.limits.lingerMs);
    if (body.isKept) {
      this.#beginLinger(request, body, this.#deps.clock.monotonicMs());
      return;
    }
    // A reader of the stream sees its end.
    this.#underWay.delete(request);
    socket.destroySoon();
  }
}

/** Only once: what comes on the connection after it is another request's. */
function noteWhole({ headers }: IncomingMessage, body: Body, bytes: number): void {
  if (body.isWhole) return;
  body.isWhole = true;
  body.bytes = Number(headers['content-length'] ?? bytes);
}

/** Such a client reads until the end. */
function wantsClose({ headers }: IncomingMessage): boolean {
  return headers.connection?.toLowerCase() === 'close';
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
