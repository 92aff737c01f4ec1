/**
 * Coverage-guided fuzzing with what Node.js brings: V8 says which blocks of the sources an input was the first to reach, and such an input is
 * kept and mutated on. Seeded: the same seed tries the same inputs, as long as the sources are the same.
 */
import { Session } from 'node:inspector/promises';
import type { Random } from '../chaos/random.js';
import { mangled } from '../support/attack-frames.js';

export interface GuidedOptions {
  readonly random: Random;
  /** Inputs that get far to begin with. */
  readonly corpus: readonly Buffer[];
  /** How long. */
  readonly ms: number;
  /** Part of the URLs of the sources whose blocks count. */
  readonly sources: string;
  /** Throws where a promise is broken. */
  readonly target: (input: Buffer) => void | Promise<void>;
}

export interface GuidedReport {
  readonly inputs: number;
  /** Blocks reached by the corpus, and by the end. */
  readonly blocks: readonly [first: number, last: number];
  readonly corpus: number;
}

/** Longer inputs only take longer. */
const INPUT_BYTES = 4096;

export async function fuzzGuided({
  random,
  corpus,
  ms,
  sources,
  target,
}: GuidedOptions): Promise<GuidedReport> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  // Binary coverage: what was reported once is not reported again.
  await session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
  const seen = new Set<string>();
  const reachedAnew = async (): Promise<boolean> => {
    const before = seen.size;
    const { result } = await session.post('Profiler.takePreciseCoverage');
    for (const { url, functions } of result) {
      if (!url.includes(sources)) continue;
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) seen.add(`${url} ${startOffset} ${endOffset}`);
    }
    return seen.size > before;
  };
  const kept: Buffer[] = [];
  const tryOne = async (input: Buffer): Promise<void> => {
    try {
      await target(input);
    } catch (thrown) {
      throw new Error(`this input breaks it: ${input.toString('base64')}`, { cause: thrown });
    }
    if (await reachedAnew()) kept.push(input);
  };
  try {
    for (const input of corpus) await tryOne(input);
    kept.push(...corpus);
    const first = seen.size;
    const end = performance.now() + ms;
    let inputs = corpus.length;
    for (; performance.now() < end; inputs += 1) {
      let input = random.pick(kept);
      for (let changes = random.whole(1, 4); changes > 0; changes -= 1) input = mangled(random, input);
      if (random.chance(0.1)) input = Buffer.concat([input, random.pick(kept)]);
      await tryOne(input.subarray(0, INPUT_BYTES));
    }
    return { inputs, blocks: [first, seen.size], corpus: kept.length };
  } finally {
    await session.post('Profiler.stopPreciseCoverage');
    session.disconnect();
  }
}
