/** The form of a graph file, with its defaults; each message says what would be right. Durations come out in milliseconds. */
import { z } from 'zod';
import { parseExpression } from '../../base/expression/parse-expression.js';
import { APPROVAL_OUTPUT, APPROVAL_ROLES, MAX_MESSAGE_CHARACTERS } from '../../model/approval.js';
import type { Graph, ModuleSpec, Retention } from '../../model/graph.js';
import { type LoopSpec, MAX_PASSES } from '../../model/loop.js';
import { DEFAULT_MAP_LIMIT, MAX_MAP_LIMIT } from '../../model/map.js';
import { strict } from '../strict.js';
import { duration, durationIfGiven, labels } from './graph-fields.js';
import { RunSchema } from './run-schema.js';

export const NAME: RegExp = /^[a-z][a-z0-9_]{0,62}$/;
const NAME_RULE = 'give a name of lower-case letters, digits and _, beginning with a letter, at most 63 long';

export const Name: z.ZodString = z.string({ error: NAME_RULE }).regex(NAME, { error: NAME_RULE });
/** The source or a module, or one of a module's named outputs. */
export const REFERENCE: RegExp = /^[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62})?$/;
const REFERENCE_RULE = `${NAME_RULE}; a named output is MODULE.OUTPUT, like train.plot`;
const References = z.array(z.string({ error: REFERENCE_RULE }).regex(REFERENCE, { error: REFERENCE_RULE }), {
  error: 'give a list of names, like [user_input, ml_model, train.plot]',
});
const Type = z.string({
  error: 'give the full name of a protobuf message, json, bytes or bytes:<media type>',
});

const OUTPUTS = 'give an object of types by their names, like { model: bytes, plot: "bytes:image/png" }';
/** Each is a row of its own, and shown in its own place. */
const MAX_OUTPUTS = 32;

const Outputs = z.record(z.string(), Type, { error: OUTPUTS }).superRefine((outputs, context) => {
  const names = Object.keys(outputs);
  const add = (path: string[], code: string, message: string) =>
    context.addIssue({ code: 'custom', path, message, params: { code } });
  if (names.length === 0 || names.length > MAX_OUTPUTS)
    add([], 'out_of_range', `${names.length} outputs: give 1 to ${MAX_OUTPUTS}`);
  for (const name of names)
    if (!NAME.test(name)) add([name], 'bad_name', `${JSON.stringify(name)} is not right: ${NAME_RULE}`);
});

const WHEN = 'give an expression in quotes, like "evaluate.loss < 0.1"';

const When = z
  .string({ error: WHEN })
  .transform((text, context) => {
    const parsed = parseExpression(text);
    if (parsed.ok) return { text, expression: parsed.expression };
    const message = `position ${parsed.position}: ${parsed.message}`;
    context.addIssue({ code: 'custom', message, params: { code: 'bad_expression' } });
    return z.NEVER;
  })
  .describe(
    'the module runs only if this condition holds, over fields of the input and of the outputs of earlier modules',
  );

const ROLE = 'give operator or author';
const MESSAGE = `give what the person is asked, in 1 to ${MAX_MESSAGE_CHARACTERS} characters`;

const Approve = strict(
  {
    role: z
      .enum(APPROVAL_ROLES, { error: ROLE })
      .default('operator')
      .describe('the role that decides: operator or author'),
    message: z
      .string({ error: MESSAGE })
      .min(1, { error: MESSAGE })
      .max(MAX_MESSAGE_CHARACTERS, { error: MESSAGE })
      .describe('the question for the person'),
  },
  'give an object, like { role: operator, message: "Deploy this model?" }',
);

const ATTEMPTS = 'give a whole number from 1 to 100';
const FACTOR = 'give a number from 1 to 100';

const Retry = strict(
  {
    attempts: z
      .int({ error: ATTEMPTS })
      .min(1, { error: ATTEMPTS })
      .max(100, { error: ATTEMPTS })
      .default(3)
      .describe('the total number of attempts: executions that failed or succeeded'),
    backoff: duration(0, 1000, 'the wait before the second attempt'),
    factor: z
      .number({ error: FACTOR })
      .min(1, { error: FACTOR })
      .max(100, { error: FACTOR })
      .default(2)
      .describe('the factor by which each wait is longer than the one before'),
    max_backoff: duration(0, 30_000, 'no wait is longer'),
  },
  'give an object, like { attempts: 3, backoff: 1s, factor: 2, max_backoff: 30s }',
)
  .superRefine(({ backoff, max_backoff }, context) => {
    if (backoff <= max_backoff) return;
    const message = `backoff is longer than max_backoff (30s unless given): give a longer max_backoff`;
    context.addIssue({ code: 'custom', path: ['backoff'], message, params: { code: 'out_of_range' } });
  })
  .transform(({ attempts, backoff, factor, max_backoff }) => ({
    attempts,
    backoffMs: backoff,
    factor,
    maxBackoffMs: max_backoff,
  }));

