/** The `when:` of modules and the `until:` of loops: what is wrong with their names, each with its position in the expression. */
import type { Fault } from '../../base/errors.js';
import { type Comparison, comparisonsOf, whyNotCompared } from '../../base/expression/expression.js';
import { parseExpression } from '../../base/expression/parse-expression.js';
import { didYouMean } from '../../base/nearest.js';
import { type Names, resolveField } from '../../model/condition.js';
import { splitReference } from '../../model/graph.js';
import { schemaAt } from '../../model/schema-at.js';
import { formatPath, show } from '../faults.js';
import { isRecord } from '../yaml/yaml.js';
import { whyNotOfDecision } from './graph-index.js';
import type { KnownTypes } from './known-types.js';

/** `raw`: the file's content, which may have other faults too. */
export function conditionFaults(raw: unknown, types: KnownTypes): Fault[] {
  if (!isRecord(raw) || !isRecord(raw.modules)) return [];
  const modules = Object.entries(raw.modules).filter((entry): entry is [string, Raw] => isRecord(entry[1]));
  const source = isRecord(raw.source) ? raw.source : {};
  const names: Names = {
    source: typeof source.name === 'string' ? source.name : undefined,
    outputs: new Map(
      modules.map(([name, { outputs }]) => [name, isRecord(outputs) ? Object.keys(outputs) : []]),
    ),
  };
  const byName = new Map(modules);
  const places = { names, types, raw: raw.modules, source };
  const faults: Fault[] = [];
  const check = (text: unknown, path: readonly (string | number)[], place: Place): void => {
    const parsed = typeof text === 'string' ? parseExpression(text) : undefined;
    if (!parsed?.ok) return;
    for (const comparison of comparisonsOf(parsed.expression)) {
      const fault = faultOf(comparison, place);
      if (!fault) continue;
      const { position = comparison.at, code, message } = fault;
      faults.push({ path: formatPath(path), code, message: `position ${position}: ${message}` });
    }
  };
  for (const [name, { when }] of modules)
    check(when, ['modules', name, 'when'], { ...places, before: modulesBefore(name, byName), of: name });
  for (const [index, loop] of (Array.isArray(raw.loops) ? raw.loops : []).entries()) {
    if (!isRecord(loop) || typeof loop.from !== 'string' || !byName.has(loop.from)) continue;
    const before = new Set([loop.from, ...modulesBefore(loop.from, byName)]);
    check(loop.until, ['loops', index, 'until'], { ...places, before, of: `the end of ${loop.from}` });
  }
  return faults;
}

type Raw = Readonly<Record<string, unknown>>;

interface Place {
  readonly names: Names;
  /** Modules that come before the condition's own; those before the end of a loop's pass. */
  readonly before: ReadonlySet<string>;
  readonly of: string;
  readonly types: KnownTypes;
  readonly raw: Raw;
  readonly source: Raw;
}

function faultOf(
  comparison: Comparison,
  { names, before, of, types, raw, source }: Place,
): { readonly position?: number; readonly code: string; readonly message: string } | undefined {
  const { field, valueAt } = comparison;
  const resolved = resolveField(field, names);
  if (!resolved) {
    const first = field.split('.')[field.startsWith('outputs.') ? 1 : 0] ?? '';
    const near = didYouMean(first, ['input', ...before]);
    return { code: 'unknown_module', message: `${show(first)} is neither the input nor a module${near}` };
  }
  const { module, reference, path } = resolved;
  if (module !== undefined && !before.has(module)) {
    const known = ['input', ...before].join(', ');
    return {
      code: 'not_before',
      message: `${module} does not come before ${of}: a condition can use ${known}`,
    };
  }
  const why = whyNotCompared(comparison);
  if (why !== undefined) return { position: valueAt, code: 'bad_expression', message: why };
  const spec = module === undefined ? source : (raw[module] as Raw);
  const { name } = splitReference(reference);
  const outputs = isRecord(spec.outputs) ? spec.outputs : undefined;
  if (module !== undefined && outputs && !Object.hasOwn(outputs, name)) {
    const all = Object.keys(outputs);
    const what = name
      ? `${module} has no output ${show(name)}${didYouMean(name, all)}`
      : `${module} has outputs`;
    return { code: 'unknown_field', message: `${what}: name one of ${all.join(', ')}, and a field of it` };
  }
  if (path.length === 0 || path.includes(''))
    return { code: 'unknown_field', message: `${show(field)} names no field: give one, like ${field}.FIELD` };
  if (spec.approve !== undefined) {
    const reason = whyNotOfDecision(path);
    return reason === undefined ? undefined : { code: 'unknown_field', message: reason };
  }
  const type = module === undefined ? source.type : outputs ? outputs[name] : spec.output;
  const found = schemaAt(type, path, types);
  return 'reason' in found ? { code: 'unknown_field', message: found.reason } : undefined;
}

/** Every module that leads to this one. */
function modulesBefore(name: string, modules: ReadonlyMap<string, Raw>): Set<string> {
  const before = new Set<string>();
  const waiting = [name];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const inputs = modules.get(next)?.inputs;
    for (const input of Array.isArray(inputs) ? inputs : []) {
      const { module } = splitReference(String(input));
      if (!modules.has(module) || before.has(module)) continue;
      before.add(module);
      waiting.push(module);
    }
  }
  return before;
}
