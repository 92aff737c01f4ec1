/**
 * The node types that a template knows: those of the profile that are supported, and those of its files. Each is resolved with all that it derives
 * from: a definition of a derived type takes the place of the one of the same name.
 */
import { show } from '../../faults.js';
import { type Artifacts, artifactsOf } from './artifacts.js';
import type { Capability, CapabilityTypes } from './capabilities.js';
import { type Operations, standardOperations } from './operations.js';
import { fullName, NODE_TYPES, type ProfileNodeType } from './profile.js';
import { type Definition, definitionOf } from './properties.js';
import type { Relationship, Relationships } from './relationships.js';
import type { At, Given, Report } from './report.js';
import type { Definitions } from './templates.js';

export interface RequirementDefinition extends Relationship {
  /** A type, or the name that the other node gives it. */
  readonly capability?: string;
  /** The type that the other node has to be of, in full. */
  readonly node?: string;
  /** The least and the largest number of assignments. */
  readonly occurrences: readonly [number, number];
}

export interface NodeType {
  readonly name: string;
  /** The type itself, and those that it derives from. */
  readonly chain: readonly string[];
  readonly properties: ReadonlyMap<string, Definition>;
  readonly attributes: ReadonlyMap<string, Definition>;
  readonly capabilities: ReadonlyMap<string, Capability>;
  readonly requirements: ReadonlyMap<string, RequirementDefinition>;
  readonly artifacts: Artifacts;
  readonly operations: Operations;
}

const FIELDS = [
  'derived_from',
  'version',
  'description',
  'metadata',
  'properties',
  'attributes',
  'capabilities',
  'requirements',
  'interfaces',
  'artifacts',
];
const REQUIREMENT = ['capability', 'node', 'relationship', 'occurrences', 'description'];
/** Of one kind, with those that a type derives from. */
const MAX_MEMBERS = 300;

const NOTHING: Omit<NodeType, 'name'> = {
  ...{ chain: [], properties: new Map(), attributes: new Map(), capabilities: new Map() },
  ...{ requirements: new Map(), artifacts: new Map(), operations: new Map() },
};

export interface OtherTypes {
  readonly relationships: Relationships;
  readonly capabilities: CapabilityTypes;
}

export class NodeTypes {
  readonly #given: Definitions;
  readonly #names: ReadonlySet<string>;
  readonly #others: OtherTypes;
  readonly #report: Report;
  readonly #resolved = new Map<string, NodeType | undefined>();

  /** `given`: the `node_types` of all files, all of which are read. */
  constructor(given: Definitions, others: OtherTypes, report: Report) {
    this.#given = given;
    this.#names = new Set([...Object.keys(NODE_TYPES), ...given.keys()]);
    this.#others = others;
    this.#report = report;
    for (const [name, { at }] of given) {
      if (Object.hasOwn(NODE_TYPES, name))
        report.add(at, 'name_taken', `${name} is a type of the profile: give another name`);
      else this.named(name, at);
    }
  }