const Liveness = strict(
  {
    unresponsive_after: duration(100, 3000, 'silence after which a node gets no new work'),
    dead_after: duration(200, 10_000, 'silence after which its executions are placed elsewhere'),
  },
  'give an object, like { unresponsive_after: 3s, dead_after: 10s }',
)
  .superRefine(({ unresponsive_after, dead_after }, context) => {
    if (unresponsive_after < dead_after) return;
    const message = 'dead_after (10s unless given) must be longer than unresponsive_after (3s unless given)';
    context.addIssue({ code: 'custom', path: ['dead_after'], message, params: { code: 'out_of_range' } });
  })
  .transform(({ unresponsive_after, dead_after }) => ({
    unresponsiveAfterMs: unresponsive_after,
    deadAfterMs: dead_after,
  }));

const MAP = 'give the name of one of its inputs, like settings or plan.settings';
const ITEMS = `give a whole number from 1 to ${MAX_MAP_LIMIT}`;

const NO_OUTPUT =
  'a module needs output (the type of its output) or outputs (the types of several outputs by name)';

/** Of modules that nodes play: a command may take as long as it takes. */
const NODE_TIMEOUT_MS = 300_000;

/** One module, without its name. */
export const ModuleSchema: z.ZodType<Omit<ModuleSpec, 'name'>> = strict(
  {
    inputs: References.describe(
      'the source, or modules whose outputs it gets, as MODULE or MODULE.OUTPUT; it runs when all of them are ready',
    ),
    previous: References.default([]).describe(
      'modules whose outputs of the parent iteration it gets, as MODULE or MODULE.OUTPUT, if there is a parent',
    ),
    output: Type.optional().describe(
      'the type of its output: json, json:<name>, bytes, bytes:<media type>, or a protobuf message',
    ),
    outputs: Outputs.optional().describe('instead of output: the types of several outputs by name'),
    require: labels.default({}).describe('labels that a node must have to run it'),
    timeout: durationIfGiven(
      1,
      'how long one attempt may take, from its assignment; run modules have no limit by default',
      NODE_TIMEOUT_MS,
    ),
    retry: Retry.prefault({}).describe('how often and when the module is retried after a failure'),
    on_error: z
      .enum(['fail', 'ignore'], { error: 'give fail or ignore' })
      .default('fail')
      .describe('fail: its failure fails the task; ignore: its dependents run without its output'),
    start: z
      .enum(['auto', 'manual'], { error: 'give auto or manual' })
      .default('auto')
      .describe('auto: a new node takes work at once; manual: only after it is started'),
    liveness: Liveness.prefault({}).describe('how long its nodes may be silent'),
    when: When.optional(),
    approve: Approve.optional().describe(
      'the module does no work: a person decides, and its dependents get the decision',
    ),
    cache: z
      .boolean({ error: 'give true or false' })
      .default(false)
      .describe('it reuses the output of an earlier execution with the same inputs, if there is one'),
    map: z
      .string({ error: MAP })
      .regex(REFERENCE, { error: MAP })
      .optional()
      .describe(
        'it runs once for each item of this input, which is a list; its output is the list of results',
      ),
    map_limit: z
      .int({ error: ITEMS })
      .min(1, { error: ITEMS })
      .max(MAX_MAP_LIMIT, { error: ITEMS })
      .optional()
      .describe(`of a module with map: items at once, ${DEFAULT_MAP_LIMIT} unless given`),
    run: RunSchema.optional().describe('the module is a command that an agent runs on a cluster'),
  },
  'give an object with at least inputs and output, or inputs and approve',
)
  .superRefine(({ output, outputs, approve }, context) => {
    if (output === undefined && outputs === undefined && approve === undefined)
      context.addIssue({
        code: 'custom',
        path: ['output'],
        message: NO_OUTPUT,
        params: { code: 'missing_field' },
      });
    if (output !== undefined && outputs !== undefined) {
      const message = 'give output, for one output without a name, or outputs, for named ones: not both';
      context.addIssue({ code: 'custom', path: ['outputs'], message, params: { code: 'not_with_output' } });
    }
  })
  .transform(
    ({
      timeout,
      on_error,
      when,
      approve,
      cache,
      run,
      require,
      output,
      outputs,
      map,
      map_limit,
      ...rest
    }) => ({
      ...rest,
      output: approve ? APPROVAL_OUTPUT : output,
      ...(outputs && { outputs }),
      require: { ...require, ...run?.require },
      timeoutMs: timeout ?? (run ? undefined : NODE_TIMEOUT_MS),
      onError: on_error,
      ...(when && { when }),
      ...(approve && { approve }),
      ...(cache && { cache: true as const }),
      ...(map !== undefined && { map: { input: map, limit: map_limit ?? DEFAULT_MAP_LIMIT } }),
      ...(run && { run: run.spec }),
    }),
  );

