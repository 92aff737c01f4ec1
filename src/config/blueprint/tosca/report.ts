/** The faults of a template, each with its path; and readers that refuse everything that they do not understand. */
import type { Fault } from '../../../base/errors.js';
import { didYouMean } from '../../../base/nearest.js';
import { formatPath, show } from '../../faults.js';
import { isRecord } from '../../yaml/yaml.js';

/** The first part of a place in an imported file; places in the template itself have none. */
export interface InFile {
  /** From the root of the archive, or from the folder of the template. */
  readonly file: string;
}
export type At = readonly (string | number | InFile)[];
export type Given = Readonly<Record<string, unknown>>;

/** A template that has more faults is not read to its end. */
const MAX_FAULTS = 100;
const MAX_SUGGESTIONS = 20;
const MAX_SUGGESTED_CHARACTERS = 60;

/** Thrown once a report is full. */
export class TooManyFaults extends Error {}

export class Report {
  readonly #faults = new Map<string, Fault>();
  #suggestions = 0;

  get faults(): readonly Fault[] {
    return [...this.#faults.values()];
  }

  /** Throws `TooManyFaults` with the last one that it takes. */
  add(at: At, code: string, message: string): void {
    const path = pathOf(at);
    this.#faults.set(`${path}\n${message}`, { path, code, message });
    if (this.#faults.size >= MAX_FAULTS) throw new TooManyFaults();
  }

  /** ` (did you mean x?)`, if one of them is near. Looking for it takes time for each of them, and for each character. */
  near(word: string, known: readonly string[]): string {
    if (this.#suggestions === MAX_SUGGESTIONS || word.length > MAX_SUGGESTED_CHARACTERS) return '';
    this.#suggestions += 1;
    return didYouMean(word, known);
  }

  unsupported(at: At, message: string): void {
    this.add(at, 'unsupported', message);
  }

  /** An object; an empty one if nothing is given, or something else. */
  record(value: unknown, at: At): Given {
    if (isRecord(value)) return value;
    if (value !== undefined && value !== null)
      this.add(at, 'wrong_type', `${show(value)} is not right: give an object`);
    return {};
  }

  /** An object of these fields: every other one is refused. */
  fields(value: unknown, at: At, known: readonly string[]): Given {
    const given = this.record(value, at);
    for (const key of Object.keys(given)) {
      if (known.includes(key)) continue;
      const near = this.near(key, known);
      const message = `${show(key)} is not supported here${near}: supported are ${known.join(', ')}`;
      this.unsupported([...at, key], message);
    }
    return given;
  }

  text(value: unknown, at: At, expected: string): string | undefined {
    if (typeof value === 'string' && value !== '') return value;
    if (value === undefined || value === null)
      this.add(at, 'missing_field', `${pathOf(at)} is missing: give ${expected}`);
    else this.add(at, 'wrong_type', `${show(value)} is not right: give ${expected}`);
    return undefined;
  }

  /** A list; an empty one if nothing is given, or something else. */
  list(value: unknown, at: At): readonly unknown[] {
    if (Array.isArray(value)) return value;
    if (value !== undefined && value !== null)
      this.add(at, 'wrong_type', `${show(value)} is not right: give a list`);
    return [];
  }

  /** Entries of a list of objects with one member each, as TOSCA writes requirements: their order counts. */
  namedList(value: unknown, at: At): (readonly [name: string, value: unknown, at: At])[] {
    return this.list(value, at).flatMap((one, index) =>
      Object.entries(this.record(one, [...at, index])).map(
        ([name, inner]) => [name, inner, [...at, index, name]] as const,
      ),
    );
  }
}

/** `modules/store.yaml#node_types.store`: in an imported file, after its name. */
export function pathOf([first, ...rest]: At): string {
  if (first === undefined) return '';
  if (typeof first === 'object') return `${first.file}#${formatPath(rest as PropertyKey[])}`;
  return formatPath([first, ...(rest as PropertyKey[])]);
}

/** The imported file that a place is in; nothing for the template itself. */
export function fileOf([first]: At): string | undefined {
  return typeof first === 'object' ? first.file : undefined;
}

/** A member of an object that somebody else has written: nothing that every object inherits. */
export function own(given: Given, name: string): unknown {
  return Object.hasOwn(given, name) ? given[name] : undefined;
}
