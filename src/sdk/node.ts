import pino from 'pino';
import { systemClock } from '../base/clock.js';
import { TuttiError } from '../base/errors.js';
import { systemIds } from '../base/ids.js';
import { stderrLog } from '../base/log-destination.js';
import { PauseFreeClock } from '../base/pause-free-clock.js';
import { createZeromqNodeBus } from '../bus/zeromq-node.js';
import type { NodeStatus } from '../model/node.js';
import { listenForUncaught, type UncaughtListener } from './author-code.js';
import { createHttpBlobs } from './blobs.js';
import { reportedError } from './errors.js';
import { ExecutionRun } from './execution-run.js';
import { Kept } from './kept.js';
import { curvesOf } from './keys.js';
import { type NodeLogger, type NodeOptions, type NodeSettings, readOptions } from './options.js';
import { ownSchemas } from './own-schemas.js';
import { createProcessLoad } from './process-load.js';
import { Runtime, type RuntimeDeps } from './runtime.js';
import { type Grace, listenForSignals, signalsWatched } from './signal-watch.js';
import type { Handler } from './task.js';
import { systemTimers } from './timers.js';

/** A node that is registered. */
export interface RunningNode {
  /** Given by the orchestrator; the same for the same module and instance, for ever. */
  readonly nodeId: string;
  readonly status: NodeStatus;
  /** Settles when the node has ended; rejects with the `TuttiError` of a final refusal (`replaced`, `unauthorized` …). */
  readonly stopped: Promise<void>;
  /**
   * Ends the node: takes no more work, gives back what runs (its signal is aborted with `node_stopping`, and it runs elsewhere),
   * waits for what is not acknowledged yet, says goodbye. Idempotent.
   */
  stop(reason?: string): Promise<void>;
}

export interface Node {
  /**
   * Connects, and settles when the orchestrator has welcomed the node; until one answers, and knows the module, it goes on asking. Errors: a final
   * refusal's code (`wrong_output_type`, `schema_mismatch`, `unauthorized`, `protocol_version`, `replaced`),
   * `bad_endpoint`, `bad_proto` or `bad_schema` (what `protoPath` names),
   * `already_started`, `node_stopped` (it was stopped before).
   */
  start(): Promise<RunningNode>;
}

/** The process that a node runs in. */
export interface Host {
  /** Listens for uncaught errors of the author's code; the returned function stops that. */
  onUncaught(listener: UncaughtListener): () => void;
  /**
   * Calls back once, at the first SIGTERM or SIGINT; the answer takes it back. A second one ends the process at once, as does the end of
   * the grace.
   */
  onTerminate(listener: (signal: string) => void, grace: Grace): () => void;
  /** Settles once signals are seen whatever the author's code does. */
  signalsWatched(): Promise<void>;
  exit(code: number): void;
}

// The graph knows the types of its modules' outputs, TypeScript does not: without type arguments, an input has any type.
// biome-ignore lint/suspicious/noExplicitAny: see above.
type Anything = any;

/**
 * A module node: one function that plays one module of the graph.
 *
 * @param module the module's name in the graph; empty: `TUTTI_MODULE`
 * @throws TuttiError `bad_option`, with every fault in `details`
 * @example
 * await node('carbon_footprint', async (task) => {
 *   task.progress(0.5, 'reading the grid mix');
 *   return { carbon_footprint: 0.12, energy_consumption: 0.4, carbon_intensity: 310 };
 * }).start();
 */
export function node<
  Inputs = Record<string, Anything>,
  Output = Anything,
  Previous = Record<string, Anything>,
>(module: string, handler: Handler<Inputs, Output, Previous>, options: NodeOptions = {}): Node {
  const settings = readOptions(module, options, process.env);
  const logger = options.logger ?? defaultLogger(settings);
  let hasStarted = false;
  return {
    async start() {
      if (hasStarted)
        throw new TuttiError('already_started', `the node of ${settings.module} was started before`);
      hasStarted = true;
      const kept = settings.stateDir === '' ? undefined : await Kept.open(settings.stateDir);
      const deps = { ...systemDeps(settings, logger, kept), schemas: ownSchemas(settings) };
      return startNode(settings, handler as Handler<Anything, Anything, Anything>, deps, processHost);
    },
  };
}

