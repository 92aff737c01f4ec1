/**
 * Coverage-guided fuzzing with what Node.js brings: V8 says which blocks of the sources an input was the first to reach, and such an input is
 * kept and mutated on. Seeded: the same seed tries the same inputs, as long as the sources are the same.
 */
import { type Profiler, Session } from 'node:inspector/promises';
import { mangled } from '../support/attack-frames.js';
import type { Random } from '../support/random.js';

/** Something that reads what others send. */
export interface FuzzTarget {
  /** Inputs that get far to begin with. */
  readonly corpus: readonly Buffer[];
  /** The URLs of the sources whose blocks count. */
  readonly sources: RegExp;
  /** Longer inputs only take longer. */
  readonly maxBytes: number;
  /** Parts of which inputs of this kind consist; none where inputs are not texts. */
  readonly words?: readonly string[];
  /** Throws where a promise is broken. */
  tryOne(input: Buffer): void | Promise<void>;
  /** Throws where something was harmed by what was tried. */
  conclude(): Promise<void>;
}

export interface GuidedOptions {
  readonly random: Random;
  readonly target: FuzzTarget;
  /** How long. */
  readonly ms: number;
  /** Decides about an input that breaks a promise. @default it ends the run */
  readonly onBroken?: (input: Buffer, thrown: unknown) => void;
  /** Before and after each input. */
  readonly onInput?: (input: Buffer) => void;
  readonly onDone?: (inputs: number) => void;
}

export interface GuidedReport {
  readonly inputs: number;
  /** Blocks reached by the corpus, and by the end. */
  readonly blocks: readonly [first: number, last: number];
  readonly corpus: number;
}

/** To ask V8 takes longer than most inputs do: of so many, all are kept when one of them gets further. */
const BATCH = 5;

export async function fuzzGuided(options: GuidedOptions): Promise<GuidedReport> {
  const { random, target, ms } = options;
  const coverage = await Coverage.start(target.sources);
  const kept: Buffer[] = [];
  const batch: Buffer[] = [];
  let inputs = 0;
  const tryOne = async (input: Buffer): Promise<void> => {
    options.onInput?.(input);
    try {
      await target.tryOne(input);
    } catch (thrown) {
      if (options.onBroken === undefined)
        throw new Error(`this input breaks it: ${input.toString('base64')}`, { cause: thrown });
      options.onBroken(input, thrown);
    }
    inputs += 1;
    options.onDone?.(inputs);
    batch.push(input);
    if (batch.length === BATCH || inputs <= target.corpus.length) {
      if (await coverage.hasGrown()) kept.push(...batch);
      batch.length = 0;
    }
  };
  try {
    const end = performance.now() + ms;
    for (const input of target.corpus) await tryOne(input);
    kept.push(...target.corpus);
    const first = coverage.blocks;
    while (performance.now() < end) {
      let input = random.pick(kept);
      for (let changes = random.whole(1, 4); changes > 0; changes -= 1)
        input = changed(random, input, target);
      if (random.chance(0.1)) input = Buffer.concat([input, random.pick(kept)]);
      await tryOne(input.subarray(0, target.maxBytes));
    }
    return { inputs, blocks: [first, coverage.blocks], corpus: kept.length };
  } finally {
    await coverage.stop();
  }
}

/**
 * The functions and blocks of some sources that have run. V8 names the blocks of a function that have not run since it was asked before; a
 * block that was among them once and is no longer has been reached.
 */
class Coverage {
  readonly #session: Session;
  readonly #sources: RegExp;
  readonly #missed = new Map<string, Set<string>>();
  readonly #reached = new Set<string>();

  private constructor(session: Session, sources: RegExp) {
    this.#session = session;
    this.#sources = sources;
  }

  static async start(sources: RegExp): Promise<Coverage> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    // Without counts, V8 leaves out a function of which every block has run: just what is to be noticed.
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return new Coverage(session, sources);
  }

  get blocks(): number {
    return this.#reached.size;
  }

  async hasGrown(): Promise<boolean> {
    const before = this.#reached.size;
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    for (const { url, functions } of result) {
      if (!this.#sources.test(url)) continue;
      for (const { ranges } of functions) this.#note(url, ranges);
    }
    return this.#reached.size > before;
  }

  async stop(): Promise<void> {
    await this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** The first range is the function's own. */
  #note(url: string, [own, ...blocks]: readonly Profiler.CoverageRange[]): void {
    if (own === undefined || own.count === 0) return;
    const name = `${url} ${own.startOffset}`;
    const missed = this.#missed.get(name) ?? new Set();
    this.#missed.set(name, missed);
    this.#reached.add(name);
    const now = blocks.filter(({ count }) => count === 0);
    for (const block of missed) {
      const [start, end] = block.split('-').map(Number) as [number, number];
      const isMissed = now.some(({ startOffset, endOffset }) => startOffset <= start && endOffset >= end);
      if (!isMissed) this.#reached.add(`${name} ${block}`);
    }
    for (const { startOffset, endOffset } of now) missed.add(`${startOffset}-${endOffset}`);
  }
}

function changed(random: Random, input: Buffer, { words, maxBytes }: FuzzTarget): Buffer {
  if (words === undefined || random.chance(0.3)) return mangled(random, input);
  const at = random.whole(0, input.length);
  const to = random.whole(at, Math.min(input.length, at + 40));
  const [before, part, after] = [input.subarray(0, at), input.subarray(at, to), input.subarray(to)];
  switch (random.weighted({ insert: 5, replace: 4, remove: 2, repeat: 2, nest: 1 })) {
    case 'insert':
      return Buffer.concat([before, Buffer.from(random.pick(words)), part, after]);
    case 'replace':
      return Buffer.concat([before, Buffer.from(random.pick(words)), after]);
    case 'remove':
      return Buffer.concat([before, after]);
    case 'repeat':
    case 'nest': {
      // As far as it may go: what is small by itself shows only then.
      const unit = part.length > 0 && random.chance(0.5) ? part : Buffer.from(random.pick(words));
      const most = random.chance(0.1) ? maxBytes : 500;
      return Buffer.concat([before, Buffer.alloc(random.whole(1, most), unit), part, after]);
    }
  }
}
