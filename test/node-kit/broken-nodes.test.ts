/** Every case of the conformance suite finds the fault that it is about: a node with just that fault fails just that case. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CASES, conform } from '../../src/cli/node-kit/conform/suite.js';

const FIXTURE = join(import.meta.dirname, 'broken-node.mjs');

async function failures(args: readonly string[]): Promise<readonly string[]> {
  const results = await conform({
    command: [process.execPath, FIXTURE, ...args],
    module: 'conform',
    level: 'full',
    patienceMs: 4_000,
    inputs: [
      { name: 'input', type: 'json', value: { kind: 'inline', bytes: Buffer.from('{}') }, previous: false },
    ],
    lanes: 3,
    signal: new AbortController().signal,
  });
  return results
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ id, expected }) => `${id}: ${expected}`);
}

describe.concurrent('a node that is broken in one way', () => {
  it.for(CASES.map(({ id }) => id))('fails %s, and nothing else', { timeout: 120_000 }, async (id) => {
    const failed = await failures(['--break', id]);
    expect(
      failed.map((line) => line.split(':')[0]),
      failed.join('\n'),
    ).toEqual([id]);
  });

  it('would be whole without its fault', { timeout: 120_000 }, async () => {
    expect(await failures([])).toEqual([]);
  });
});
