/** Run modules: modules whose work is a command. An agent, which is a node that represents a cluster, executes it. */
import type { ClusterType } from './cluster.js';
import { MAX_COMMAND_BYTES, MAX_COMMAND_WORD_BYTES, MAX_COMMAND_WORDS } from './limits.js';
import type { BlobRef } from './payload.js';

/** The module that agents say in their hello. No graph can use the name: names of modules have no dot. */
export const AGENT_MODULE = 'tutti.agent';

/**
 * When an execution has begun whose command did so by its cluster's clock: never later than this was told, which may be after a restart in
 * between, and not before its assignment, wherever that clock stands. All in Unix milliseconds.
 */
export function begunAt(byCluster: number, assignedAt: number, toldAt: number): number {
  return Math.max(assignedAt, Math.min(byCluster, toldAt));
}

/**
 * Where the output of a run module comes from: the file `$TUTTI_OUTPUT`, the command's stdout, its exit code and times, or an object in
 * `$TUTTI_OUTPUT` that may be absent.
 */
export const RESULT_SOURCES = ['file', 'stdout', 'none', 'attributes'] as const;
export type ResultSource = (typeof RESULT_SOURCES)[number];

/** When the working folder of an execution stays behind. */
export const KEEPS = ['never', 'on_failure', 'always'] as const;
export type Keep = (typeof KEEPS)[number];

/** The resources that an execution needs, or those that a cluster has in total. Absent resources are not counted. */
export interface Resources {
  /** Whole cores. @default 1 */
  readonly cpus: number;
  readonly memoryBytes?: number;
  readonly gpus?: number;
  /** From the start of the command. */
  readonly walltimeMs?: number;
}

/** Words and arguments may hold references to inputs, `${input.path}`; of several, `${a.x|b.x}`, the first one counts that there is. */
export type RunWork =
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  /** `path`: one of the files; it runs by its own `#!` line. */
  | { readonly kind: 'script'; readonly path: string; readonly args: readonly string[] }
  /** The script, its arguments and its environment come with the task's input: the built-in graph of jobs. */
  | { readonly kind: 'job' };

interface Run {
  readonly work: RunWork;
  readonly resources: Resources;
  /** @default 'file' */
  readonly result: ResultSource;
  /** @default 'never' */
  readonly keep: Keep;
  /** Whether the values of the environment may hold references as well. */
  readonly envReferences?: boolean;
  /** Exit codes after which another attempt may succeed; absent: all of them. 75 (EX_TEMPFAIL) always is one. */
  readonly retryExitCodes: readonly number[] | undefined;
}

/** The work of a run module as its graph declares it. */
export interface RunSpec extends Run {
  readonly env: Readonly<Record<string, string | SecretRef>>;
  /** By path in the working folder, the path beside the graph file. */
  readonly files: Readonly<Record<string, string>>;
}

/** The value of a stored secret, by its name. */
export interface SecretRef {
  readonly secret: string;
}

/** The secrets that a run module takes, by the variables that hold them. */
export function secretsOf({ env }: RunSpec): Readonly<Record<string, string>> {
  const secrets = Object.entries(env).flatMap(([variable, value]) =>
    typeof value === 'string' ? [] : [[variable, value.secret] as const],
  );
  return Object.fromEntries(secrets);
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
  readonly env: Readonly<Record<string, string>>;
  /** More of its environment, by variable: values that nobody but the command may see. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly files: readonly RunFile[];
}

/** The known facts about the command of an execution. Absent fields are not known yet. */
export interface CommandNote {
  /** The program and its arguments, as they ran. */
  readonly argv?: readonly string[];
  /** The engine's own: a process, or a batch job. */
  readonly engineId?: string;
  /** The machine that runs it. */
  readonly host?: string;
  /** Unix milliseconds by the cluster's clock; so is `endedAt`. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** As a shell reports it: 128 + n after signal n. */
  readonly exitCode?: number;
  /** The signal's name. */
  readonly signal?: string;
  /** Its working folder, where that stays. */
  readonly folder?: string;
}

/**
 * The words of a command as far as they are told: the first of many, each cut by `cut` to at most so many bytes; `…` stands for the rest.
 */
export function boundedWords(
  words: readonly string[],
  cut: (word: string, maxBytes: number) => string,
): readonly string[] {
  const told: string[] = [];
  let left = MAX_COMMAND_BYTES;
  for (const word of words) {
    if (told.length === MAX_COMMAND_WORDS || left <= 0) return [...told, '…'];
    const bounded = cut(word, Math.min(MAX_COMMAND_WORD_BYTES, left));
    told.push(bounded);
    left -= bounded.length + 1;
  }
  return told;
}

/** The same in the words of the public surface, with the cluster. */
export interface CommandFields {
  readonly cluster?: string;
  readonly engine?: ClusterType;
  readonly argv?: readonly string[];
  readonly engine_id?: string;
  readonly host?: string;
  /** RFC 3339, UTC. */
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly exit_code?: number;
  readonly signal?: string;
  readonly folder?: string;
}

/** The fields that are still unknown. Known fields never change: a restarted agent may report them again. */
export function newsOf(
  known: CommandFields,
  told: { readonly [K in keyof CommandFields]: CommandFields[K] | undefined },
): CommandFields {
  const fields = Object.entries(told) as [keyof CommandFields, unknown][];
  return Object.fromEntries(
    fields.filter(([name, value]) => value !== undefined && known[name] === undefined),
  );
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