const INDEX = 'give MODULE.FIELD, like carbon_footprint.carbon_footprint';

const PASSES = `give a whole number from 1 to ${MAX_PASSES}`;

const LoopSchema = strict(
  {
    from: Name.describe('the last module of each pass, after which the condition is checked'),
    to: Name.describe('the first module of each pass'),
    until: When.describe(
      'the loop ends after the first pass for which this condition holds, over fields of the input, of from and of earlier modules',
    ),
    max: z
      .int({ error: PASSES })
      .min(1, { error: PASSES })
      .max(MAX_PASSES, { error: PASSES })
      .describe('the maximum number of passes'),
    on_max: z
      .enum(['fail', 'continue'], { error: 'give fail or continue' })
      .default('fail')
      .describe('fail: if until does not hold after the last pass, from fails; continue: the task continues'),
  },
  'give an object, like { from: evaluate, to: train, until: "evaluate.loss < 0.1", max: 10 }',
).transform(({ on_max, ...rest }): LoopSpec => ({ ...rest, onMax: on_max }));

const AGE = 'give an age in days or hours, like 30d or 12h';
const HOUR_MS = 3_600_000;
const KEPT = 'give a whole number from 0';

const RetentionSchema = strict(
  {
    max_age: z
      .string({ error: AGE })
      .regex(/^[1-9]\d{0,5}[dh]$/, { error: AGE })
      .transform((age) => Number.parseInt(age, 10) * HOUR_MS * (age.endsWith('d') ? 24 : 1))
      .optional()
      .describe('iterations that ended before this age are removed'),
    max_iterations: z
      .int({ error: KEPT })
      .min(0, { error: KEPT })
      .optional()
      .describe('only this number of the newest iterations of the graph is kept'),
    keep_last: z
      .int({ error: KEPT })
      .min(0, { error: KEPT })
      .default(1)
      .describe('this number of the newest iterations of each problem is always kept'),
  },
  'give an object, like { max_age: 30d, max_iterations: 10000, keep_last: 1 }',
).transform(
  ({ max_age, max_iterations, keep_last }): Retention => ({
    ...(max_age !== undefined && { maxAgeMs: max_age }),
    ...(max_iterations !== undefined && { maxIterations: max_iterations }),
    keepLast: keep_last,
  }),
);

/** The file around its modules, which are looked at one by one. */
export const FileSchema: z.ZodType<
  Pick<Graph, 'name' | 'source'> & {
    index?: string[] | undefined;
    loops?: LoopSpec[] | undefined;
    retention?: Retention | undefined;
  }
> = strict(
  {
    name: Name.describe('the name by which problems are submitted to it'),
    source: strict(
      {
        name: Name.describe('its name among the inputs'),
        type: Type.describe('its type, with the same choices as an output'),
      },
      'give an object, like { name: user_input, type: json }',
    ).describe('the input of the graph, which each problem provides'),
    index: z
      .array(z.string({ error: INDEX }), { error: 'give a list, like [carbon_footprint.carbon_footprint]' })
      .optional()
      .describe('output fields, as MODULE.FIELD, that searches can use without reading every iteration'),
    loops: z
      .array(LoopSchema, {
        error: 'give a list, like [{ from: evaluate, to: train, until: "evaluate.loss < 0.1", max: 10 }]',
      })
      .optional()
      .describe('modules that run again, until a condition holds'),
    retention: RetentionSchema.optional().describe('the iterations to keep (default: all)'),
    modules: z
      .record(z.string(), z.unknown(), { error: 'give an object with one entry for each module' })
      .describe('the modules by name'),
  },
  'give an object with name, source and modules',
);
