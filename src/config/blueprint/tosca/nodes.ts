/** The node templates of a topology: their types, the values that they have, and what they require of each other. */
import { show } from '../../faults.js';
import { artifactsOf, type Written } from './artifacts.js';
import { type CapabilityTypes, offers } from './capabilities.js';
import type { NodeType, NodeTypes, RequirementDefinition } from './node-types.js';
import { type Operations, standardOperations } from './operations.js';
import type { Relation } from './profile.js';
import type { Relationships } from './relationships.js';
import { type At, type Given, own, type Report } from './report.js';

interface Required {
  readonly name: string;
  readonly relation: Relation;
  readonly target: string;
  readonly at: At;
}

interface Assigned extends Required {
  readonly definition: RequirementDefinition;
}

export interface Node {
  readonly name: string;
  readonly at: At;
  readonly type: NodeType;
  /** As they are assigned, or else their defaults. */
  readonly properties: ReadonlyMap<string, Written>;
  readonly attributes: ReadonlyMap<string, Written>;
  readonly requirements: readonly Assigned[];
  readonly operations: Operations;
}

export type Nodes = ReadonlyMap<string, Node>;

const FIELDS = [
  'type',
  'description',
  'metadata',
  'properties',
  'attributes',
  'requirements',
  'interfaces',
  'artifacts',
];
export const NODES_AT: At = ['topology_template', 'node_templates'];

export interface Known {
  readonly types: NodeTypes;
  readonly relationships: Relationships;
  readonly capabilities: CapabilityTypes;
  readonly report: Report;
}

/** Those without faults; the report has the faults of the others. */
export function nodesOf(given: unknown, known: Known): Nodes {
  const { report } = known;
  const all = report.record(given, NODES_AT);
  const nodes = new Map<string, Node>();
  for (const [name, value] of Object.entries(all)) {
    const node = nodeOf(name, value, Object.keys(all), known);
    if (node) nodes.set(name, node);
  }
  for (const node of nodes.values())
    for (const one of node.requirements) checkTarget(node, one, nodes, report);
  return nodes;
}

function nodeOf(name: string, value: unknown, all: readonly string[], known: Known): Node | undefined {
  const { types, report } = known;
  const at = [...NODES_AT, name];
  const given = report.fields(value, at, FIELDS);
  const typeName = report.text(given.type, [...at, 'type'], 'a node type');
  const type = typeName === undefined ? undefined : types.named(typeName, [...at, 'type']);
  if (type === undefined) return undefined;
  const artifacts = artifactsOf(given.artifacts, [...at, 'artifacts'], type.artifacts, report);
  const around = { artifacts, report };
  return {
    ...{ name, at, type },
    operations: standardOperations(given.interfaces, [...at, 'interfaces'], type.operations, around),
    properties: valuesOf('properties', given, type, at, report),
    attributes: valuesOf('attributes', given, type, at, report),
    requirements: requirementsOf(given, type, at, all, known),
  };
}

function valuesOf(
  kind: 'properties' | 'attributes',
  given: Given,
  type: NodeType,
  at: At,
  report: Report,
): ReadonlyMap<string, Written> {
  const defined = type[kind];
  const here = [...at, kind];
  const values = new Map<string, Written>();
  for (const [name, value] of Object.entries(report.record(own(given, kind), here))) {
    const place = [...here, name];
    if (defined.has(name)) values.set(name, { value, at: place });
    else
      report.add(place, 'unknown_field', notIn(name, `${kind} of ${type.name}`, [...defined.keys()], report));
  }
  for (const [name, definition] of defined) {
    if (values.has(name)) continue;
    if (definition.default !== undefined) values.set(name, { value: definition.default, at: definition.at });
    else if (kind === 'properties' && definition.required)
      report.add([...here, name], 'missing_field', `${type.name} requires the property ${name}: give it`);
  }
  return values;
}

