/**
 * One run of a handler: fetches and decodes its inputs, hands it its task, and turns what it gives into outputs.
 *
 * 1. Whatever a handler does, the run ends with exactly one `returned` event, and never throws.
 * 2. Outputs keep the order in which they were published, also where one of them is uploaded first.
 * 3. An uncaught error of code that the handler has started fails the run, even while the handler goes on.
 * 4. A partial output that cannot be published fails the run, awaited or not.
 */
import type { Clock } from '../base/clock.js';
import { TuttiError } from '../base/errors.js';
import { isBytes, isTextual, mediaTypeOf } from '../model/media-type.js';
import type { Assign, Input, LogLevel, ReportedError } from '../model/protocol.js';
import { formatTaskId } from '../model/task-id.js';
import type { TypeRegistry } from '../wire/types.js';
import { asDialled } from './addresses.js';
import { runBlaming } from './author-code.js';
import { type BlobClient, blobOf } from './blobs.js';
import { type AbortCode, bounded, NonRetryableError, reportedError, TaskAbortedError } from './errors.js';
import { metricsLine } from './metrics.js';
import { NamedOutputs, withoutNames } from './named-outputs.js';
import type { NodeLogger } from './options.js';
import { Printed, runPrinting } from './printed.js';
import type { Produced, Result, SessionEvent } from './session/events.js';
import type { Handler, Task, TaskLogLine } from './task.js';

/** The payload settings of the welcome. */
export interface PayloadRules {
  readonly types: TypeRegistry;
  readonly outputType: string;
  readonly inlineMaxBytes: number;
}

export interface ExecutionRunDeps {
  /** Whether the handler was called for it before, by an earlier process of this node. */
  readonly isResumed: boolean;
  /** As of the assignment and the newest welcome. */
  rules(): PayloadRules;
  /** Asks for a new welcome; settles when it is there. */
  newerRules(): Promise<void>;
  readonly blobs: BlobClient;
  readonly clock: Clock;
  readonly control: string;
  /** Whether what the handler prints goes into its log. */
  readonly captureOutput: boolean;
  readonly logger: Pick<NodeLogger, 'error'>;
  emit(event: SessionEvent): void;
}

type AnyHandler = Handler<Record<string, unknown>, unknown, Record<string, unknown>>;

