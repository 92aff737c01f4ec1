/**
 * An execution of a run module, from its assignment to its result.
 *
 * A1. The engine starts the command of an execution once (E1), so an execution that an earlier process began is begun again in the same
 *     way, and its command is adopted.
 * A2. Whatever ends the execution, the command has ended before `run` comes back, or was never started and never will be.
 * A3. The folder of an attempt is removed once the end of the execution is known to the orchestrator; one that is to be kept, once its task is
 *     removed.
 */
import { writeFile } from 'node:fs/promises';
import type { CommandNote, RunError, RunResult, RunTask, TaskAbortedError } from 'tutti/sdk';
import { type Engine, EngineRefused, EngineUnavailable, type Launch, type Observed } from './engine.js';
import type { Folders } from './folders.js';
import type { Health } from './health.js';
import { OUTPUT, planLaunch } from './launch-plan.js';
import { type KeptLog, LogFollower, lastLines, wholeLog } from './log-follower.js';
import { MaskedLog } from './masked-log.js';
import { type Ended, failureOf, summaryOf } from './outcome.js';
import { Room } from './room.js';
import type { Watch } from './watch.js';

export interface WorkDeps {
  readonly engine: Engine;
  readonly health: Health;
  readonly watch: Watch;
  readonly folders: Folders;
  /** The cluster's. */
  readonly workdir: string;
  readonly warn: (fields: object, message: string) => void;
}

/** The history takes a mebibyte a second of each node, and sixteen at once (docs/node-protocol.md). */
const LOG_ROOM = { perSecond: 900_000, burst: 12 * 1024 * 1024 } as const;
/** SIGKILL comes so much before the end of the grace, at which the end of the execution is told. */
const KILL_BEFORE_MS = 500;
const RESULT_PIECE_BYTES = 4 * 1024 * 1024;
/** They are shown with the deployment, and handed on in references. */
const MAX_ATTRIBUTES_BYTES = 16 * 1024;
/** A result is held in memory. */
const MAX_RESULT_BYTES = 1024 * 1024 * 1024;

export class Work {
  readonly #deps: WorkDeps;
  readonly #room = new Room(LOG_ROOM);

  constructor(deps: WorkDeps) {
    this.#deps = deps;
  }

  /** A2. */
  async run(task: RunTask): Promise<RunResult> {
    const { signal, executionId: key } = task;
    try {
      const result = await this.#run(task);
      if (!signal.aborted) {
        this.#decide(task, result.ok);
        return result;
      }
    } catch (thrown) {
      if (!signal.aborted) {
        // What the agent itself cannot do leaves no command behind either.
        await this.#stop(key, 0);
        return failed('engine_failed', messageOf(thrown), true);
      }
    }
    await this.#stop(key, Math.max(0, (signal.reason as TaskAbortedError).graceMs - KILL_BEFORE_MS));
    await this.#tellEnd(task);
    this.#decide(task, false);
    return failed('stopped', 'the command was stopped', true);
  }

  /** Removes the folder of an attempt that is no longer needed (A3). */
  async release(key: string): Promise<void> {
    const { engine, folders, health, warn } = this.#deps;
    const isKept = folders.isKept(key);
    try {
      if (!isKept) await health.untilAnswered(() => engine.remove(key));
      folders.forget(key);
    } catch (thrown) {
      warn({ execution_id: key }, `the folder of an attempt could not be removed: ${messageOf(thrown)}`);
    }
  }

  /** Their tasks are removed (A3). */
  async forget(keys: readonly string[]): Promise<void> {
    const { engine, folders, health, warn } = this.#deps;
    for (const key of keys) {
      if (!folders.isKept(key)) continue;
      try {
        await health.untilAnswered(() => engine.remove(key));
        folders.unkeep(key);
      } catch (thrown) {
        warn({ execution_id: key }, `the folder of an attempt could not be removed: ${messageOf(thrown)}`);
      }
    }
  }

