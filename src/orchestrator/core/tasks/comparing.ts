/**
 * The comparisons of conditions: evaluated when the value is recorded, since it is in memory then.
 *
 * 1. A value that is a blob is not looked into. What was noted of an earlier value in its place is taken back.
 * 2. An override is looked at by the conditions of its own module only.
 */
import { metBy, overrideKey, type Reading } from '../../../model/condition.js';
import { typeOf } from '../../../model/graph.js';
import type { Task } from '../../../model/task.js';
import { valueAt } from '../../tables/index-key.js';
import { aboutTask } from '../about.js';
import { emit } from '../emit.js';
import type { PreparedOverride, Turn } from '../turn.js';

/** A decoded value; nothing for a blob. */
type Decoded = { readonly value: unknown } | undefined;

/** Of the source, or of an output. */
export function compareValue(turn: Turn, task: Task, reference: string, decoded: Decoded): void {
  compare(turn, task, reference, task.graph.readings.get(reference), decoded);
}

/** The same of bytes that nobody has decoded yet. */
export function compareBytes(turn: Turn, task: Task, reference: string, bytes: Uint8Array | undefined): void {
  const readings = task.graph.readings.get(reference);
  if (readings) compare(turn, task, reference, readings, decode(turn, task, reference, bytes));
}

export function compareOverride(turn: Turn, task: Task, { module, input, value }: PreparedOverride): void {
  const position = task.graph.index.get(module) ?? -1;
  const all = task.graph.modules[position]?.condition?.readings.values() ?? [];
  const readings = [...all].filter(({ reference }) => reference === input);
  if (readings.length === 0) return;
  const bytes = value.kind === 'inline' ? value.bytes : undefined;
  compare(turn, task, overrideKey(module, input), readings, decode(turn, task, input, bytes));
}

function compare(
  turn: Turn,
  task: Task,
  of: string,
  readings: readonly Reading[] | undefined,
  decoded: Decoded,
): void {
  if (!readings) return;
  if (!decoded && !task.compared?.has(of)) return;
  const met = decoded && metBy(readings, (path) => valueAt(decoded.value, path));
  emit(turn, { type: 'task.compared', ...aboutTask(task), of, ...(met && { met }) });
}

function decode({ state }: Turn, task: Task, reference: string, bytes: Uint8Array | undefined): Decoded {
  const { key, graph } = task.graph;
  const type = typeOf(graph, reference);
  const decoded =
    bytes && type !== undefined ? state.graph(key.name, key.version)?.types.decode(type, bytes) : undefined;
  return decoded?.ok ? decoded : undefined;
}
