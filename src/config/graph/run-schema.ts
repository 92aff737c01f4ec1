/** The form of `run` in a graph file: the command of a run module. What can be wrong between its fields is in `run-faults.ts`. */
import { z } from 'zod';
import { KEEPS, pathWithin, type ResultSource, type RunSpec, type RunWork } from '../../model/run.js';
import { SECRET_NAME } from '../../model/secret.js';
import { ResourcesSchema } from '../resources.js';
import { strict } from '../strict.js';
import { labels } from './graph-fields.js';
import { runFaults } from './run-faults.js';

const WORDS = 'give a list of texts, like [python3, simulate.py]';
const FILES = 'give an object of paths, like { simulate.py: ./simulate.py }';
const ENV = 'give an object of texts, like { OMP_NUM_THREADS: "2" }';
const ENV_VALUE = 'give a text, in quotes, or a secret, like { secret: api-key }';
/** Attributes are of the operations of deployments. */
const RESULTS = ['file', 'stdout', 'none'] as const satisfies readonly ResultSource[];
const EXIT_CODES = 'give a list of exit codes from 1 to 255, like [1, 137]';

const Words = z.array(z.string({ error: 'give a text, in quotes' }), { error: WORDS });
const Path = z.string({ error: 'give a path beside the graph file, like ./simulate.py' });

const SecretRefSchema = z.strictObject({
  secret: z.string().regex(SECRET_NAME, { error: 'give the name of a secret, like api-key' }),
});

/** `require`: the labels of `cluster` and `require` together. */
export interface ReadRun {
  readonly spec: RunSpec;
  readonly require: Readonly<Record<string, string>>;
}

const FIELDS = {
  command: Words.min(1, { error: 'name at least a program' })
    .optional()
    .describe(
      'the program and its arguments, without a shell; references to inputs are replaced, also within a word',
    ),
  script: Path.optional().describe(
    'instead of command: a file beside the graph file, run by its own #! line',
  ),
  args: Words.default([]).describe('arguments of the script'),
  files: z
    .record(z.string(), Path, { error: FILES })
    .default({})
    .describe('files beside the graph file, by their path in the working folder; stored with the graph'),
  cluster: z
    .string({ error: 'give the name of a cluster' })
    .min(1, { error: 'give the name of a cluster' })
    .optional()
    .describe('the cluster to run on (default: any matching cluster)'),
  require: labels.default({}).describe('labels that the cluster must have'),
  resources: ResourcesSchema.prefault({}).describe('the resources that one execution needs'),
  env: z
    .record(z.string(), z.union([z.string(), SecretRefSchema], { error: ENV_VALUE }), { error: ENV })
    .default({})
    .describe('environment variables: texts, or secrets by name'),
  result: z
    .enum(RESULTS, { error: 'give file, stdout or none' })
    .default('file')
    .describe('the output: the file $TUTTI_OUTPUT, stdout, or none: the exit code and times'),
  keep: z
    .enum(KEEPS, { error: 'give never, on_failure or always' })
    .default('never')
    .describe('when to keep the working folder until the task is removed'),
  retry_exit_codes: z
    .array(z.int({ error: EXIT_CODES }).min(1, { error: EXIT_CODES }).max(255, { error: EXIT_CODES }), {
      error: EXIT_CODES,
    })
    .optional()
    .describe('exit codes that are retried, besides 75 (default: all)'),
} as const;

export const RunSchema: z.ZodType<ReadRun> = strict(
  FIELDS,
  'give an object with command or script',
).transform(runOf);

/**
 * An object with these fields and those of a command that goes on, whose result nobody reads. `isOwn`: whether a reference in its words is
 * to be to the run's only input, `replica`; otherwise others are looked at elsewhere.
 */
export function withWork<Shape extends z.ZodRawShape>(
  shape: Shape,
  expected: string,
  { isOwn = true }: { readonly isOwn?: boolean } = {},
): z.ZodType<z.output<z.ZodObject<Shape>> & { readonly work: ReadRun }> {
  const { command, script, args, files, cluster, require, resources, env } = FIELDS;
  const fields = { command, script, args, files, cluster, require, resources, env };
  const schema = strict({ ...shape, ...fields }, expected).superRefine((given, context) => {
    for (const { path, message, code } of faultsOfWork(given)) {
      if (!isOwn && code === 'unknown_input') continue;
      context.addIssue({ code: 'custom', path, message, params: { code } });
    }
  });
  return schema.transform((given) => {
    const run = given as unknown as z.output<z.ZodObject<typeof fields>>;
    const work = runOf({
      ...Object.fromEntries(Object.keys(fields).map((field) => [field, run[field as keyof typeof run]])),
      ...{ result: 'none', keep: 'never', retry_exit_codes: undefined },
    } as RunGiven);
    return { ...given, work };
  }) as never;
}

interface WorkFault {
  readonly path: (string | number)[];
  readonly code: string;
  readonly message: string;
}

/** The command is that of a run module whose input says which replica it is. */
function faultsOfWork({ args, ...given }: { readonly args?: unknown }): WorkFault[] {
  // Those that nobody gave are none.
  const run = Array.isArray(args) && args.length > 0 ? { ...given, args } : given;
  const modules = { replica: { inputs: ['replica'], output: 'json', run } };
  const found = runFaults({ source: { name: 'replica', type: 'json' }, modules });
  return found.map(({ path, code, message }) => ({ path: stepsOf(path).slice(3), code, message }));
}

/** The steps of a path as `formatPath` writes it. */
function stepsOf(path: string): (string | number)[] {
  const steps = path.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g);
  return [...steps].map(([, index, quoted, word]) =>
    index !== undefined ? Number(index) : quoted !== undefined ? (JSON.parse(quoted) as string) : word!,
  );
}

type RunGiven = z.output<z.ZodObject<typeof FIELDS>>;

function runOf(run: RunGiven): ReadRun {
  const { command, script, args, files, cluster, require, retry_exit_codes, ...rest } = run;
  const path = script === undefined ? undefined : pathWithin(script);
  const work: RunWork =
    path === undefined ? { kind: 'command', argv: command ?? [] } : { kind: 'script', path, args };
  const beside = Object.entries(files).map(([to, from]) => [pathWithin(to) ?? to, pathWithin(from) ?? from]);
  return {
    spec: {
      ...rest,
      work,
      files: Object.fromEntries([...beside, ...(path === undefined ? [] : [[path, path]])]),
      retryExitCodes: retry_exit_codes,
    },
    require: { ...require, ...(cluster !== undefined && { cluster }) },
  };
}