  /** What an earlier process has left behind and the orchestrator no longer asks for: processes, and jobs that may still be in a queue. */
  async removeLeftovers(held: readonly string[]): Promise<void> {
    const { folders, warn } = this.#deps;
    for (const key of folders.keys()) {
      if (held.includes(key)) continue;
      const { engineId } = folders.note(key);
      const names = { execution_id: key, ...(engineId !== undefined && { engine_id: engineId }) };
      warn(names, 'the orchestrator does not ask for this execution: what is left of it is stopped');
      await this.#stop(key, 0);
      await this.release(key);
    }
  }

  /** A1. */
  async #run(task: RunTask): Promise<RunResult> {
    const { engine, folders, health } = this.#deps;
    const { executionId: key, run, signal } = task;
    const contents = await Promise.all(run.files.map((file) => task.fetch(file)));
    const plan = planLaunch(task, contents);
    if (!plan.ok) return failed('bad_reference', plan.message, false);
    const attempt = folders.note(key);
    let engineId: string;
    try {
      ({ engineId } = await health.untilAnswered(() => engine.launch(plan.launch, signal), signal));
    } catch (thrown) {
      if (thrown instanceof EngineRefused) return failed('engine_failed', thrown.message, false);
      throw thrown;
    }
    if (attempt.engineId === undefined) {
      task.log.info(`the cluster has taken the command as ${engineId}`, { by: 'agent', engine_id: engineId });
      folders.save(key, { ...attempt, engineId });
    }
    task.tell({ argv: plan.launch.argv, engineId });
    const written = new MaskedLog(engine, task.mask);
    const log = new LogFollower({
      ...{ key, engine: written, task },
      place: attempt.log,
      takeRoom: (bytes) => this.#room.take(bytes),
      save: (place) => folders.save(key, { log: place, engineId }),
      keepWhole: (stream, size) => this.#keepWhole(task, written, stream, size),
    });
    let last: Observed | undefined;
    await this.#deps.watch.follow(
      key,
      async (observed) => {
        if (begins(observed, last)) task.tell(noteOf(observed));
        last = observed;
        written.isComplete = observed.state === 'ended';
        if (observed.state === 'running' || (observed.state === 'ended' && observed.startedAt !== undefined))
          task.begun();
        if (observed.state === 'running') await log.advance(observed.logs, signal);
        if (observed.state === 'ended') await log.finish(observed.logs, signal);
      },
      signal,
    );
    if (last?.state === 'ended')
      return await health.untilAnswered(
        () => this.#resultOf(task, plan.launch, written, last as Ended),
        signal,
      );
    signal.throwIfAborted();
    return failed('engine_failed', `the cluster no longer knows ${engineId}`, true);
  }

  async #resultOf(
    { executionId: key, run }: RunTask,
    launch: Launch,
    written: MaskedLog,
    ended: Ended,
  ): Promise<RunResult> {
    const { engine } = this.#deps;
    const stderr = ended.exitCode === 0 ? '' : await lastLines(written, key, 'stderr', ended.logs);
    const terms = { retryExitCodes: run.retryExitCodes, walltimeMs: launch.resources?.walltimeMs };
    const error = failureOf(ended, terms, stderr);
    if (error) return { ok: false, error };
    switch (run.result) {
      case 'none':
        return { ok: true, value: summaryOf(ended) };
      case 'stdout':
        return await this.#read((range) => engine.readLog(key, 'stdout', range), 'its stdout');
      case 'file':
        return await this.#read((range) => engine.readFile(key, OUTPUT, range), 'the file $TUTTI_OUTPUT');
      case 'attributes':
        return attributesIn(
          await engine.readFile(key, OUTPUT, { offset: 0, maxBytes: MAX_ATTRIBUTES_BYTES + 1 }),
        );
      default:
        return run.result satisfies never;
    }
  }

  async #read(
    read: (range: { offset: number; maxBytes: number }) => Promise<Uint8Array | undefined>,
    what: string,
  ): Promise<RunResult> {
    const pieces: Uint8Array[] = [];
    for (let offset = 0; ; ) {
      const piece = await read({ offset, maxBytes: RESULT_PIECE_BYTES });
      if (piece === undefined)
        return failed('no_result', `the command ended with 0 and left no result: ${what} is not there`, true);
      pieces.push(piece);
      offset += piece.byteLength;
      if (piece.byteLength < RESULT_PIECE_BYTES) return { ok: true, text: Buffer.concat(pieces) };
      if (offset > MAX_RESULT_BYTES)
        return failed('bad_result', `the result has more than ${MAX_RESULT_BYTES} bytes`, false);
    }
  }

  async #keepWhole(
    task: RunTask,
    written: MaskedLog,
    stream: 'stdout' | 'stderr',
    size: number,
  ): Promise<KeptLog> {
    const { folders } = this.#deps;
    const path = folders.logPath(task.executionId);
    await writeFile(path, wholeLog(written, task.executionId, stream, size), { mode: 0o600 });
    try {
      return { ok: true, ...(await task.keep(path)) };
    } catch (thrown) {
      task.signal.throwIfAborted();
      return { ok: false, why: messageOf(thrown) };
    }
  }

  async #stop(key: string, graceMs: number): Promise<void> {
    const { engine, health } = this.#deps;
    await health.untilAnswered(() => engine.stop(key, graceMs));
  }

  /** How a command that was stopped has ended, if the cluster says so at once. */
  async #tellEnd(task: RunTask): Promise<void> {
    try {
      const observed = (await this.#deps.engine.observe([task.executionId])).get(task.executionId);
      if (observed?.state === 'ended') task.tell(noteOf(observed));
    } catch (thrown) {
      if (!(thrown instanceof EngineUnavailable)) throw thrown;
    }
  }

  #decide({ executionId: key, lease, run, tell }: RunTask, hasSucceeded: boolean): void {
    if (run.keep !== 'always' && (run.keep !== 'on_failure' || hasSucceeded)) {
      // An earlier process may have come to another end.
      this.#deps.folders.unkeep(key);
      return;
    }
    this.#deps.folders.keep({ executionId: key, lease });
    tell({ folder: `${this.#deps.workdir.replace(/\/+$/, '')}/${key}/work` });
  }
}

