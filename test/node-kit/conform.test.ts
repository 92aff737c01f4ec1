/** The nodes that this project brings keep the protocol. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Level } from '../../src/node-kit/conform/case.js';
import { CASES, conform } from '../../src/node-kit/conform/suite.js';
import { missing, python, root } from '../python/python.js';

const inPython = ['env', `PYTHONPATH=${join(root, 'python/src')}`, 'PYTHONDONTWRITEBYTECODE=1', python];

/** What a node fails, with the reasons. */
async function failures(level: Level, command: readonly string[]): Promise<readonly string[]> {
  const results = await conform({
    ...{ command, level, module: 'conform', patienceMs: 8_000, lanes: 3 },
    inputs: [
      { name: 'input', type: 'json', value: { kind: 'inline', bytes: Buffer.from('{}') }, previous: false },
    ],
    signal: new AbortController().signal,
  });
  expect(results).toHaveLength(CASES.filter((one) => level === 'full' || one.level === level).length);
  return results
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ id, expected }) => `${id}: ${expected}`);
}

describe.concurrent('the conformance suite', { timeout: 120_000 }, () => {
  it('is passed in full by the node with the TypeScript SDK', async () => {
    const command = [process.execPath, join(root, 'dist/nodes/examples/conform-node.js')];
    expect(await failures('full', command)).toEqual([]);
  });

  it('is passed in full by the node with the Python SDK', async (ctx) => {
    const tool = missing('zmq', 'google.protobuf');
    ctx.skip(tool !== undefined, tool);
    const command = [...inPython, join(root, 'nodes/examples/conform_node.py')];
    expect(await failures('full', command)).toEqual([]);
  });

  it('is passed at the level minimal by the node in plain Python', async (ctx) => {
    const tool = missing('zmq');
    ctx.skip(tool !== undefined, tool);
    expect(await failures('minimal', [python, join(root, 'nodes/examples/minimal_node.py')])).toEqual([]);
  });

  it('says why where no node comes up at all, and runs nothing else', async () => {
    const results = await conform({
      ...{ command: [process.execPath, '-e', ''], level: 'minimal', module: 'conform', patienceMs: 1_000 },
      inputs: [],
      signal: new AbortController().signal,
    });
    expect(results[0]).toMatchObject({
      outcome: 'failed',
      expected: expect.stringContaining('it ended with 0'),
    });
    expect(new Set(results.slice(1).map(({ outcome }) => outcome))).toEqual(new Set(['not_run']));
  });
});
