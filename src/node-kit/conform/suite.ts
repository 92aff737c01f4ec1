/**
 * Runs the cases against a command that starts a node.
 *
 * 1. Every outcome is in the order of the list, whatever ran beside it.
 * 2. A node goes on to the next case only when it has passed the one before: no failure leads to another.
 * 3. Where no node comes up at all, the first case says so and the others are not run.
 */
import { messageOf } from '../../base/errors.js';
import { type Said, Unmet } from '../conductor.js';
import type { ConformCase, Level } from './case.js';
import { COMMAND_CASES } from './command-cases.js';
import { MINIMAL_CASES } from './minimal-cases.js';
import { REGISTRATION_CASES } from './registration-cases.js';
import { Stage, type StageOptions } from './stage.js';
import { WORK_CASES } from './work-cases.js';

export const CASES: readonly ConformCase[] = [
  ...MINIMAL_CASES,
  ...REGISTRATION_CASES,
  ...COMMAND_CASES,
  ...WORK_CASES,
];

export interface CaseResult {
  readonly id: string;
  readonly level: Level;
  readonly sentence: string;
  readonly outcome: 'passed' | 'failed' | 'not_run';
  readonly ms: number;
  /** Of a failed one: what was expected and did not come. */
  readonly expected?: string;
  /** Of a failed one: what was said. */
  readonly exchange?: readonly Said[];
  /** Of a failed one: the last that the node wrote. */
  readonly written?: string;
}

export interface SuiteOptions extends StageOptions {
  readonly level: Level;
  /** Nodes at a time. @default 8 */
  readonly lanes?: number;
  readonly signal: AbortSignal;
  /** Hears of each outcome as it comes. */
  readonly onResult?: (result: CaseResult) => void;
}

const LANES = 8;

export async function conform(options: SuiteOptions): Promise<readonly CaseResult[]> {
  const cases = CASES.filter(({ level }) => options.level === 'full' || level === 'minimal');
  const results = new Map<ConformCase, CaseResult>();
  const open = new Set<Stage>();
  const give = (one: ConformCase, result: CaseResult) => {
    results.set(one, result);
    options.onResult?.(result);
  };
  const openStage = async (): Promise<Stage> => {
    const stage = await Stage.open(options);
    open.add(stage);
    return stage;
  };
  const closeStage = async (stage: Stage): Promise<void> => {
    open.delete(stage);
    await stage.close();
  };
  const closeAll = () => void Promise.all([...open].map(closeStage));
  options.signal.addEventListener('abort', closeAll, { once: true });

  /** Runs one case; gives the stage for the next one, or nothing when that needs another. */
  const play = async (one: ConformCase, idle: Stage | undefined): Promise<Stage | undefined> => {
    const { id, level, sentence } = one;
    const startedAt = performance.now();
    const ms = () => Math.round(performance.now() - startedAt);
    const fresh = one.needs === 'process' ? undefined : idle;
    const stage = fresh ?? (await openStage());
    try {
      if (fresh === undefined && one.needs !== 'process') await stage.join();
      stage.conductor.clearRecord();
      await one.run(stage);
      give(one, { id, level, sentence, outcome: 'passed', ms: ms() });
      stage.tidy();
      if (one.needs === 'process' || one.spends) await closeStage(stage);
      else return stage;
    } catch (thrown) {
      const expected = thrown instanceof Unmet ? thrown.message : `the case to run: ${messageOf(thrown)}`;
      const [exchange, written] = [[...stage.conductor.record], stage.process.tail];
      give(one, { id, level, sentence, outcome: 'failed', ms: ms(), expected, exchange, written });
      await closeStage(stage);
    }
    return one.needs === 'process' ? idle : undefined;
  };

  try {
    const [first, ...others] = cases;
    await play(first!, undefined);
    const isThere = [...results.values()].every(
      ({ exchange = [], outcome }) => outcome === 'passed' || exchange.some(({ by }) => by === 'node'),
    );
    const waiting = [...others];
    const lane = async (): Promise<void> => {
      let idle: Stage | undefined;
      for (let next = waiting.shift(); next && !options.signal.aborted; next = waiting.shift()) {
        idle = await play(next, idle);
      }
      if (idle) await closeStage(idle);
    };
    if (isThere) await Promise.all(Array.from({ length: options.lanes ?? LANES }, lane));
  } finally {
    options.signal.removeEventListener('abort', closeAll);
    await Promise.all([...open].map(closeStage));
  }
  return cases.map(
    (one) =>
      results.get(one) ?? { id: one.id, level: one.level, sentence: one.sentence, outcome: 'not_run', ms: 0 },
  );
}
