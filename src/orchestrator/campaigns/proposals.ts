/** The `propose` of a campaign's policy, checked. */
import { printJson } from '../../base/json/json-text.js';
import { pointer } from '../../base/json/pointer.js';
import type { GridAxis, Propose, RandomAxis } from '../../model/campaign.js';
import { MAX_AXES, MAX_VALUES } from '../../model/campaign-limits.js';
import { MAX_GRID_POINTS, pointsIn } from '../../model/campaign-points.js';
import { isPlayedByNodes, type ModuleSpec, outputsOf, typeOf } from '../../model/graph.js';
import { isPrivateGraph } from '../../model/private-graph.js';
import type { TypeRegistry } from '../../wire/types.js';
import type { State } from '../core/state.js';
import type { PreparedRequest } from '../core/turn.js';
import type { AskedPolicy } from '../port.js';
import type { AddFault } from './expressions.js';

export interface ProposalDeps {
  readonly state: Pick<State, 'graph' | 'graphs'>;
  readonly types: TypeRegistry;
}

type Asked = AskedPolicy['propose'];
export type PreparedProposer = NonNullable<Extract<PreparedRequest, { kind: 'run_campaign' }>['proposer']>;

const WAYS = ['repeat', 'grid', 'random', 'module'] as const;
const PATH = ['policy', 'propose'] as const;

/** Nothing where it is at fault as a whole. */
export function proposalsOf(
  deps: ProposalDeps,
  asked: Asked,
  add: AddFault,
): { readonly propose: Propose; readonly proposer?: PreparedProposer } | undefined {
  const given = WAYS.filter((way) => asked[way] !== undefined);
  const [way, ...others] = given;
  if (way === undefined || others.length > 0) {
    add(pointer(...PATH), 'bad_proposals', `give one of ${WAYS.join(', ')}`);
    return undefined;
  }
  if (asked.seed !== undefined && way !== 'random')
    add(pointer(...PATH, 'seed'), 'not_random', 'only random has a seed');
  switch (way) {
    case 'repeat':
      return { propose: { kind: 'repeat' } };
    case 'grid':
      return gridOf(asked.grid!, add);
    case 'random':
      return randomOf(asked, add);
    case 'module':
      return moduleOf(deps, asked.module!, add);
    default:
      return way satisfies never;
  }
}

function gridOf(grid: NonNullable<Asked['grid']>, add: AddFault): { readonly propose: Propose } | undefined {
  const axes = Object.entries(grid).map(([at, values]): GridAxis => {
    checkAxis('grid', at, values, add);
    return { at, values: values.map(printJson) };
  });
  if (!checkNumber('grid', axes, add)) return undefined;
  const propose: Propose = { kind: 'grid', axes };
  const points = pointsIn(propose);
  if (points <= MAX_GRID_POINTS) return { propose };
  add(
    pointer(...PATH, 'grid'),
    'grid_too_large',
    `${points} points are too many: at most ${MAX_GRID_POINTS}`,
  );
  return undefined;
}

function randomOf(
  { random = {}, seed = 0 }: Asked,
  add: AddFault,
): { readonly propose: Propose } | undefined {
  if (!Number.isSafeInteger(seed)) add(pointer(...PATH, 'seed'), 'out_of_range', 'a whole number');
  const axes = Object.entries(random).map(([at, range]): RandomAxis => {
    if (isList(range)) {
      checkAxis('random', at, range, add);
      return { at, values: range.map(printJson) };
    }
    checkAxis('random', at, undefined, add);
    const { min, max, log = false, integer = false } = range;
    const path = pointer(...PATH, 'random', at);
    if (!(min < max)) add(path, 'out_of_range', `min ${min} is not less than max ${max}`);
    if (log && !(min > 0)) add(path, 'out_of_range', 'with log, min is greater than 0');
    if (integer && !(Number.isSafeInteger(min) && Number.isSafeInteger(max)))
      add(path, 'out_of_range', 'with integer, min and max are whole numbers');
    return { at, min, max, log, integer };
  });
  return checkNumber('random', axes, add) ? { propose: { kind: 'random', axes, seed } } : undefined;
}

function isList(range: readonly unknown[] | object): range is readonly unknown[] {
  return Array.isArray(range);
}

function checkNumber(way: string, axes: readonly unknown[], add: AddFault): boolean {
  if (axes.length >= 1 && axes.length <= MAX_AXES) return true;
  add(pointer(...PATH, way), 'out_of_range', `give 1 to ${MAX_AXES} fields of the input, as JSON pointers`);
  return false;
}

function checkAxis(way: string, at: string, values: readonly unknown[] | undefined, add: AddFault): void {
  const path = pointer(...PATH, way, at);
  if (at !== '' && !/^\/(?:[^~]|~[01])*$/.test(at))
    add(path, 'bad_pointer', `${JSON.stringify(at)} is not a JSON pointer: write one like /learning_rate`);
  if (values && (values.length < 1 || values.length > MAX_VALUES))
    add(path, 'out_of_range', `give 1 to ${MAX_VALUES} values`);
}

/** It plays alone, in a graph of its own: so the modules around it in theirs have no part in it. */
function moduleOf(
  { state, types }: ProposalDeps,
  reference: string,
  add: AddFault,
): { readonly propose: Propose; readonly proposer: PreparedProposer } | undefined {
  const path = pointer(...PATH, 'module');
  const [graph = '', module = '', ...rest] = reference.split('.');
  const loaded = isPrivateGraph(graph) ? undefined : state.graph(graph);
  if (!loaded) {
    add(path, 'unknown_graph', `${JSON.stringify(reference)}: there is no graph ${JSON.stringify(graph)}`);
    return undefined;
  }
  const { graph: whole, index } = loaded.compiled;
  const spec = rest.length > 0 ? undefined : whole.modules.find(({ name }) => name === module);
  if (!spec) {
    add(path, 'unknown_module', `graph ${graph} has ${[...index.keys()].join(', ')}: give GRAPH.MODULE`);
    return undefined;
  }
  const unfit = whyNotProposer(spec, typeOf(whole, spec.inputs[0]!));
  if (unfit !== undefined) {
    add(path, 'bad_proposer', `${module} ${unfit}`);
    return undefined;
  }
  const named = new Set(Object.values(spec.run?.files ?? {}));
  const files = Object.entries(loaded.files ?? {}).filter(([beside]) => named.has(beside));
  return {
    propose: { kind: 'module', graph, module },
    proposer: {
      ...{ module: spec, files: Object.fromEntries(files) },
      ...{ types, typesJson: types.toJson(['json']) },
    },
  };
}

function whyNotProposer(spec: ModuleSpec, input: string | undefined): string | undefined {
  if (!spec.run && !isPlayedByNodes(spec)) return 'does no work: a proposer is a node or a command';
  if (spec.inputs.length !== 1 || input !== 'json') return 'has to have one input, of type json: the history';
  const [output, ...others] = outputsOf(spec);
  return others.length > 0 || output?.name !== '' || output.type !== 'json'
    ? 'has to have one output, of type json: the proposal'
    : undefined;
}