/** The real ground. */
export function systemDeps(settings: NodeSettings, logger: NodeLogger, kept: Kept | undefined): RuntimeDeps {
  const clock = new PauseFreeClock(systemClock);
  clock.start();
  const curves = curvesOf(settings);
  const [first, ...others] = settings.controls.map((control, at) => {
    const curve = curves[at];
    return { control, ...(curve && { curve }) };
  });
  return {
    bus: createZeromqNodeBus({ addresses: [first!, ...others] }),
    clock: clock.asClock,
    timers: systemTimers,
    blobs: createHttpBlobs({ token: settings.token, timers: systemTimers }),
    logger,
    bootId: kept?.bootId ?? systemIds.uuid(),
    ...(kept && { kept }),
    measure: createProcessLoad(),
  };
}

/** Starts a node on the given ground; `node` is this on the real one. */
export async function startNode(
  settings: NodeSettings,
  handler: Handler<Anything, Anything, Anything>,
  deps: RuntimeDeps,
  host: Host,
): Promise<RunningNode> {
  return startRuntime(
    new Runtime(settings, { play: (assign, run) => new ExecutionRun(assign, handler, run) }, deps),
    settings,
    deps.logger,
    host,
  );
}

/** Starts what `startNode` or an agent has put together. */
export async function startRuntime(
  runtime: Runtime,
  settings: NodeSettings,
  logger: NodeLogger,
  host: Host,
): Promise<RunningNode> {
  const owned = settings.exitOnTerminate ? own(runtime, logger, host, graceOf(settings)) : undefined;
  const unlisten = host.onUncaught(reactionTo(runtime, logger, host));
  void runtime.stopped.catch(() => {}).finally(unlisten);
  try {
    if (owned) await host.signalsWatched();
    await runtime.start();
  } catch (error) {
    owned?.release();
    throw error;
  }
  owned?.exitWhenStopped();
  return {
    get nodeId() {
      return runtime.nodeId;
    },
    get status() {
      return runtime.status;
    },
    stopped: runtime.stopped,
    stop: (reason = 'the node is stopped') => runtime.stop(reason),
  };
}

function graceOf({ shutdownGraceMs, flushMs }: NodeSettings): Grace {
  return { graceMs: shutdownGraceMs, totalMs: shutdownGraceMs + flushMs };
}

/** A node's reaction to uncaught errors. */
function reactionTo(runtime: Runtime, logger: NodeLogger, host: Host): UncaughtListener {
  let fails = false;
  return {
    late(thrown) {
      const { code, message, stack } = reportedError(thrown, 'uncaught_error');
      logger.error({ code, stack }, `code of an ended execution threw: ${message}`);
    },
    exiting: () => runtime.flushAtExit(),
    unowned(thrown) {
      if (fails) return;
      fails = true;
      const { code, message, stack } = reportedError(thrown, 'uncaught_error');
      logger.error(
        { code, stack },
        `uncaught error outside all executions: ${message}; the node gives its work back and ends`,
      );
      const exit = () => host.exit(1);
      void runtime.fail(`the node's process fails: ${message}`).then(exit, exit);
    },
  };
}

/** Makes the node's end the process's end, and the process's the node's. */
function own(
  runtime: Runtime,
  logger: NodeLogger,
  host: Host,
  grace: Grace,
): { release(): void; exitWhenStopped(): void } {
  let isTerminating = false;
  const exitWhenStopped = () => {
    void runtime.stopped.then(
      () => host.exit(0),
      (error: TuttiError) => {
        logger.error({ code: error.code, hint: error.hint }, `the node has ended: ${error.message}`);
        host.exit(1);
      },
    );
  };
  const release = host.onTerminate((signal) => {
    logger.info({ signal }, `the process got ${signal}: the node gives its work back and ends`);
    // Before the first welcome nobody else would end the process.
    if (!isTerminating) exitWhenStopped();
    isTerminating = true;
    void runtime.stop(`the node's process got ${signal}`);
  }, grace);
  return {
    release,
    exitWhenStopped() {
      if (!isTerminating) exitWhenStopped();
      isTerminating = true;
    },
  };
}

export const processHost: Host = {
  onUncaught: listenForUncaught,
  onTerminate: listenForSignals,
  signalsWatched,
  exit: (code) => process.exit(code),
};

export function defaultLogger({ module, instance }: NodeSettings): NodeLogger {
  return pino({ name: 'tutti-node', base: { module, instance } }, stderrLog());
}
