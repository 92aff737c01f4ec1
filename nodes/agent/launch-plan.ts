/**
 * An execution as the engine is to start it: which words, which files, which environment. The same execution always gives the same
 * launch, so that a later process of the agent can repeat it.
 */
import type { RunInput, RunTask } from 'tutti/sdk';
import type { Launch, LaunchFile, Resources } from './engine.js';
import { readJob } from './job.js';
import { attributesPlugin } from './playbook-attributes.js';
import { resolve } from './references.js';

/** Below the working folder, under names that no file of a graph is likely to have. */
export const INPUTS = '.tutti-inputs';
export const OUTPUT = '.tutti-output';
/** A job's script. */
const SCRIPT = '.tutti-script';

export type LaunchPlan =
  | { readonly ok: true; readonly launch: Launch }
  | { readonly ok: false; readonly message: string };

type Command =
  | {
      readonly ok: true;
      readonly argv: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly files?: readonly LaunchFile[];
      readonly resources?: Resources;
    }
  | { readonly ok: false; readonly message: string };

/** `contents`: those of the graph's files, in their order. */
export function planLaunch(task: RunTask, contents: readonly Uint8Array[]): LaunchPlan {
  const { run, inputs } = task;
  const command = commandOf(task);
  if (!command.ok) return command;
  const env = envOf(task);
  if (!env.ok) return env;
  const [program, ...args] = command.argv;
  if (program === undefined || program === '') return { ok: false, message: 'the command has no program' };
  const script = run.work.kind === 'script' ? run.work.path : undefined;
  const files = run.files.map(({ path }, index) => ({
    path,
    bytes: contents[index]!,
    executable: path === script || beginsWithInterpreter(contents[index]!),
  }));
  return {
    ok: true,
    launch: {
      key: task.executionId,
      argv: [program, ...args],
      env: { ...env.values, ...run.secrets, ...command.env, ...ownEnv(task) },
      pathEnv: { TUTTI_INPUTS: INPUTS, TUTTI_OUTPUT: OUTPUT },
      files: [...files, ...(command.files ?? []), ...attributesPlugin(task), ...inputFiles(inputs)],
      resources: command.resources ?? run.resources,
    },
  };
}

/** `#!`: what a graph stores has no mode, and a command may well be one of its files. */
function beginsWithInterpreter(content: Uint8Array): boolean {
  return content[0] === 0x23 && content[1] === 0x21;
}

function commandOf({ run, inputs }: RunTask): Command {
  const { work } = run;
  const current = inputs.filter(({ previous }) => !previous);
  switch (work.kind) {
    case 'command':
      return worded(resolve(work.argv, current), []);
    case 'script':
      return worded(resolve(work.args, current), [`./${work.path}`]);
    case 'job': {
      const job = readJob(inputs);
      if (!job.ok) return job;
      const { script, args, env, resources } = job;
      const file = { path: SCRIPT, bytes: new TextEncoder().encode(script), executable: true };
      return {
        ok: true,
        argv: [`./${SCRIPT}`, ...args],
        env,
        files: [file],
        ...(resources && { resources }),
      };
    }
    default:
      return work satisfies never;
  }
}

type Env =
  | { readonly ok: true; readonly values: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly message: string };

function envOf({ run, inputs }: RunTask): Env {
  if (!run.envReferences) return { ok: true, values: run.env };
  const names = Object.keys(run.env);
  const resolved = resolve(
    Object.values(run.env),
    inputs.filter(({ previous }) => !previous),
  );
  if (!resolved.ok) return resolved;
  return { ok: true, values: Object.fromEntries(names.map((name, at) => [name, resolved.words[at]!])) };
}

function worded(resolved: ReturnType<typeof resolve>, before: readonly string[]): Command {
  return resolved.ok ? { ok: true, argv: [...before, ...resolved.words] } : resolved;
}

function ownEnv({ id, executionId, module, attempt, pass, item }: RunTask): Record<string, string> {
  return {
    TUTTI_TASK_ID: id,
    TUTTI_EXECUTION_ID: executionId,
    TUTTI_MODULE: module,
    TUTTI_ATTEMPT: String(attempt),
    TUTTI_PASS: String(pass),
    ...(item !== undefined && { TUTTI_ITEM: String(item) }),
  };
}

/** Each input as `<name>.json`, `<name>.bin`, or, where it is a message, `<name>.json` and `<name>.pb`; previous ones below `previous/`. */
export function inputFiles(inputs: readonly RunInput[]): LaunchFile[] {
  return inputs.flatMap(({ name, type, previous, bytes, json }) => {
    const base = `${INPUTS}/${previous ? 'previous/' : ''}${name}`;
    if (json === undefined) return [{ path: `${base}.bin`, bytes }];
    if (type === 'json' || type.startsWith('json:')) return [{ path: `${base}.json`, bytes }];
    return [
      { path: `${base}.json`, bytes: new TextEncoder().encode(json) },
      { path: `${base}.pb`, bytes },
    ];
  });
}
