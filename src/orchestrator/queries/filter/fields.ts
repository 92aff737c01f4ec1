/**
 * The fields that a filter can name: stored fields of a problem or an iteration, its input, and the outputs of its modules.
 *
 * 1. A name is a stored field, or `input`, or a module of some graph; `outputs.<module>` names a module in any case.
 * 2. Of a module with named outputs, the first step of a field names the output: `train.report.loss`.
 * 3. The outputs of an iteration count once it has ended: until then they come and go with resets and attempts.
 */

import { type Comparison, type Scalar, whyNotCompared } from '../../../base/expression/expression.js';
import { partAt } from '../../../base/json/exact.js';
import { didYouMean } from '../../../base/nearest.js';
import { ARCHIVED, markOfTag, STARRED } from '../../../model/problem.js';
import { TASK_STATES, taskHasEnded } from '../../../model/task-state.js';
import { valueAt } from '../../tables/index-key.js';
import type { Summary } from '../../tables/summary.js';
import type { Candidate } from '../candidates.js';
import type { FieldReads } from '../payloads.js';

export type Field =
  | { readonly kind: 'stored'; readonly name: string; readonly read: (summary: Summary) => unknown }
  | {
      readonly kind: 'time';
      readonly name: string;
      readonly read: (summary: Summary) => number | undefined;
    }
  /** Of the problem: they are in its row only. */
  | { readonly kind: 'notes' }
  | { readonly kind: 'input'; readonly path: readonly string[] }
  | { readonly kind: 'output'; readonly module: string; readonly path: readonly string[] };

type Stored = Readonly<Record<string, Field>>;

const stored = (name: string, read: (summary: Summary) => unknown): [string, Field] => [
  name,
  { kind: 'stored', name, read },
];
const time = (name: string, read: (summary: Summary) => number | undefined): [string, Field] => [
  name,
  { kind: 'time', name, read },
];

const COMMON: [string, Field][] = [
  stored('problem_id', (summary) => summary.problem_id),
  stored('title', (summary) => summary.title),
  stored('tags', (summary) => summary.tags ?? []),
  stored('starred', (summary) => summary.starred ?? false),
  stored('archived', (summary) => summary.archived ?? false),
  ['notes', { kind: 'notes' }],
  stored('graph', (summary) => summary.graph),
  stored('priority', (summary) => summary.priority),
  stored('state', (summary) => summary.state),
  stored('error.code', (summary) => summary.error?.code),
  stored('error.message', (summary) => summary.error?.message),
  stored('error.module', (summary) => summary.error?.module),
  time('finished_at', (summary) => summary.finished_at),
  stored('duration_ms', (summary) =>
    summary.started_at === undefined || summary.finished_at === undefined
      ? undefined
      : summary.finished_at - summary.started_at,
  ),
];

/** Of `GET /v1/problems`: what hangs on an iteration is the newest one's. */
export const PROBLEM_FIELDS: Stored = Object.fromEntries([
  ...COMMON,
  time('created_at', (newest) => newest.problem_created_at),
  stored('iterations', (newest) => newest.iteration_id),
  stored('newest_iteration_id', (newest) => newest.iteration_id),
]);

export const ITERATION_FIELDS: Stored = Object.fromEntries([
  ...COMMON,
  time('created_at', (summary) => summary.created_at),
  time('started_at', (summary) => summary.started_at),
  stored('iteration_id', (summary) => summary.iteration_id),
  stored('parent_iteration_id', (summary) => summary.parent_iteration_id),
  stored('graph_version', (summary) => summary.graph_version),
  stored('reason', (summary) => summary.reason),
  stored('reused', (summary) => summary.reused ?? []),
  stored('overridden', inputNames),
]);

/** `module.input` of every override. */
function inputNames({ overridden = {} }: Summary): string[] {
  return Object.entries(overridden).flatMap(([module, inputs]) =>
    inputs.map((input) => `${module}.${input}`),
  );
}

/** The field of a name, or its fault. */
export function fieldOf(name: string, known: Stored, modules: ReadonlySet<string>): Field | string {
  if (Object.hasOwn(known, name)) return known[name]!;
  const [first = '', ...rest] = name.split('.');
  const [module = '', ...path] = first === 'outputs' ? rest : [first, ...rest];
  if (first === 'input' && rest.length > 0) return { kind: 'input', path: rest };
  if (!modules.has(module)) {
    const near = didYouMean(module, [...Object.keys(known), ...modules, 'input']);
    return `there is no field ${JSON.stringify(name)}${near}`;
  }
  if (path.length === 0)
    return `${JSON.stringify(name)} is a module: name a field of its output, like ${module}.FIELD`;
  return { kind: 'output', module, path };
}

/** The name that an index knows an output's field by. */
export function indexName(field: Field): string | undefined {
  return field.kind === 'output' ? [field.module, ...field.path].join('.') : undefined;
}

/** The first mark that all that fit these conditions have. */
export function markAmong(conditions: readonly Comparison[]): string | undefined {
  for (const { field, operator, value } of conditions) {
    if (field === 'starred' && operator === '=' && value === true) return STARRED;
    if (field === 'archived' && operator === '=' && value === true) return ARCHIVED;
    if (field === 'tags' && operator === 'has' && typeof value === 'string') return markOfTag(value);
  }
  return undefined;
}

/** The comparison with its value in the field's own terms, or what is wrong with the value and where. */
export function checkComparison(
  comparison: Comparison,
  field: Field,
): Comparison | { readonly position: number; readonly message: string } {
  const { operator, value, valueAt: position } = comparison;
  const wrong = (message: string): { position: number; message: string } => ({ position, message });
  const why = whyNotCompared(comparison);
  if (why !== undefined) return wrong(why);
  if (value === null) return comparison;
  if (field.kind === 'time') {
    const at =
      typeof value === 'string' && operator !== '~' && operator !== 'has' ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(at)) return wrong(`${field.name} is compared with a time, like "2026-01-31T12:00:00Z"`);
    return { ...comparison, value: at };
  }
  const isState = field.kind === 'stored' && field.name === 'state' && operator !== '~';
  if (isState && !(TASK_STATES as readonly Scalar[]).includes(value))
    return wrong(`a state is one of ${TASK_STATES.join(', ')}`);
  return comparison;
}

/**
 * The value of an output's field: undefined until the iteration has ended. A number is one `toShow`, as it was written, or to
 * compare.
 */
export async function readField(
  field: Field,
  candidate: Candidate,
  read: FieldReads,
  toShow: boolean,
): Promise<unknown> {
  const at = (value: unknown, path: readonly string[]): unknown => {
    const plain = valueAt(value, path);
    return toShow && (typeof plain === 'number' || typeof plain === 'object') ? partAt(value, path) : plain;
  };
  switch (field.kind) {
    case 'stored':
    case 'time':
      return field.read(candidate.summary);
    case 'notes':
      return candidate.notes();
    case 'input': {
      const task = await candidate.whole();
      return task && at(await read.input(task), field.path);
    }
    case 'output': {
      if (!taskHasEnded(candidate.summary.state)) return undefined;
      // An index has numbers as JavaScript reads them.
      const { known } = candidate;
      if (known && known.field === indexName(field) && !(toShow && typeof known.value === 'number'))
        return known.value;
      const task = await candidate.whole();
      return task && at(await read.output(task, field.module), field.path);
    }
    default:
      return field satisfies never;
  }
}
