/**
 * A graph from its YAML file. All faults are reported at once, each with its path (`modules.ml_model.inputs[1]`): those of the form by
 * the schema, those between modules by what is well-formed enough to be compared.
 */
import { brief, type Fault } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import { type Graph, isPlayedByNodes, type ModuleSpec } from '../../model/graph.js';
import { formatPath, issuesToFaults, show } from '../faults.js';
import { isRecord, type ReadYaml, readYaml } from '../yaml/yaml.js';
import { approvalFaults } from './approval-faults.js';
import { conditionFaults } from './condition-faults.js';
import { graphFaults, inTopologicalOrder } from './graph-edges.js';
import { indexFaults } from './graph-index.js';
import { FileSchema, ModuleSchema } from './graph-schema.js';
import type { KnownTypes } from './known-types.js';
import { loopFaults } from './loop-faults.js';
import { mapFaults } from './map-faults.js';
import { runFaults } from './run-faults.js';

export interface ParseGraphOptions {
  readonly types: KnownTypes;
  /** Its name, for the messages about its syntax. */
  readonly file?: string;
  /** It was accepted before, when it was stored: it is read whatever its size. @default false */
  readonly isStored?: boolean;
  /** Modules of one name have to agree on their output type over all graphs. One of the same name as this graph is its older version. */
  readonly otherGraphs?: readonly Graph[];
}

export type ParsedGraph =
  | { readonly ok: true; readonly graph: Graph }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A graph has at most so many modules. */
const MAX_MODULES = 1000;
/** A person mends some at a time. */
const MAX_FAULTS = 100;

/**
 * Codes of the faults: `bad_yaml` `unknown_field` `missing_field` `wrong_type` `out_of_range` `bad_name` `bad_duration` `unknown_type`
 * `unknown_input` `unknown_module` `duplicate` `cycle` `unreachable_module` `name_taken` `type_conflict` `too_large` `too_deep` `more_faults`;
 * `not_with_output` `not_with_approve` `not_with_map`; of `when` also `bad_expression` `not_before` `unknown_field`; of `loops` those of `when` and
 * `not_connected` `overlapping_loops` `crossed_loops`; of `run` also `bad_path` `bad_text` `bad_reference` `not_with_command` `not_with_run`.
 */
export function parseGraph(yamlText: string, options: ParseGraphOptions): ParsedGraph {
  return graphOf(readYaml(yamlText, { file: options.file, isTrusted: options.isStored === true }), options);
}

/** The graph of a document that has been read already. */
export function graphOf(read: ReadYaml, options: Omit<ParseGraphOptions, 'file' | 'isStored'>): ParsedGraph {
  const parsed = read.ok ? graphIn(withoutExtensions(read.value), options) : read;
  if (parsed.ok) return parsed;
  const faults = parsed.faults.slice(0, MAX_FAULTS).map(brief);
  const more = parsed.faults.length - faults.length;
  if (more > 0) faults.push({ path: '', code: 'more_faults', message: `${more} more faults are not listed` });
  return { ok: false, faults };
}

/** Without the keys `x-…` at the top: a place for anchors and for notes of other programs. */
function withoutExtensions(raw: unknown): unknown {
  if (!isRecord(raw)) return raw;
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !key.startsWith('x-')));
}

function graphIn(raw: unknown, options: Omit<ParseGraphOptions, 'file' | 'isStored'>): ParsedGraph {
  const file = FileSchema.safeParse(raw);
  const faults = file.success ? [] : issuesToFaults(file.error, raw);
  const rawModules = isRecord(raw) && isRecord(raw.modules) ? raw.modules : {};
  const names = Object.keys(rawModules);
  if (names.length > MAX_MODULES) {
    const message = `${names.length} modules are too many: a graph has at most ${MAX_MODULES}`;
    return { ok: false, faults: [...faults, { path: 'modules', code: 'out_of_range', message }] };
  }
  const specs: ModuleSpec[] = [];
  for (const name of names) {
    const parsed = ModuleSchema.safeParse(rawModules[name]);
    if (parsed.success) specs.push({ name, ...parsed.data });
    else faults.push(...issuesToFaults(parsed.error, rawModules[name], ['modules', name]));
    faults.push(...lostLabels(rawModules[name], name));
  }
  faults.push(
    ...graphFaults(raw),
    ...runFaults(raw),
    ...approvalFaults(raw),
    ...mapFaults(raw),
    ...typeFaults(raw, options),
    ...indexFaults(raw, options.types),
    ...loopFaults(raw),
    ...conditionFaults(raw, options.types),
  );
  if (faults.length > 0 || !file.success) return { ok: false, faults };

  const { name, source, index, loops, retention } = file.data;
  const modules = inTopologicalOrder(source.name, specs, loops);
  return {
    ok: true,
    graph: {
      name,
      source,
      modules,
      ...(index && index.length > 0 && { index }),
      ...(loops && loops.length > 0 && { loops }),
      ...(retention && { retention }),
    },
  };
}

/** The schema silently drops a label of this name. */
function lostLabels(module: unknown, name: string): Fault[] {
  if (!isRecord(module) || !isRecord(module.require) || !Object.hasOwn(module.require, '__proto__'))
    return [];
  const message = 'a label cannot be named "__proto__": choose another name';
  return [{ path: formatPath(['modules', name, 'require', '__proto__']), code: 'bad_name', message }];
}

/** The same names with the same types, in any order. */
function isSameOutputs(one: ModuleSpec['outputs'], other: unknown): boolean {
  if (!one || !isRecord(other)) return one === other;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => other[name] === one[name]);
}

function written(output: unknown): string {
  return typeof output === 'string' ? output : show(output);
}

/** The types have to exist, and to be those that modules of the same names have elsewhere. */
function typeFaults(raw: unknown, { types, otherGraphs = [] }: ParseGraphOptions): Fault[] {
  const faults: Fault[] = [];
  if (!isRecord(raw)) return faults;
  const check = (type: unknown, path: readonly string[]) => {
    if (typeof type !== 'string' || types.has(type)) return;
    const near = didYouMean(type, types.names?.() ?? []);
    const expected = 'give a message found in the proto path, json, bytes or bytes:<media type>';
    const message = `there is no type ${show(type)}${near}: ${expected}`;
    faults.push({ path: formatPath(path), code: 'unknown_type', message });
  };
  if (isRecord(raw.source)) check(raw.source.type, ['source', 'type']);
  for (const [name, module] of Object.entries(isRecord(raw.modules) ? raw.modules : {})) {
    if (!isRecord(module)) continue;
    check(module.output, ['modules', name, 'output']);
    for (const [output, type] of Object.entries(isRecord(module.outputs) ? module.outputs : {}))
      check(type, ['modules', name, 'outputs', output]);
    const path = ['modules', name, isRecord(module.outputs) ? 'outputs' : 'output'];
    for (const other of otherGraphs) {
      const same = other.modules.find((spec) => spec.name === name);
      // Nodes of their names play neither run modules nor approvals.
      const isOfNodes = !isRecord(module.run) && module.approve === undefined;
      if (other.name === raw.name || !same || !isPlayedByNodes(same) || !isOfNodes) continue;
      if (same.output === module.output && isSameOutputs(same.outputs, module.outputs)) continue;
      const why = 'modules with the same name run on the same nodes, so their output types must agree';
      const message = `in the graph ${other.name}, ${name} puts out ${written(same.outputs ?? same.output)}, not ${written(module.outputs ?? module.output)}: ${why}`;
      faults.push({ path: formatPath(path), code: 'type_conflict', message });
    }
  }
  return faults;
}
