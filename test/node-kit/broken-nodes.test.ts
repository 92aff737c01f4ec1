/**
 * Every case of the conformance suite finds the fault that it is about, and no other: a node with that fault fails that case only.
 *
 * The faults are laid out as a square, and a node for each row and each (slanted) column has all the faults in it. Each has to fail the cases of
 * its faults and no more. Two faults share a row or a column, never both: would one of them fail the other one's case, too, or not its
 * own, then the node without the other would show it. So a few nodes prove what would else take one for each fault.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CASES, conform } from '../../src/node-kit/conform/suite.js';

const FIXTURE = join(import.meta.dirname, 'broken-node.mjs');
/** Suites mostly wait for what must not come. */
const SUITES_AT_ONCE = 4;
const LANES = 3;

const IDS = CASES.map(({ id }) => id);
const SIDE = Math.ceil(Math.sqrt(IDS.length));
const along = (line: (index: number) => number): readonly (readonly string[])[] =>
  Array.from({ length: SIDE }, (_, number) => IDS.filter((_id, index) => line(index) === number)).filter(
    (ids) => ids.length > 0,
  );
const ROWS = along((index) => Math.floor(index / SIDE));
/** Each a place further in each row: faults that hide each other, such as of heartbeats and of what follows from them, are apart then. */
const COLUMNS = along((index) => (index + Math.floor(index / SIDE)) % SIDE);
const NODES: readonly (readonly string[])[] = [[], ...ROWS, ...COLUMNS];

/** The cases that a node with these faults fails, each with the reason. */
async function failures(faults: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const results = await conform({
    command: [process.execPath, FIXTURE, '--break', ...faults],
    module: 'conform',
    level: 'full',
    patienceMs: 4_000,
    inputs: [
      { name: 'input', type: 'json', value: { kind: 'inline', bytes: Buffer.from('{}') }, previous: false },
    ],
    lanes: LANES,
    signal: new AbortController().signal,
  });
  expect(results.map(({ id }) => id)).toEqual(IDS);
  return new Map(
    results
      .filter(({ outcome }) => outcome !== 'passed')
      .map(({ id, expected, outcome }) => [id, expected ?? outcome]),
  );
}

/** Starts all, so many at a time; gives what is to come. */
function allOf<T>(starts: readonly (() => Promise<T>)[]): readonly Promise<T>[] {
  const lanes: Promise<unknown>[] = Array.from({ length: SUITES_AT_ONCE }, () => Promise.resolve());
  return starts.map((start, index) => {
    const lane = index % SUITES_AT_ONCE;
    const result = lanes[lane]!.then(start);
    lanes[lane] = result.catch(() => {});
    return result;
  });
}

describe('a node that is broken', { timeout: 240_000 }, () => {
  let results: readonly Promise<ReadonlyMap<string, string>>[];

  beforeAll(() => {
    results = allOf(NODES.map((faults) => () => failures(faults)));
    // Each is looked at in its turn.
    for (const result of results) result.catch(() => {});
  });

  it('has each fault in two ways, and no two faults in both', () => {
    for (const id of IDS) {
      const [row, column] = [ROWS, COLUMNS].map((lines) => lines.filter((ids) => ids.includes(id)));
      expect([row?.length, column?.length]).toEqual([1, 1]);
      expect(row![0]!.filter((other) => column![0]!.includes(other))).toEqual([id]);
    }
  });

  it.for(NODES.map((faults, index) => [faults.join(', ') || 'nothing', index] as const))(
    'a node that is broken in %s fails exactly those checks',
    async ([, index]) => {
      const failed = await results[index]!;
      const reasons = [...failed].map(([id, expected]) => `${id}: ${expected}`).join('\n');
      expect([...failed.keys()], reasons).toEqual(NODES[index]);
    },
  );
});
