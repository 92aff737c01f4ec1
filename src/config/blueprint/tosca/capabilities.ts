/** Capabilities: the types of the profile and of the file, and what nodes offer to requirements. They have no properties here. */
import { show } from '../../faults.js';
import { CAPABILITY_TYPES, fullName } from './profile.js';
import { type At, type Given, own, type Report } from './report.js';
import type { Definitions } from './templates.js';

export interface Capability {
  /** The type itself, and those that it derives from. */
  readonly chain: readonly string[];
  /** Node types that may require it; any, if there are none. */
  readonly sources: readonly string[];
}

const TYPE_FIELDS = ['derived_from', 'version', 'description', 'metadata'];
const FIELDS = ['type', 'description', 'valid_source_types', 'occurrences'];

export class CapabilityTypes {
  readonly #given: Definitions;
  readonly #report: Report;
  readonly #names: ReadonlySet<string>;
  readonly #resolved = new Map<string, readonly string[]>();

  /** `given`: the `capability_types` of all files, all of which are read. */
  constructor(given: Definitions, report: Report) {
    this.#given = given;
    this.#report = report;
    this.#names = new Set([...CAPABILITY_TYPES.keys(), ...given.keys()]);
    for (const [name, { at }] of given) {
      if (CAPABILITY_TYPES.has(name))
        report.add(at, 'name_taken', `${name} is a type of the profile: give another name`);
      else this.chainOf(name, at);
    }
  }

  /** In full, if it is the name of a type; else it is one that a node gives its own capability. */
  nameOf(name: string): string {
    return fullName('capability', name, this.#names);
  }

  /** Only the name itself if there is no such type; the report says so. */
  chainOf(name: string, at: At, below: readonly string[] = []): readonly string[] {
    const full = fullName('capability', name, this.#names);
    const known = this.#resolved.get(full);
    if (known) return known;
    if (below.includes(full)) {
      this.#report.add(at, 'cycle', `${[...below, full].join(', ')} derive from each other in a circle`);
      return [full];
    }
    const chain = [full, ...this.#parentsOf(full, at, [...below, full])];
    this.#resolved.set(full, chain);
    return chain;
  }

  #parentsOf(name: string, at: At, below: readonly string[]): readonly string[] {
    const given = CAPABILITY_TYPES.has(name) ? undefined : this.#given.get(name);
    if (given) {
      const { derived_from } = this.#report.fields(given.value, given.at, TYPE_FIELDS);
      const place = [...given.at, 'derived_from'];
      const parent = this.#report.text(derived_from, place, 'the type that it derives from');
      return parent === undefined ? [] : this.chainOf(parent, place, below);
    }
    if (CAPABILITY_TYPES.has(name)) {
      const parent = CAPABILITY_TYPES.get(name);
      return parent === undefined ? [] : this.chainOf(parent, at, below);
    }
    const names = [...this.#names];
    const message = `${show(name)} is not a capability type here${this.#report.near(name, names)}: supported are ${names.join(', ')}`;
    this.#report.add(at, 'unknown_type', message);
    return [];
  }

  /** Those that a node type defines, by name. */
  definitions(given: unknown, at: At): [string, Capability][] {
    return Object.entries(this.#report.record(given, at)).map(([name, value]) => [
      name,
      this.#definition(value, [...at, name]),
    ]);
  }

  #definition(value: unknown, at: At): Capability {
    const report = this.#report;
    const given: Given = typeof value === 'string' ? { type: value } : report.fields(value, at, FIELDS);
    const type = report.text(own(given, 'type'), [...at, 'type'], 'a capability type');
    const sources = report.list(given.valid_source_types, [...at, 'valid_source_types']);
    return {
      chain: type === undefined ? [] : this.chainOf(type, [...at, 'type']),
      sources: sources.map(String),
    };
  }
}

/** Whether a node of this kind may be required by one whose types are `source`. */
export function offers(
  capabilities: ReadonlyMap<string, Capability>,
  required: string,
  source: readonly string[],
): boolean {
  return [...capabilities].some(
    ([name, { chain, sources }]) =>
      (chain.includes(required) || name === required) &&
      (sources.length === 0 || sources.some((one) => source.includes(one))),
  );
}
