/**
 * Fields that a filter or an order names and that nothing has, as far as was looked: a type may be any JSON, so no graph says that
 * `train.los` is a slip of the pen. A search that came to its end says so, with the name that was probably meant.
 */
import { didYouMean } from '../../base/nearest.js';
import type { Field } from './filter/fields.js';

/** So many payloads are read in order to find out what was meant. */
const LOOKS = 3;

export class Unseen {
  readonly #names = new Map<string, string>();
  readonly #seen = new Set<string>();
  #looks = 0;

  /** `look` gives the whole input or output that the field would be in; it is asked once a field, where that may help. */
  async note(name: string, field: Field, value: unknown, look: () => Promise<unknown>): Promise<void> {
    if ((field.kind !== 'input' && field.kind !== 'output') || this.#seen.has(name)) return;
    if (value !== undefined) {
      this.#seen.add(name);
      this.#names.delete(name);
    } else if (!this.#names.get(name)) {
      this.#looks += 1;
      this.#names.set(name, this.#looks > LOOKS ? '' : nearby(field.path, await look()));
    }
  }

  /** Nothing where every field that was looked for was found somewhere. */
  hint(): string | undefined {
    if (this.#names.size === 0) return undefined;
    const named = [...this.#names].map(([name, near]) => `${name}${near}`);
    return `none of the examined iterations has ${named.join(', nor ')}`;
  }
}

function nearby(path: readonly string[], whole: unknown): string {
  let inner = whole;
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null) return '';
    if (!Object.hasOwn(inner, step)) return didYouMean(step, Object.keys(inner));
    inner = (inner as Record<string, unknown>)[step];
  }
  return '';
}