/** An operation that says nothing has no attributes. */
function attributesIn(bytes: Uint8Array | undefined): RunResult {
  if (bytes === undefined || bytes.byteLength === 0) return { ok: true, value: {} };
  if (bytes.byteLength > MAX_ATTRIBUTES_BYTES)
    return failed('bad_result', `the attributes have more than ${MAX_ATTRIBUTES_BYTES} bytes`, false);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (thrown) {
    return failed('bad_result', `$TUTTI_OUTPUT is not JSON: ${messageOf(thrown)}`, false);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return failed('bad_result', '$TUTTI_OUTPUT is not a JSON object: attributes have names', false);
  return { ok: true, value };
}

/** Whether the command has started, or ended, since the cluster was asked before. */
function begins(observed: Observed, last: Observed | undefined): boolean {
  return (observed.state === 'running' || observed.state === 'ended') && observed.state !== last?.state;
}

function noteOf(observed: Observed): CommandNote {
  if (observed.state !== 'running' && observed.state !== 'ended') return {};
  const { host, startedAt } = observed;
  const { endedAt, exitCode, signal } = observed.state === 'ended' ? observed : {};
  return {
    ...(host !== undefined && { host }),
    ...(startedAt !== undefined && { startedAt }),
    ...(endedAt !== undefined && { endedAt }),
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
  };
}

function failed(code: string, message: string, retryable: boolean): { ok: false; error: RunError } {
  return { ok: false, error: { code, message, retryable } };
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
