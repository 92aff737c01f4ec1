/** Run modules: modules whose work is a command. An agent, which is a node that represents a cluster, executes it. */
import type { BlobRef } from './payload.js';

/** The module that agents say in their hello. No graph can use the name: names of modules have no dot. */
export const AGENT_MODULE = 'tutti.agent';

/** Where the output of a run module comes from: the file `$TUTTI_OUTPUT`, the command's stdout, or its exit code and times. */
export const RESULT_SOURCES = ['file', 'stdout', 'none'] as const;
export type ResultSource = (typeof RESULT_SOURCES)[number];

/** When the working folder of an execution stays behind. */
export const KEEPS = ['never', 'on_failure', 'always'] as const;
export type Keep = (typeof KEEPS)[number];

/** What an execution takes of a cluster, or what a cluster has in all. What is absent is not counted. */
export interface Resources {
  /** Whole cores. @default 1 */
  readonly cpus: number;
  readonly memoryBytes?: number;
  readonly gpus?: number;
  /** From the start of the command. */
  readonly walltimeMs?: number;
}

/** Words and arguments may hold references to inputs, `${input.path}`. */
export type RunWork =
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  /** `path`: one of the files; it runs by its own `#!` line. */
  | { readonly kind: 'script'; readonly path: string; readonly args: readonly string[] }
  /** The script, its arguments and its environment come with the task's input: the built-in graph of jobs. */
  | { readonly kind: 'job' };

interface Run {
  readonly work: RunWork;
  readonly env: Readonly<Record<string, string>>;
  readonly resources: Resources;
  /** @default 'file' */
  readonly result: ResultSource;
  /** @default 'never' */
  readonly keep: Keep;
  /** Exit codes after which another attempt may succeed; absent: all of them. 75 (EX_TEMPFAIL) always is one. */
  readonly retryExitCodes: readonly number[] | undefined;
}

/** The work of a run module as its graph declares it. */
export interface RunSpec extends Run {
  /** By path in the working folder, the path beside the graph file. */
  readonly files: Readonly<Record<string, string>>;
}

/** A file that an execution finds in its working folder, and where its content is fetched. */
export interface RunFile {
  /** In the working folder. */
  readonly path: string;
  readonly blob: BlobRef;
  readonly url: string;
}

/** The work of a run module as an agent gets it. */
export interface AssignedRun extends Run {
  readonly files: readonly RunFile[];
}

/** Nodes of which module play a module: agents play all run modules. */
export function playedBy({ name, run }: { readonly name: string; readonly run?: RunSpec }): string {
  return run ? AGENT_MODULE : name;
}

const MAX_PATH_CHARACTERS = 256;

/** A relative path in its plain form, `scripts/run.py`; nothing for one that leads out of its folder or names no file. */
export function pathWithin(path: string): string | undefined {
  if (path === '' || path.length > MAX_PATH_CHARACTERS || path.startsWith('/') || path.endsWith('/'))
    return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no system has such names, and a line of a log could not show them
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return undefined;
  const steps = path.split('/').filter((step) => step !== '.' && step !== '');
  return steps.length === 0 || steps.includes('..') ? undefined : steps.join('/');
}
