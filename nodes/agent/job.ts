/** A job: the script, its arguments and its environment are the task's input. */
import type { RunInput } from 'tutti/sdk';
import type { Resources } from './engine.js';

export interface Job {
  readonly ok: true;
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly resources?: Resources;
}

interface JobInput {
  readonly script?: unknown;
  readonly args?: unknown;
  readonly env?: unknown;
  readonly resources?: {
    readonly cpus?: number;
    readonly memory_bytes?: number;
    readonly gpus?: number;
    readonly walltime_ms?: number;
  } | null;
}

export function readJob(inputs: readonly RunInput[]): Job | { readonly ok: false; readonly message: string } {
  const [input] = inputs;
  const job = JSON.parse(input?.json ?? 'null') as JobInput | null;
  if (typeof job?.script !== 'string') return { ok: false, message: 'the job has no script' };
  const { script, args = [], env = {}, resources } = job;
  if (!isListOfTexts(args)) return { ok: false, message: 'args of the job is not a list of texts' };
  if (typeof env !== 'object' || env === null || !isListOfTexts(Object.values(env)))
    return { ok: false, message: 'env of the job is not a map of texts' };
  return {
    ...{ ok: true, script, args, env: env as Record<string, string> },
    ...(resources && { resources: resourcesOf(resources) }),
  };
}

function isListOfTexts(list: unknown): list is readonly string[] {
  return Array.isArray(list) && list.every((each) => typeof each === 'string' && !each.includes('\0'));
}

function resourcesOf(given: NonNullable<JobInput['resources']>): Resources {
  const { cpus = 1, memory_bytes: memoryBytes, gpus, walltime_ms: walltimeMs } = given;
  return {
    cpus,
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(gpus !== undefined && { gpus }),
    ...(walltimeMs !== undefined && { walltimeMs }),
  };
}
