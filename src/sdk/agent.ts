/** An agent: the node that represents a cluster, and executes run modules there. */
import { join } from 'node:path';
import { TuttiError } from '../base/errors.js';
import { AGENT_MODULE } from '../model/run.js';
import { AgentRun } from './agent-run.js';
import { CachedBlobs } from './cached-blobs.js';
import { Kept } from './kept.js';
import { defaultLogger, type Node, processHost, startRuntime, systemDeps } from './node.js';
import { type NodeOptions, readOptions } from './options.js';
import type { AgentControls, AgentPlay } from './run-task.js';
import { Runtime } from './runtime.js';

const TIDY_MS = 60 * 60 * 1000;

export interface AgentOptions
  extends Pick<
    NodeOptions,
    | 'control'
    | 'token'
    | 'join'
    | 'keys'
    | 'version'
    | 'logger'
    | 'exitOnTerminate'
    | 'shutdownGraceMs'
    | 'flushMs'
  > {
  /** The name of the cluster that it represents. */
  readonly cluster: string;
  /** Where it keeps its boot and what it works on: an agent that is killed and started again with it goes on with its work. */
  readonly stateDir: string;
}

/**
 * @param work makes the agent's work, before it says hello
 * @throws TuttiError `bad_option`, with every fault in `details`
 */
export function agent(options: AgentOptions, work: (controls: AgentControls) => AgentPlay): Node {
  let play: AgentPlay | undefined;
  const { cluster, ...rest } = options;
  const settings = readOptions(
    AGENT_MODULE,
    { ...rest, instance: cluster, captureOutput: false, onStart: () => play?.ready() },
    process.env,
    (name) => name === AGENT_MODULE,
  );
  const logger = options.logger ?? defaultLogger(settings);
  return {
    async start() {
      if (play) throw new TuttiError('already_started', `the agent of ${cluster} was started before`);
      const kept = await Kept.open(settings.stateDir);
      const ground = systemDeps(settings, logger, kept);
      const blobs = new CachedBlobs(ground.blobs, {
        ...{ dir: join(settings.stateDir, 'blobs'), logger, nowMs: () => ground.clock.wallMs() },
      });
      await blobs.tidy();
      const tidying = setInterval(() => void blobs.tidy(), TIDY_MS).unref();
      const deps = { ...ground, blobs };
      const controls: AgentControls = {
        held: kept.restored.map(({ executionId }) => executionId),
        trouble: (error) => runtime.trouble(error && { ...error, retryable: true }),
        has: (resources) => runtime.has(resources),
        kept: (executions) => runtime.kept(executions),
        leave: () => void runtime.stop('the agent ends'),
      };
      const own = work(controls);
      play = own;
      const runtime = new Runtime(
        settings,
        {
          play: (assign, run) => new AgentRun(assign, own, run),
          welcomed: ({ cluster: reach }) => reach && own.welcomed(reach),
          forget: (executionIds) => own.forget(executionIds),
          released: (executionId) => own.released(executionId),
          ended: () => {
            clearInterval(tidying);
            return own.ended();
          },
        },
        deps,
      );
      return await startRuntime(runtime, settings, logger, processHost);
    },
  };
}