  /** Nothing if there is no such type, or if it has faults itself; the report says so. */
  named(name: string, at: At, below: readonly string[] = []): NodeType | undefined {
    const full = fullName('node', name, this.#names);
    if (this.#resolved.has(full)) return this.#resolved.get(full);
    if (below.includes(full)) {
      this.#report.add(at, 'cycle', `${[...below, full].join(', ')} derive from each other in a circle`);
      return undefined;
    }
    if (!this.#isKnown(full, name, at)) return undefined;
    const type = this.#bounded(this.#read(full, at, [...below, full]), at);
    this.#resolved.set(full, type);
    return type;
  }

  #bounded(type: NodeType | undefined, at: At): NodeType | undefined {
    const { properties, attributes, capabilities, requirements, artifacts } = type ?? NOTHING;
    const most = Math.max(
      ...[properties.size, attributes.size, capabilities.size, requirements.size, artifacts.size],
    );
    if (most <= MAX_MEMBERS) return type;
    const message = `a type has at most ${MAX_MEMBERS} properties, attributes and the like: ${most} are too many`;
    this.#report.add(at, 'out_of_range', message);
    return undefined;
  }

  #isKnown(full: string, name: string, at: At): boolean {
    if (this.#names.has(full)) return true;
    const names = [...this.#names];
    const message = `${show(name)} is not a node type here${this.#report.near(name, names)}: supported are ${names.join(', ')}`;
    this.#report.add(at, 'unknown_type', message);
    return false;
  }

  #read(name: string, at: At, below: readonly string[]): NodeType | undefined {
    if (Object.hasOwn(NODE_TYPES, name)) return this.#ofProfile(name, NODE_TYPES[name]!, at);
    const given = this.#given.get(name)!;
    return this.#ofFile(name, given.value, given.at, below);
  }

  #ofProfile(name: string, type: ProfileNodeType, at: At): NodeType | undefined {
    const { derivedFrom, properties = {}, attributes = [], capabilities = {}, requirements = {} } = type;
    const from = derivedFrom === undefined ? { ...NOTHING, name } : this.named(derivedFrom, at)!;
    const defined = (one: unknown): Definition => definitionOf(one, at, this.#report);
    return {
      ...{ name, chain: [name, ...from.chain], artifacts: from.artifacts, operations: from.operations },
      properties: extended(
        from.properties,
        Object.entries(properties).map(([key, one]) => [key, defined(one)]),
      ),
      attributes: extended(
        from.attributes,
        attributes.map((key) => [key, defined({ type: 'string' })]),
      ),
      capabilities: extended(from.capabilities, this.#others.capabilities.definitions(capabilities, at)),
      requirements: extended(
        from.requirements,
        Object.entries(requirements).map(([key, one]) => [key, { ...one, targets: [] }]),
      ),
    };
  }

  #ofFile(name: string, value: unknown, at: At, below: readonly string[]): NodeType | undefined {
    const report = this.#report;
    const given = report.fields(value, at, FIELDS);
    const place = [...at, 'derived_from'];
    const parent = report.text(given.derived_from, place, 'the type that it derives from');
    const from = parent === undefined ? undefined : this.named(parent, place, below);
    if (from === undefined) return undefined;
    const artifacts = artifactsOf(given.artifacts, [...at, 'artifacts'], from.artifacts, report);
    return {
      ...{ name, chain: [name, ...from.chain], artifacts },
      properties: extended(from.properties, this.#definitions(given.properties, [...at, 'properties'])),
      attributes: extended(from.attributes, this.#definitions(given.attributes, [...at, 'attributes'])),
      capabilities: extended(
        from.capabilities,
        this.#others.capabilities.definitions(given.capabilities, [...at, 'capabilities']),
      ),
      requirements: this.#requirements(from.requirements, given.requirements, [...at, 'requirements']),
      operations: standardOperations(given.interfaces, [...at, 'interfaces'], from.operations, {
        ...{ artifacts, report },
      }),
    };
  }

  #definitions(given: unknown, at: At): [string, Definition][] {
    return Object.entries(this.#report.record(given, at)).map(([name, one]) => [
      name,
      definitionOf(one, [...at, name], this.#report),
    ]);
  }

  #requirements(from: NodeType['requirements'], given: unknown, at: At): NodeType['requirements'] {
    const requirements = new Map(from);
    for (const [name, value, here] of this.#report.namedList(given, at))
      requirements.set(name, this.#requirement(value, here, requirements.get(name)));
    return requirements;
  }

  #requirement(value: unknown, at: At, before: RequirementDefinition | undefined): RequirementDefinition {
    const report = this.#report;
    const given: Given =
      typeof value === 'string' ? { capability: value } : report.fields(value, at, REQUIREMENT);
    const { relationship, occurrences } = given;
    const capability = report.text(given.capability, [...at, 'capability'], 'a capability type');
    const node =
      given.node === undefined ? undefined : report.text(given.node, [...at, 'node'], 'a node type');
    return {
      ...(relationship === undefined
        ? { relation: before?.relation ?? 'DependsOn', targets: before?.targets ?? [] }
        : this.#others.relationships.of(relationship, [...at, 'relationship'])),
      ...(capability !== undefined && {
        capability: this.#others.capabilities.chainOf(capability, [...at, 'capability'])[0]!,
      }),
      ...(node !== undefined && { node: this.#known(node, [...at, 'node']) }),
      occurrences: this.#occurrences(occurrences, [...at, 'occurrences']),
    };
  }

  /** The name in full. It may be one of the types that are being read. */
  #known(name: string, at: At): string {
    const full = fullName('node', name, this.#names);
    this.#isKnown(full, name, at);
    return full;
  }

  #occurrences(given: unknown, at: At): readonly [number, number] {
    if (given === undefined) return [1, 1];
    const [least, most] = Array.isArray(given) && given.length === 2 ? given : [];
    const largest = most === 'UNBOUNDED' ? Number.POSITIVE_INFINITY : most;
    if (Number.isSafeInteger(least) && least >= 0 && typeof largest === 'number' && largest >= least)
      return [least, largest];
    this.#report.add(at, 'wrong_type', `${show(given)} is not right: give two numbers, like [0, UNBOUNDED]`);
    return [0, Number.POSITIVE_INFINITY];
  }
}

function extended<T>(
  from: ReadonlyMap<string, T>,
  own: readonly (readonly [string, T])[],
): ReadonlyMap<string, T> {
  return new Map([...from, ...own]);
}
