/** Numbers that a module told as it went on: its metrics, and partial outputs with numbers in them. */
import { entriesOf } from '../../../../src/base/json/exact.js';
import { plainOf } from '../../../../src/base/json/json-text.js';
import { countWhile } from '../task/halving.js';

export interface Curve {
  readonly name: string;
  /** Rising. */
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

const OWN_FIELDS = new Set(['stream', 'step']);

/** Whether a line of the log is numbers of a step. */
export function isMetrics({ fields }: { readonly fields: Readonly<Record<string, unknown>> }): boolean {
  return fields.stream === 'metrics';
}

/**
 * The curves of a module, which grow as it tells more.
 *
 * Of two numbers for one step the later counts. As long as steps only rise, a curve at a moment is the beginning of its numbers.
 */
export class Curves {
  readonly #tracks = new Map<string, CurveTrack>();

  /** One that is numbers of a step. */
  takeLine({
    seq,
    fields,
  }: {
    readonly seq: number;
    readonly fields: Readonly<Record<string, unknown>>;
  }): void {
    const step = Number(fields.step);
    if (!Number.isFinite(step)) return;
    for (const [name, value] of Object.entries(fields))
      if (!OWN_FIELDS.has(name)) this.#add(name, { seq, step, value: Number(value) });
  }

  /** The last one is not a curve's: it is the result. */
  takeOutput(recorded: {
    readonly seq: number;
    readonly output_seq: number;
    readonly output: unknown;
    readonly last: boolean;
  }): void {
    const { seq, output_seq: step, output, last } = recorded;
    if (last) return;
    const plain = plainOf(output);
    if (typeof plain === 'number') this.#add('output', { seq, step, value: plain });
    else if (typeof plain === 'object' && plain !== null && !Array.isArray(plain)) {
      for (const [name, part] of entriesOf(output as object)) {
        const value = plainOf(part);
        if (typeof value === 'number') this.#add(name, { seq, step, value });
      }
    }
  }

  /** Those that had begun with the event `seq`, in the order in which they began. */
  at(seq: number): readonly Curve[] {
    return [...this.#tracks].flatMap(([name, track]) => track.at(name, seq) ?? []);
  }

  #add(name: string, point: Point): void {
    const track = this.#tracks.get(name) ?? new CurveTrack();
    this.#tracks.set(name, track);
    track.add(point);
  }
}

interface Point {
  readonly seq: number;
  readonly step: number;
  readonly value: number;
}

class CurveTrack {
  readonly #seqs: number[] = [];
  readonly #steps: number[] = [];
  readonly #values: number[] = [];
  #isRising = true;
  /** The one that was asked for last: where nothing is added, nothing is drawn again. */
  #shown: { readonly count: number; readonly curve: Curve } | undefined;

  add({ seq, step, value }: Point): void {
    if (step <= (this.#steps.at(-1) ?? Number.NEGATIVE_INFINITY)) this.#isRising = false;
    this.#seqs.push(seq);
    this.#steps.push(step);
    this.#values.push(value);
  }

  at(name: string, seq: number): Curve | undefined {
    const count = countWhile(this.#seqs, (each) => each <= seq);
    if (count === 0) return undefined;
    if (this.#shown?.count !== count) this.#shown = { count, curve: this.#of(name, count) };
    return this.#shown.curve;
  }

  #of(name: string, count: number): Curve {
    if (this.#isRising) return { name, x: this.#steps.slice(0, count), y: this.#values.slice(0, count) };
    const values = new Map<number, number>();
    for (let at = 0; at < count; at += 1) values.set(this.#steps[at]!, this.#values[at]!);
    const x = [...values.keys()].sort((a, b) => a - b);
    return { name, x, y: x.map((step) => values.get(step)!) };
  }
}

/** As an average that forgets: each number counts `weight` less than the next. 0 leaves all as it is. */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  let average: number | undefined;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    average = average === undefined ? value : average * weight + value * (1 - weight);
    return average;
  });
}