/** A log line is read by people; what is longer belongs into an output. */
export const MAX_LOG_CHARS = 8_192;
const MAX_FIELD_CHARS = 1_024;
const MAX_FIELDS = 64;
/** As it was before any code of an author's. */
const { stringify } = JSON;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class ExecutionRun {
  readonly #assign: Assign;
  readonly #handler: AnyHandler;
  readonly #deps: ExecutionRunDeps;
  readonly #controller = new AbortController();
  /** Publishers that wait for room in the output window, by ticket. */
  readonly #waiting = new Map<number, Waiter>();
  #tickets = 0;
  #published: Promise<void> = nothing();
  #hasReturned = false;
  readonly #named: NamedOutputs | undefined;
  /** The one that completes the named outputs. */
  #completing: Encoded | undefined;
  readonly #printed = new Printed((level, message, fields) => this.#log(level, message, fields));

  constructor(assign: Assign, handler: AnyHandler, deps: ExecutionRunDeps) {
    this.#assign = assign;
    this.#handler = handler;
    this.#deps = deps;
    this.#named = assign.outputs && new NamedOutputs(assign.module, assign.outputs);
  }

  async run(): Promise<void> {
    const result = await this.#result();
    this.#printed.end();
    this.#hasReturned = true;
    this.#deps.emit({ kind: 'returned', executionId: this.#assign.executionId, result });
  }

  abort(code: AbortCode, reason: string, graceMs: number): void {
    const error = new TaskAbortedError(code, reason, graceMs);
    this.#controller.abort(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  admitted(ticket: number): void {
    this.#waiting.get(ticket)?.resolve();
    this.#waiting.delete(ticket);
  }

  async #result(): Promise<Result> {
    const { signal } = this.#controller;
    try {
      const payloads = await fetchInputs(this.#assign, this.#deps, signal);
      // Where it was begun before, the handler has to end what it has left behind.
      if (!this.#deps.isResumed) signal.throwIfAborted();
      const task = this.#task(payloads);
      this.#deps.emit({ kind: 'begun', executionId: this.#assign.executionId });
      const handler = this.#handler;
      const value = await runBlaming(
        (thrown) => this.#crash(thrown),
        () => (this.#deps.captureOutput ? runPrinting(this.#printed, () => handler(task)) : handler(task)),
      );
      const encoded = this.#returned(value);
      await this.#published;
      return { ok: true, produced: await this.#upload(encoded) };
    } catch (error) {
      const told = reportedError(error, 'handler_error');
      if (!signal.aborted) this.#logFailure(told);
      return { ok: false, error: told };
    }
  }

  #crash(thrown: unknown): boolean {
    if (this.#hasReturned) return false;
    const error = reportedError(thrown, 'uncaught_error');
    // A consequence of an abort is not a failure.
    if (this.#controller.signal.aborted) return true;
    this.#logFailure(error);
    this.#deps.emit({ kind: 'crashed', executionId: this.#assign.executionId, error });
    return true;
  }

  #logFailure({ code, message, stack }: ReportedError): void {
    const { executionId, taskId } = this.#assign;
    const about = { execution_id: executionId, task_id: formatTaskId(taskId), code, stack };
    this.#deps.logger.error(about, `the execution failed: ${message}`);
  }

  #task(payloads: readonly Uint8Array[]): Task<Record<string, unknown>, unknown, Record<string, unknown>> {
    const { executionId, taskId, module, attempt, pass = 1, item, inputs, traceparent } = this.#assign;
    const decoded = inputs.map((input, index) => ({
      name: input.name,
      previous: input.previous,
      decoded: this.#decode(input, payloads[index]!),
    }));
    const named = (previous: boolean) =>
      Object.fromEntries(
        decoded.filter((each) => each.previous === previous).map((each) => [each.name, each.decoded]),
      );
    const line =
      (level: LogLevel): TaskLogLine =>
      (message, fields = {}) =>
        this.#log(level, message, fields);
    return {
      id: formatTaskId(taskId),
      module,
      attempt,
      pass,
      ...(item !== undefined && { item }),
      executionId,
      ...(traceparent !== undefined && { traceparent }),
      isResumed: this.#deps.isResumed,
      inputs: named(false),
      previous: named(true),
      signal: this.#controller.signal,
      progress: (fraction, message = '') => {
        if (Number.isNaN(fraction)) return;
        const clamped = Math.min(1, Math.max(0, fraction));
        this.#deps.emit({ kind: 'progress', executionId, fraction: clamped, message: bounded(message) });
      },
      publish: (partial) => this.#publish(() => this.#encode(partial)),
      output: (name, value) => this.#publish(() => this.#encodeNamed(name, value)),
      metrics: (step, values) => {
        const { message, fields } = metricsLine(step, values);
        this.#log('info', message, fields);
      },
      log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    };
  }

  #log(level: LogLevel, message: unknown, fields: Readonly<Record<string, unknown>>): void {
    const at = this.#deps.clock.wallMs();
    const bound = bounded(String(message), MAX_LOG_CHARS);
    const { executionId } = this.#assign;
    this.#deps.emit({ kind: 'log', executionId, at, level, message: bound, fields: asTexts(fields) });
  }

  #decode({ name, type }: Input, bytes: Uint8Array): unknown {
    const { types } = this.#deps.rules();
    if (!types.has(type)) {
      throw new NonRetryableError(
        'unknown_type',
        `input ${name}: the orchestrator did not send the type ${type}`,
      );
    }
    const decoded = types.decodeValue(type, bytes);
    if (decoded.ok) return decoded.value;
    throw new NonRetryableError('bad_input', `input ${name} is not a ${type}: ${decoded.message}`);
  }

  /** All outputs but the last have been sent. */
  #returned(value: unknown): Encoded {
    const named = this.#named;
    if (!named) return this.#encode(value);
    const encoded = named
      .returned(value)
      .map(([name, each]) => this.#encodeAs(named.typeOf(name), each, name));
    const last = this.#completing ?? encoded.pop()!;
    for (const each of encoded) {
      this.#tickets += 1;
      this.#leave(each, this.#tickets);
    }
    return last;
  }

  #encodeNamed(name: string, value: unknown): Encoded {
    if (!this.#named) throw withoutNames(this.#assign.module, name);
    this.#named.give(name);
    return this.#encodeAs(this.#named.typeOf(name), value, name);
  }

  #publish(encode: () => Encoded): Promise<void> {
    const { signal } = this.#controller;
    this.#tickets += 1;
    const ticket = this.#tickets;
    const admitted = new Promise<void>((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      else if (this.#hasReturned) reject(new TuttiError('task_ended', 'the handler has returned already'));
      else this.#waiting.set(ticket, { resolve, reject });
    });
    // It need not be awaited: an error fails the run (4).
    admitted.catch(() => {});
    const waiter = this.#waiting.get(ticket);
    if (!waiter) return admitted;
    let encoded: Encoded;
    try {
      encoded = encode();
    } catch (error) {
      waiter.reject(error);
      this.#waiting.delete(ticket);
      this.#published = Promise.reject(error);
      this.#published.catch(() => {});
      return admitted;
    }
    if (this.#named?.isComplete) {
      this.#completing = encoded;
      this.admitted(ticket);
      return admitted;
    }
    this.#leave(encoded, ticket);
    this.#published.catch((error) => {
      waiter.reject(error);
      this.#waiting.delete(ticket);
    });
    return admitted;
  }

  /** In the order in which they were given. */
  #leave(encoded: Encoded, ticket: number): void {
    const { executionId } = this.#assign;
    this.#published = this.#published
      .then(() => this.#upload(encoded))
      .then((produced) => this.#deps.emit({ kind: 'publish', executionId, ticket, produced }));
    this.#published.catch(() => {});
  }

  #encode(value: unknown): Encoded {
    if (this.#named) throw this.#named.unnamed();
    return this.#encodeAs(this.#deps.rules().outputType, value);
  }

  #encodeAs(type: string, value: unknown, name?: string): Encoded {
    const { types } = this.#deps.rules();
    const named = name !== undefined && { name };
    const what = name === undefined ? 'the output' : `the output ${name}`;
    // Over HTTP bytes are base64; an author's text is text.
    if (isBytes(type) && typeof value === 'string') {
      if (isTextual(mediaTypeOf(type) ?? '')) return { ...named, type, bytes: Buffer.from(value) };
      throw new TuttiError(
        'bad_output',
        `${what} is text, not bytes: give a Uint8Array, such as Buffer.from(text)`,
      );
    }
    const encoded = types.encode(type, value === undefined && type === 'json' ? null : value);
    if (encoded.ok) return { ...named, type, bytes: encoded.bytes };
    const faults = encoded.faults.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    throw new TuttiError('bad_output', `${what} is not a ${type}: ${faults.join('; ')}`, {
      details: encoded.faults,
    });
  }

  #upload(encoded: Encoded): Promise<Produced> {
    return produce(encoded, this.#deps, this.#controller.signal);
  }
}

