/**
 * One execution of a run module on its way through an agent: its inputs are fetched, its command is run, its result becomes an output.
 *
 * It ends with exactly one `returned` event, and never throws. An execution that an earlier process has begun reaches the agent's work
 * even where it is to be stopped, since its command may run.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { checkJsonText } from '../base/json/check-text.js';
import { partAt } from '../base/json/exact.js';
import { JsonText, printJson } from '../base/json/json-text.js';
import { isBytes } from '../model/media-type.js';
import type { BlobRef } from '../model/payload.js';
import type { Assign, Input, LogLevel, LogLine, ReportedError } from '../model/protocol.js';
import { boundedWords } from '../model/run.js';
import { formatTaskId } from '../model/task-id.js';
import { asDialled } from './addresses.js';
import { type AbortCode, bounded, NonRetryableError, reportedError, TaskAbortedError } from './errors.js';
import {
  asTexts,
  type Encoded,
  type ExecutionRunDeps,
  fetchInputs,
  MAX_LOG_CHARS,
  produce,
} from './execution-run.js';
import { Printed } from './printed.js';
import type { AgentPlay, RunInput, RunResult, RunTask } from './run-task.js';
import type { Run } from './runtime.js';
import { SecretMask } from './secret-mask.js';
import type { Result } from './session/events.js';
import type { TaskLogLine } from './task.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

export class AgentRun implements Run {
  readonly #assign: Assign;
  readonly #play: AgentPlay;
  readonly #deps: ExecutionRunDeps;
  readonly #controller = new AbortController();
  readonly #printed = new Printed((level, message, fields) => this.#log(level, message, fields), true);
  readonly #mask: SecretMask;
  #hasBegun = false;

  constructor(assign: Assign, play: AgentPlay, deps: ExecutionRunDeps) {
    this.#assign = assign;
    this.#play = play;
    this.#deps = deps;
    this.#mask = new SecretMask(Object.values(assign.run?.secrets ?? {}));
  }

  async run(): Promise<void> {
    const result = await this.#result();
    this.#printed.end();
    this.#deps.emit({ kind: 'returned', executionId: this.#assign.executionId, result });
  }

  abort(code: AbortCode, reason: string, graceMs: number): void {
    this.#controller.abort(new TaskAbortedError(code, reason, graceMs));
  }

  /** Run modules have no partial outputs. */
  admitted(): void {}

  async #result(): Promise<Result> {
    const { signal } = this.#controller;
    try {
      const inputs = await this.#inputs();
      const result = await this.#play.run(this.#task(inputs));
      if (!result.ok) return { ok: false, error: result.error };
      const encoded = this.#encode(result);
      if (!encoded.ok) return encoded;
      return { ok: true, produced: await produce(encoded, this.#deps, signal) };
    } catch (thrown) {
      return { ok: false, error: reportedError(thrown, 'engine_failed') };
    }
  }

  async #inputs(): Promise<readonly RunInput[]> {
    const { signal } = this.#controller;
    const { isResumed } = this.#deps;
    try {
      const payloads = await fetchInputs(this.#assign, this.#deps, signal);
      if (!isResumed) signal.throwIfAborted();
      return this.#assign.inputs.map((input, index) => this.#input(input, payloads[index]!));
    } catch (thrown) {
      if (isResumed) {
        if (!signal.aborted) this.abort('abandoned', 'its inputs are no longer there', 0);
        await this.#play.run(this.#task([]));
      }
      throw thrown;
    }
  }

  #input({ name, type, previous }: Input, bytes: Uint8Array): RunInput {
    const json = isBytes(type) ? undefined : this.#jsonOf(name, type, bytes);
    return {
      ...{ name, type, previous, bytes, json },
      textAt: (path) => (json === undefined ? undefined : textAt(json, path)),
    };
  }

  #jsonOf(name: string, type: string, bytes: Uint8Array): string {
    const decoded = this.#deps.rules().types.decode(type, bytes);
    if (decoded.ok) return printJson(decoded.shown);
    throw new NonRetryableError('bad_input', `input ${name} is not a ${type}: ${decoded.message}`);
  }

  #task(inputs: readonly RunInput[]): RunTask {
    const { executionId, lease, taskId, module, attempt, pass = 1, item, run } = this.#assign;
    const { blobs, control, emit, isResumed } = this.#deps;
    const { signal } = this.#controller;
    const line =
      (level: LogLevel): TaskLogLine =>
      (message, fields = {}) =>
        this.#log(level, message, fields);
    return {
      id: formatTaskId(taskId),
      ...{ executionId, lease, module, attempt, pass, isResumed, inputs, signal, mask: this.#mask },
      ...(item !== undefined && { item }),
      run: run!,
      begun: () => {
        if (this.#hasBegun) return;
        this.#hasBegun = true;
        emit({ kind: 'begun', executionId });
      },
      tell: ({ argv, ...news }) =>
        this.#log(
          'info',
          '',
          {},
          {
            command: { ...news, ...(argv && { argv: boundedWords(argv, bounded) }) },
          },
        ),
      log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
      print: (stream, bytes) => this.#printed.write(stream, bytes),
      endLines: () => this.#printed.break(),
      cut: (stream, message, fields, whole) =>
        this.#log('warn', message, fields, whole && { whole: { stream, blob: whole } }),
      fetch: ({ blob, url }) => blobs.get(blob, asDialled(url, control), signal),
      keep: async (path) => {
        const blob = await blobOfFile(path);
        await blobs.putFile(blob, path, signal);
        return blob;
      },
    };
  }

  #log(
    level: LogLevel,
    message: string,
    fields: Readonly<Record<string, unknown>>,
    more: Pick<LogLine, 'command' | 'whole'> = {},
  ): void {
    const at = this.#deps.clock.wallMs();
    const { executionId } = this.#assign;
    const bound = bounded(this.#mask.text(message), MAX_LOG_CHARS);
    this.#deps.emit({
      kind: 'log',
      executionId,
      at,
      level,
      message: bound,
      fields: asTexts(fields),
      ...more,
    });
  }

  #encode(result: RunResult & { ok: true }): ({ ok: true } & Encoded) | { ok: false; error: ReportedError } {
    const { types, outputType: type } = this.#deps.rules();
    // The fault quotes a piece of the text, which may contain a secret.
    const told = (why: string) => (this.#mask.longest > 0 ? '' : `: ${why}`);
    const bad = (why: string) => ({
      ok: false as const,
      error: {
        code: 'bad_result',
        message: bounded(`the result is not a ${type}${told(why)}`),
        retryable: true,
      },
    });
    if ('text' in result && isBytes(type)) return { ok: true, type, bytes: result.text };
    let value: unknown;
    if ('text' in result) {
      if (result.text.byteLength === 0) return bad('it is empty');
      let text: string;
      let parsed: unknown;
      try {
        text = UTF8.decode(result.text);
        parsed = JSON.parse(text);
      } catch (thrown) {
        return bad(thrown instanceof SyntaxError ? thrown.message : 'it is not UTF-8');
      }
      const [wrong] = checkJsonText(text);
      if (wrong) return bad(wrong.path === '' ? wrong.message : `${wrong.path} ${wrong.message}`);
      value = new JsonText(text, parsed);
    } else value = result.value;
    const encoded = types.encode(type, value);
    if (encoded.ok) return { ok: true, type, bytes: encoded.bytes };
    return bad(
      encoded.faults.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; '),
    );
  }
}

function textAt(json: string, path: readonly string[]): string | undefined {
  let part: unknown = new JsonText(json);
  for (const step of path) {
    const list = partAt(part, []);
    if (Array.isArray(list) && !/^\d+$/.test(step)) return undefined;
    part = partAt(part, [step]);
    if (part === undefined) return undefined;
  }
  const value = partAt(part, []);
  return typeof value === 'string' ? value : printJson(value);
}

async function blobOfFile(path: string): Promise<BlobRef> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(piece);
    size += piece.byteLength;
  }
  return { sha256: hash.digest('hex'), size };
}