function requirementsOf(
  given: Given,
  type: NodeType,
  at: At,
  all: readonly string[],
  known: Known,
): readonly Assigned[] {
  const { report } = known;
  const here = [...at, 'requirements'];
  const read = report.namedList(given.requirements, here).flatMap(([name, value, place]) => {
    const definition = type.requirements.get(name);
    if (definition === undefined) {
      const of = `the requirements of ${type.name}`;
      report.add(place, 'unknown_field', notIn(name, of, [...type.requirements.keys()], report));
      return [];
    }
    const assigned = assignedOf(name, value, definition, place, known);
    if (assigned === undefined || all.includes(assigned.target)) return assigned ?? [];
    const message = `${show(assigned.target)} is not a node template${report.near(assigned.target, all)}: there are ${all.join(', ')}`;
    report.add(place, 'unknown_node', message);
    return [];
  });
  for (const [name, { occurrences }] of type.requirements) {
    const [least, most] = occurrences;
    const count = read.filter((one) => one.name === name).length;
    if (count >= least && count <= most) continue;
    const bounds =
      most === Number.POSITIVE_INFINITY
        ? `at least ${least}`
        : least === most
          ? `${least}`
          : `${least} to ${most}`;
    const message = `${type.name} has ${bounds} of the requirement ${name}: ${count} are given`;
    report.add(here, 'out_of_range', message);
  }
  const hosts = read.filter(({ relation }) => relation === 'HostedOn');
  if (hosts.length > 1) report.unsupported(here, `a node is hosted on one other: ${hosts.length} are given`);
  return read;
}

function assignedOf(
  name: string,
  value: unknown,
  definition: RequirementDefinition,
  at: At,
  { relationships, capabilities, report }: Known,
): Assigned | undefined {
  const { relation } = definition;
  if (typeof value === 'string') return { ...{ name, relation, definition, at }, target: value };
  const given = report.fields(value, at, ['node', 'relationship', 'capability']);
  const target = report.text(given.node, [...at, 'node'], 'the name of a node template');
  if (target === undefined) return undefined;
  const place = [...at, 'capability'];
  const capability =
    given.capability === undefined ? undefined : report.text(given.capability, place, 'a capability');
  const relationship =
    given.relationship === undefined
      ? definition
      : relationships.of(given.relationship, [...at, 'relationship']);
  const own = { relation: relationship.relation, targets: relationship.targets };
  return {
    ...{ name, target, at, relation: own.relation },
    definition: {
      ...definition,
      ...own,
      ...(capability !== undefined && { capability: capabilities.nameOf(capability) }),
    },
  };
}

/** The other node is of the type that is required, and offers the capability. */
function checkTarget(
  node: Node,
  { target, definition, name, at }: Assigned,
  nodes: Nodes,
  report: Report,
): void {
  const other = nodes.get(target)?.type;
  if (other === undefined) return;
  const { capability, node: type, targets } = definition;
  if (type !== undefined && !other.chain.includes(type))
    report.add(at, 'wrong_type', `${name} requires a node of ${type}: ${target} is of ${other.name}`);
  if (capability !== undefined && !offers(other.capabilities, capability, node.type.chain)) {
    const message = `${name} requires the capability ${capability}, which ${target}, of ${other.name}, does not offer to ${node.type.name}`;
    report.add(at, 'wrong_type', message);
  }
  const kinds = [...other.chain, ...[...other.capabilities.values()].flatMap(({ chain }) => chain)];
  if (targets.length > 0 && !targets.some((one) => kinds.includes(one)))
    report.add(
      at,
      'wrong_type',
      `${target} is not a valid target of ${name}: valid are ${targets.join(', ')}`,
    );
}

function notIn(name: string, of: string, known: readonly string[], report: Report): string {
  const what = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
  return `${show(name)} is not among ${of}${report.near(name, known)}: ${what}`;
}

/** The node itself, and all that it requires, directly or through others. */
export function reached(nodes: Nodes, name: string): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(nodes.get(next)?.requirements ?? []).map(({ target }) => target));
  }
  return found;
}

/** Whether there is anything to run for it. */
export function isRun({ operations }: Node): boolean {
  return [...operations.values()].some(({ primary }) => primary !== undefined);
}

/** The node itself, the node that it is hosted on, and so on; each once, even if they go in a circle. */
export function hostsOf(nodes: Nodes, node: Node): readonly Node[] {
  const found = new Set<Node>();
  for (let at: Node | undefined = node; at && !found.has(at); ) {
    found.add(at);
    const host: string | undefined = at.requirements.find(({ relation }) => relation === 'HostedOn')?.target;
    at = host === undefined ? undefined : nodes.get(host);
  }
  return [...found];
}
