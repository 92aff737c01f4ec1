/** Relationship types: three of the profile, and those of the file that derive from them without adding anything. */
import { show } from '../../faults.js';
import { fullName, RELATIONS, type Relation } from './profile.js';
import type { At, Report } from './report.js';
import type { Definitions } from './templates.js';

const PREFIX = 'tosca.relationships.';
const FIELDS = ['derived_from', 'version', 'description', 'metadata', 'valid_target_types'];
const PROFILE: ReadonlyMap<string, Relation> = new Map(RELATIONS.map((one) => [PREFIX + one, one]));

export interface Relationship {
  readonly relation: Relation;
  /** Types of capabilities, or of nodes, that may be its target; any, if there are none. */
  readonly targets: readonly string[];
}

const ANY: Relationship = { relation: 'DependsOn', targets: [] };

export class Relationships {
  readonly #given: Definitions;
  readonly #names: ReadonlySet<string>;
  readonly #report: Report;

  /** `given`: the `relationship_types` of all files, all of which are read. */
  constructor(given: Definitions, report: Report) {
    this.#given = given;
    this.#names = new Set([...PROFILE.keys(), ...given.keys()]);
    this.#report = report;
    for (const [name, { at }] of given) {
      if (PROFILE.has(name))
        report.add(at, 'name_taken', `${name} is a type of the profile: give another name`);
      else this.#named(name, at, []);
    }
  }

  /** `given`: a type, as a text or as `{type}`; a `DependsOn` if it is wrong. */
  of(given: unknown, at: At): Relationship {
    const isText = typeof given === 'string';
    const { type } = isText ? { type: given } : this.#report.fields(given, at, ['type']);
    const name = this.#report.text(type, isText ? at : [...at, 'type'], 'a relationship type');
    return name === undefined ? ANY : this.#named(name, at, []);
  }

  #named(name: string, at: At, below: readonly string[]): Relationship {
    const full = fullName('relationship', name, this.#names);
    const relation = PROFILE.get(full);
    if (relation !== undefined) return { relation, targets: [] };
    if (below.includes(full)) {
      this.#report.add(at, 'cycle', `${[...below, full].join(', ')} derive from each other in a circle`);
      return ANY;
    }
    const given = this.#given.get(full);
    if (given === undefined) {
      const names = [...this.#names];
      const message = `${show(name)} is not a relationship type here${this.#report.near(name, names)}: supported are ${names.join(', ')}`;
      this.#report.add(at, 'unknown_type', message);
      return ANY;
    }
    const { derived_from, valid_target_types } = this.#report.fields(given.value, given.at, FIELDS);
    const place = [...given.at, 'derived_from'];
    const parent = this.#report.text(derived_from, place, 'the type that it derives from');
    if (parent === undefined) return ANY;
    const from = this.#named(parent, place, [...below, full]);
    const targets = this.#report.list(valid_target_types, [...given.at, 'valid_target_types']).map(String);
    return { relation: from.relation, targets: targets.length > 0 ? targets : from.targets };
  }
}