export interface Encoded {
  /** Of a module with named outputs. */
  readonly name?: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** By reference where it is too large to go inline; then the blob is there first. */
export async function produce(
  { name, type, bytes }: Encoded,
  { rules, blobs }: Pick<ExecutionRunDeps, 'rules' | 'blobs'>,
  signal: AbortSignal,
): Promise<Produced> {
  const named = name !== undefined && { name };
  if (bytes.byteLength <= rules().inlineMaxBytes)
    return { ...named, type, payload: { kind: 'inline', bytes } };
  const blob = blobOf(bytes);
  await blobs.put(blob, bytes, signal);
  return { ...named, type, payload: { kind: 'blob', blob }, source: bytes };
}

/** Fetches payloads that come by reference; settles when the types of all inputs are known as well. */
export async function fetchInputs(
  { inputs }: Assign,
  deps: Pick<ExecutionRunDeps, 'rules' | 'newerRules' | 'blobs' | 'control'>,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const { types } = deps.rules();
  if (inputs.some(({ type }) => !types.has(type))) await untilAborted(deps.newerRules(), signal);
  const fetch = ({ value }: Input): Uint8Array | Promise<Uint8Array> =>
    value.kind === 'inline'
      ? value.bytes
      : deps.blobs.get(value.blob, asDialled(value.url, deps.control), signal);
  return inputs.some(({ value }) => value.kind === 'blob')
    ? await Promise.all(inputs.map(fetch))
    : inputs.map(({ value }) => (value.kind === 'inline' ? value.bytes : new Uint8Array()));
}

/** Settles as the promise does, or rejects with the signal's reason, whichever is first. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    void promise.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}

async function nothing(): Promise<void> {}

export function asTexts(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields)
      .slice(0, MAX_FIELDS)
      .map(([name, value]) => [name, bounded(asText(value), MAX_FIELD_CHARS)]),
  );
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
