/** A node that is played without an orchestrator: started, welcomed, given one execution at a time, drained and ended. */
import { randomUUID } from 'node:crypto';
import { TuttiError } from '../base/errors.js';
import type { Input, ReportedError } from '../model/protocol.js';
import type { TypeRegistry } from '../wire/types.js';
import { Conductor, type Heard, Unmet } from './conductor.js';
import { InputError } from './input-error.js';
import { describeEnd, NodeProcess } from './node-process.js';
import type { RecordedExecution, RecordedOutputs } from './recording.js';

export interface RehearsalOptions {
  readonly command: readonly string[];
  readonly module: string;
  readonly types: TypeRegistry;
  /** Every type that the node may see or publish. */
  readonly typesUsed: readonly string[];
  /** Empty where the module has named outputs. */
  readonly outputType: string;
  /** Hears what the node's process writes. */
  readonly onText: (text: string) => void;
  /** Hears progress and log lines. */
  readonly onWord: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The outcome of an execution. */
export interface Played {
  readonly outputs: RecordedOutputs;
  readonly error?: ReportedError;
}

/** A deadline that is none: as long as a timer can wait. */
const EVER_MS = 2_147_483_647;
const REGISTER_MS = 30_000;
/** The time limit of an execution, after which it is given up. */
const DRAIN_MS = 60_000;
const END_MS = 10_000;

export class Rehearsal {
  readonly #options: RehearsalOptions;
  readonly #conductor: Conductor;
  readonly #process: NodeProcess;
  #attempts = 0;
  #commands = 0;

