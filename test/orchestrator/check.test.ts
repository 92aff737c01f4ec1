import { beforeEach, describe, expect, it } from 'vitest';
import { checkStore, type StoreFault } from '../../src/orchestrator/check.js';
import { decodeRow, EMPTY, encodeRow } from '../../src/orchestrator/records.js';
import type { Summary } from '../../src/orchestrator/summary.js';
import type { Table } from '../../src/store/store.js';
import { Core, graphOf, moduleSpec } from './core.js';

let core: Core;

/** One task that has succeeded, with an output that is indexed. */
beforeEach(async () => {
  core = await Core.open([{ ...graphOf('checked', moduleSpec('a', ['source'])), index: ['a.seq'] }]);
  const peer = core.peer('a');
  await peer.join();
  const turned = await core.turn(core.submits('checked'));
  const [order] = turned.only(peer.route, 'assign order');
  await peer.report(order!, 'ACCEPTED');
  await peer.publish(order!, 1);
});

async function faults(): Promise<readonly StoreFault[]> {
  return (await checkStore(core.store)).faults;
}

async function change(table: Table, changed: (summary: Summary) => Uint8Array): Promise<void> {
  const [entry] = await core.store.range(table, { prefix: [] });
  const value = changed(decodeRow<Summary>(entry!.value));
  await core.store.commit(core.epoch, [{ op: 'put', table, key: entry!.key, value }]);
}

it('finds a problem that is listed, and is not there', async () => {
  const [entry] = await core.store.range('problems_by_state', { prefix: [] });
  const key = [entry!.key[0]!, 4711];
  await core.store.commit(core.epoch, [{ op: 'put', table: 'problems_by_state', key, value: entry!.value }]);
  expect(await faults()).toEqual([
    { where: 'problems_by_state succeeded', what: 'names 4711, which is not there' },
  ]);
});

it('finds an output that is another than the one that was recorded', async () => {
  const entries = await core.store.range('payloads', { prefix: [] });
  const { key } = entries.find((entry) => entry.key[3] === 1)!;
  const value = Buffer.from('{"seq":2}');
  await core.store.commit(core.epoch, [{ op: 'put', table: 'payloads', key, value }]);
  expect(await faults()).toMatchObject([
    { what: expect.stringMatching(/^has output 1 of .*, and recorded/) },
  ]);
});

describe.each(['problems_by_state', 'iteration_index'] as const)('the summaries in %s', (table) => {
  it('are those of their iterations', async () => {
    expect(await faults()).toEqual([]);
    await change(table, (summary) => encodeRow({ ...summary, state: 'failed' }));
    expect(await faults()).toMatchObject([{ what: 'is listed with a summary that is not its own' }]);
    await change(table, () => Buffer.from('{'));
    expect(await faults()).toMatchObject([{ what: 'is listed with a summary that is not its own' }]);
  });

  it('may be missing in a store that is older than them', async () => {
    await change(table, () => EMPTY);
    expect(await faults()).toEqual([]);
  });
});
