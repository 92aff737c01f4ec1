/** What a campaign's `until` and `objective` name, checked against the types of its graph. */
import { comparisonsOf } from '../../base/expression/expression.js';
import { parseExpression } from '../../base/expression/parse-expression.js';
import { outputReference, typeOf } from '../../model/graph.js';
import { schemaAt } from '../../model/schema-at.js';
import type { LoadedGraph } from '../core/state.js';
import { compileSearch } from '../queries/filter/compile.js';
import { type Field, fieldOf, ITERATION_FIELDS } from '../queries/filter/fields.js';
import { isRefusal } from '../queries/pages.js';

export type AddFault = (path: string, code: string, message: string) => void;

export function expressionFaults(until: string, graph: LoadedGraph, add: AddFault): void {
  const modules = new Set(graph.compiled.index.keys());
  const compiled = compileSearch({ filter: until }, { stored: ITERATION_FIELDS, modules }, parseExpression);
  if (isRefusal(compiled)) {
    const { message } = compiled.details![0]!;
    add('/policy/until', message.includes('there is no field') ? 'unknown_field' : 'bad_expression', message);
    return;
  }
  for (const { field, at } of comparisonsOf(compiled.filter!)) {
    const reason = whyNotThere(compiled.fields.get(field)!, graph);
    if (reason !== undefined) add('/policy/until', 'unknown_field', `position ${at}: ${reason}`);
  }
}

/** Of one field by itself. */
export function fieldFault(
  name: string,
  graph: LoadedGraph,
): { readonly code: string; readonly message: string } | undefined {
  const field = fieldOf(name, ITERATION_FIELDS, new Set(graph.compiled.index.keys()));
  const reason = typeof field === 'string' ? field : whyNotThere(field, graph);
  return reason === undefined ? undefined : { code: 'unknown_field', message: reason };
}

/** Why an iteration of the graph never has the field, as far as its types tell. */
function whyNotThere(field: Field, { compiled: { graph }, types }: LoadedGraph): string | undefined {
  if (field.kind !== 'input' && field.kind !== 'output') return undefined;
  const { path } = field;
  if (field.kind === 'input') return reasonAt(graph.source.type, path, types);
  const { outputs } = graph.modules.find(({ name }) => name === field.module)!;
  if (!outputs) return reasonAt(typeOf(graph, field.module), path, types);
  const [output = '', ...rest] = path;
  const type = typeOf(graph, outputReference(field.module, output));
  if (type === undefined)
    return `${field.module} has no output ${JSON.stringify(output)}: there are ${Object.keys(outputs).join(', ')}`;
  return reasonAt(type, rest, types);
}

function reasonAt(
  type: string | undefined,
  path: readonly string[],
  types: LoadedGraph['types'],
): string | undefined {
  const found = schemaAt(type, path, types);
  return 'reason' in found ? found.reason : undefined;
}