  private constructor(options: RehearsalOptions, conductor: Conductor) {
    this.#options = options;
    this.#conductor = conductor;
    this.#process = new NodeProcess({
      command: options.command,
      env: {
        TUTTI_CONTROL: conductor.control,
        TUTTI_MODULE: options.module,
        TUTTI_INSTANCE: `${options.module}-rehearsal`,
      },
      onText: options.onText,
    });
  }

  /** Starts the node, and settles when it is IDLE. Throws `node_failed`, `wrong_node`. */
  static async open(options: RehearsalOptions): Promise<Rehearsal> {
    const conductor = await Conductor.open({
      welcome: {
        outputType: options.outputType,
        descriptors: options.types.descriptors(options.typesUsed),
        deadAfterMs: DRAIN_MS,
      },
    });
    const rehearsal = new Rehearsal(options, conductor);
    try {
      await rehearsal.#register();
      return rehearsal;
    } catch (error) {
      await rehearsal.close();
      throw error;
    }
  }

  /** Settles when the process has ended, for any reason. */
  get ended(): Promise<unknown> {
    return this.#process.ended;
  }

  /** Gives the node one execution and waits for its end. Throws `node_failed` when the process ends, `timeout`. */
  async perform(recorded: RecordedExecution, timeoutMs: number): Promise<Played> {
    const conductor = this.#conductor;
    const inputs = this.#inputs(recorded);
    const [executionId, lease] = [randomUUID(), randomUUID()];
    this.#attempts += 1;
    const named = recorded.output_types && Object.entries(recorded.output_types);
    conductor.send({
      kind: 'assign',
      ...(named && { outputs: named.map(([name, type]) => ({ name, type })) }),
      ...{
        executionId,
        lease,
        inputs,
        timeoutMs,
        module: this.#options.module,
        attempt: recorded.attempt ?? 1,
      },
      ...(recorded.pass !== undefined && { pass: recorded.pass }),
      ...(recorded.item !== undefined && { item: recorded.item }),
      taskId: { problemId: '00000000-0000-7000-8000-000000000000', iterationId: this.#attempts },
    });
    const outputs = new Map<number, { readonly name: string; readonly value: unknown }>();
    const isOurs = (heard: Heard) => 'executionId' in heard && heard.executionId === executionId;
    const deadline = conductor.nowMs + timeoutMs;
    let last: number | undefined;
    let error: Played['error'];
    const ack = (ended: boolean) => {
      let seq = 0;
      while (outputs.has(seq + 1)) seq += 1;
      conductor.send({ kind: 'output_acks', acks: [{ executionId, seq, ended }] });
    };
    while (last === undefined || outputs.size < last) {
      const heard = await this.#unlessEnded(
        conductor.any(isOurs, Math.max(1, deadline - conductor.nowMs), 'the end of the execution'),
      );
      if (heard.kind === 'output') {
        outputs.set(heard.seq, { name: heard.name ?? '', value: this.#value(heard.type, heard.payload) });
        if (heard.last) last = heard.seq;
        ack(false);
      } else if (heard.kind === 'log') {
        this.#options.onWord(`${heard.level}: ${heard.message}`);
      } else if (heard.kind === 'execution_report') {
        const { state, progress, message } = heard;
        if (state === 'PROGRESS') this.#options.onWord(`${Math.round(progress * 100)} % ${message}`);
        else if (state !== 'ACCEPTED' && state !== 'RUNNING') {
          error = heard.error ?? { code: state.toLowerCase(), message, retryable: true };
          last = state === 'REJECTED' ? 0 : heard.lastSeq;
        }
      }
    }
    ack(true);
    const given = [...outputs].sort(([a], [b]) => a - b).map(([, output]) => output);
    const published = named
      ? Object.fromEntries(given.map(({ name, value }) => [name, value]))
      : given.map(({ value }) => value);
    return { outputs: published, ...(error && { error }) };
  }

  /** Lets the node finish what it works on, and take nothing more. */
  async drain(): Promise<void> {
    this.#command('STOP');
    await this.#conductor
      .next('node_report', DRAIN_MS, 'INACTIVE', ({ status }) => status === 'INACTIVE')
      .catch(() => {});
  }

  /** Ends the node: asked for first, then whatever it does. */
  async close(): Promise<void> {
    if (this.#process.end === undefined) {
      this.#process.signal('SIGTERM');
      await Promise.race([
        this.#process.ended,
        new Promise((resolve) => {
          setTimeout(resolve, END_MS).unref();
        }),
      ]);
    }
    await this.#process.kill();
    await this.#conductor.close();
  }

  async #register(): Promise<void> {
    await this.#greet(REGISTER_MS);
    void this.#greetAgain();
    await this.#unlessEnded(
      this.#conductor.any(
        (heard) => (heard.kind === 'node_report' || heard.kind === 'heartbeat') && heard.status === 'IDLE',
        REGISTER_MS,
        'a node that is IDLE',
      ),
    );
  }

  /** Welcomes the next hello. */
  async #greet(withinMs: number): Promise<void> {
    const hello = await this.#unlessEnded(this.#conductor.next('hello', withinMs, 'a hello of the node'));
    const { module, outputType } = this.#options;
    if (hello.module !== module) {
      throw new TuttiError('wrong_node', `the node plays ${hello.module}, not ${module}`, {
        hint: 'name the module with --module, or have the node take it from TUTTI_MODULE',
      });
    }
    if (hello.outputType !== '' && hello.outputType !== outputType) {
      throw new TuttiError('wrong_node', `the node publishes ${hello.outputType}, not ${outputType}`);
    }
    this.#conductor.send(this.#conductor.welcome());
    this.#command('START');
  }

  /** A hello that was repeated, or of a node that registers again. */
  async #greetAgain(): Promise<void> {
    try {
      for (;;) await this.#greet(EVER_MS);
    } catch {
      // The rehearsal is over.
    }
  }

  #command(cmd: 'START' | 'STOP'): void {
    this.#commands += 1;
    const commandId = `${cmd}-${this.#commands}`;
    this.#conductor.send({ kind: 'node_command', commandId, cmd, reason: 'rehearsal', graceMs: DRAIN_MS });
  }

  #inputs({ inputs, previous = {}, types = {} }: RecordedExecution): Input[] {
    const encode = ([name, value]: [string, unknown], isPrevious: boolean): Input => {
      const type = types[name] ?? 'json';
      const encoded = this.#options.types.encode(type, value);
      if (!encoded.ok) {
        const details = encoded.faults.map((fault) => ({ ...fault, path: `inputs.${name}${fault.path}` }));
        throw new InputError('bad_input', `the input ${name} is not a valid ${type}`, {
          details,
        });
      }
      const { shelf } = this.#conductor;
      if (encoded.bytes.byteLength <= this.#conductor.welcome().inlineMaxBytes) {
        return { name, type, value: { kind: 'inline', bytes: encoded.bytes }, previous: isPrevious };
      }
      const blob = shelf.keep(encoded.bytes);
      return {
        name,
        type,
        value: { kind: 'blob', blob, url: `${shelf.url}/${blob.sha256}` },
        previous: isPrevious,
      };
    };
    return [
      ...Object.entries(inputs).map((each) => encode(each, false)),
      ...Object.entries(previous).map((each) => encode(each, true)),
    ];
  }

  #value(type: string, payload: (Heard & { kind: 'output' })['payload']): unknown {
    const bytes =
      payload.kind === 'inline' ? payload.bytes : this.#conductor.shelf.blobs.get(payload.blob.sha256);
    const decoded = this.#options.types.decode(type, bytes ?? new Uint8Array());
    if (decoded.ok) return decoded.shown;
    throw new TuttiError('bad_output', `the node's output is not a valid ${type}: ${decoded.message}`);
  }

  async #unlessEnded<T>(wait: Promise<T>): Promise<T> {
    const { signal } = this.#options;
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(new TuttiError('interrupted', 'The rehearsal was interrupted.'));
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort);
    });
    const ended = this.#process.ended.then((end) => {
      const how = this.#process.failure ?? describeEnd(end);
      throw new TuttiError('node_failed', `the node is gone: ${how}`);
    });
    try {
      return await Promise.race([wait, ended, aborted]);
    } catch (error) {
      if (error instanceof Unmet) throw new TuttiError('timeout', error.message);
      throw error;
    } finally {
      if (onAbort) signal.removeEventListener('abort', onAbort);
      ended.catch(() => {});
    }
  }
}

/** The types that executions deal in, once each. */
export function typesUsedBy(executions: readonly RecordedExecution[]): string[] {
  return [
    ...new Set(
      executions.flatMap(({ types = {}, output_type = 'json', output_types: named }) => [
        ...Object.values(types),
        ...(named ? Object.values(named) : [output_type]),
      ]),
    ),
  ];
}
