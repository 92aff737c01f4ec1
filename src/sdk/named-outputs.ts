/**
 * The named outputs of one execution: which have been given, and what is wrong with a name.
 *
 * N1. Each name is given once, early by `task.output` or in the object that the handler returns, and all of them are.
 * N2. The one that completes them is kept until the handler has returned: it is the last output, which ends the execution.
 */
import { didYouMean } from '../base/nearest.js';
import type { OutputSpec } from '../model/protocol.js';
import { NonRetryableError } from './errors.js';

export class NamedOutputs {
  readonly #module: string;
  readonly #types: ReadonlyMap<string, string>;
  readonly #given = new Set<string>();

  constructor(module: string, outputs: readonly OutputSpec[]) {
    this.#module = module;
    this.#types = new Map(outputs.map(({ name, type }) => [name, type]));
  }

  /** N2. */
  get isComplete(): boolean {
    return this.#given.size === this.#types.size;
  }

  typeOf(name: string): string {
    return this.#types.get(name)!;
  }

  /** N1. Throws `unknown_output`, `duplicate_output`. */
  give(name: string): void {
    if (!this.#types.has(name)) {
      const near = didYouMean(name, this.#types.keys());
      const message = `${JSON.stringify(name)} is not an output of ${this.#module}${near}: ${this.#known}`;
      throw new NonRetryableError('unknown_output', message);
    }
    if (this.#given.has(name)) {
      const message = `the output ${name} of ${this.#module} was already published`;
      throw new NonRetryableError('duplicate_output', message);
    }
    this.#given.add(name);
  }

  /** The outputs that the handler has returned, in the order of the graph. Throws the errors of `give`, and `bad_output`, `missing_output`. */
  returned(value: unknown): [name: string, value: unknown][] {
    if (value !== undefined && value !== null && !isPlain(value)) {
      const message = `${this.#module} returns an object with its outputs by their names: ${this.#known}`;
      throw new NonRetryableError('bad_output', message);
    }
    const outputs = Object.entries(value ?? {});
    for (const [name] of outputs) this.give(name);
    const missing = [...this.#types.keys()].filter((name) => !this.#given.has(name));
    if (missing.length > 0) {
      const message = `${this.#module} has not published ${missing.join(', ')}: ${this.#known}`;
      throw new NonRetryableError('missing_output', message);
    }
    const order = [...this.#types.keys()];
    return outputs.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  }

  /** The error of `publish`, which has no name. */
  unnamed(): NonRetryableError {
    const message = `the outputs of ${this.#module} have names: give one by task.output(name, value); ${this.#known}`;
    return new NonRetryableError('unknown_output', message);
  }

  get #known(): string {
    return `the graph declares ${[...this.#types.keys()].join(', ')}`;
  }
}

/** The error of `task.output` if the module has only one output. */
export function withoutNames(module: string, name: string): NonRetryableError {
  const message = `${JSON.stringify(name)} is not an output of ${module}, which has one, without a name: return it`;
  return new NonRetryableError('unknown_output', message);
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
