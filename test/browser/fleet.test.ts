/// <reference lib="dom" />
/** The fleet, and the page's own standing: live, stale, and live again with nothing missing. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { SIX, startNode } from '../support/nodes.js';
import { OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene, type Spawned } from '../support/processes.js';
import { accessibilityFaults, browsing } from './browser.js';

const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
const nodes = new Map<string, Spawned>();

beforeAll(async () => {
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['six'] });
  for (const module of SIX) nodes.set(module, startNode(scene, orchestrator, { module, capacity: 2 }));
});

describe('the fleet', () => {
  it('is live: what each node runs since when, its heartbeat, and its end', async (ctx) => {
    const hold = join(await scene.directory(), 'gate');
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=nodes`);
    await page.getByText('6 of 6 alive').waitFor();
    const row = page.getByRole('row', { name: /^model / });
    const task = await orchestrator.submit('six', { model: { hold } });
    await row.getByText(/^ ?for \d+ s/).waitFor();
    await row.getByText(/^\d s ago$/).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await row.getByRole('link', { name: /^problem / }).click();
    expect(page.url()).toContain(task.problem_id);
    await page.goBack();
    await writeFile(hold, '');
    await row.getByText('nothing of 2').waitFor();
    await nodes.get('footprint')!.end('SIGTERM');
    await page.getByText('5 of 6 alive').waitFor();
    const gone = page.getByRole('row', { name: /^footprint / });
    await page.getByLabel('Hide dead nodes (1)').check();
    await gone.waitFor({ state: 'detached' });
    // This browser remembers it.
    await page.reload();
    await row.waitFor();
    expect(await gone.count()).toBe(0);
    await page.getByLabel('Hide dead nodes (1)').uncheck();
    await gone.waitFor();
    nodes.set('footprint', startNode(scene, orchestrator, { module: 'footprint', capacity: 2 }));
    await page.getByText('6 of 6 alive').waitFor();
    expect(faults).toEqual([]);
  });

  it('takes commands and configurations, and shows the answers and the events of a node', async (ctx) => {
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=nodes`);
    await page.getByRole('link', { name: 'constraints' }).click();
    const panel = page.getByRole('region', { name: 'constraints' });
    await panel.getByText('node.joined').waitFor();
    await panel.getByLabel('Reason').fill('a look inside');
    await panel.getByRole('button', { name: 'Stop' }).click();
    await panel.getByText(/^Stop: acknowledged in \d+ ms/).waitFor();
    await panel.getByText('inactive').first().waitFor();
    await panel.getByText('to be stopped').waitFor();
    await panel
      .getByText(/a look inside/)
      .first()
      .waitFor();
    await panel.getByRole('button', { name: 'Start' }).click();
    await panel.getByText(/^Start: acknowledged in \d+ ms/).waitFor();
    await panel.locator('.facts').getByText('idle').waitFor();

    await panel.getByLabel('Sent to the node unchanged').fill('{"seed": 7}');
    await panel.getByRole('button', { name: 'Configure' }).click();
    await panel.getByText('Accepted. The node answered:').waitFor();
    await panel.locator('pre').getByText('{"seed": 7}').waitFor();
    await panel.getByLabel('Sent to the node unchanged').fill('bad luck');
    await panel.getByRole('button', { name: 'Configure' }).click();
    await panel.getByText('Refused. The node answered:').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    // The page restores this node from its address.
    await page.reload();
    await panel.getByText('command.issued').first().waitFor();
    expect(faults).toEqual([]);
  });
});

describe('the connection', () => {
  it('announces a gap, reads everything again, and goes on', async (ctx) => {
    const { page } = await open(ctx, 'about:blank');
    let say: (frame: unknown) => void = () => {};
    await page.routeWebSocket('**/v1/stream**', (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => server.send(message));
      server.onMessage((message) => socket.send(message));
      say = (frame) => socket.send(JSON.stringify(frame));
    });
    await page.goto(`${orchestrator.ready.http}/`);
    await page.locator('.connection').getByText('live').waitFor();
    const read = page.waitForResponse('**/v1/problems?**');
    say({ type: 'gap', from: 1, to: 2 });
    await page.getByText('Events 1 to 2 are no longer kept. Everything shown was read again.').waitFor();
    await read;
    const title = 'after the gap';
    await orchestrator.submit('six', {}, { title });
    await page
      .locator('.side')
      .getByRole('link', { name: /^after the gap/ })
      .waitFor();
  });

  it('is stale when the orchestrator is killed, and comes back with nothing missing', async (ctx) => {
    const hold = join(await scene.directory(), 'gate');
    const task = await orchestrator.submit('six', { model: { hold } });
    const { page } = await open(ctx, `${orchestrator.ready.http}/?problem=${task.problem_id}&iteration=1`);
    const standing = page.locator('.connection');
    await standing.getByText('live').waitFor();
    await page.locator('.card', { hasText: 'model' }).getByText('running', { exact: true }).waitFor();
    await orchestrator.process.end('SIGKILL');
    await standing.getByText('stale').waitFor();
    await page.getByText(/This page shows the state as of/).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await orchestrator.restart();
    await writeFile(hold, '');
    await standing.getByText('live').waitFor();
    await page.getByText('6 of 6 modules').waitFor();
    await page.getByText(/This page shows the state as of/).waitFor({ state: 'detached' });
    const { items } = (await orchestrator.get(`${pathOf(task.task_id)}/events?limit=1000`)).body;
    await page.getByText(`${items.length} of ${items.length} events`).waitFor();
  });
});

describe('the keyboard alone', () => {
  it('leads from a submission to a comparison', async (ctx) => {
    const { page, faults } = await open(ctx, orchestrator.ready.http);
    const keys = page.keyboard;
    /** Goes on to it as a person does: nothing is clicked or focused by the test. */
    const tabTo = async (target: Locator): Promise<void> => {
      await target.first().waitFor();
      const isFocused = (): Promise<boolean> =>
        target.first().evaluate((element) => element === document.activeElement);
      for (let presses = 0; presses < 150; presses += 1) {
        if (await isFocused()) return;
        await keys.press('Tab');
      }
      throw new Error(`Tab does not lead to ${target}`);
    };
    await page.getByRole('link', { name: 'New problem' }).waitFor();
    await keys.press('n');
    await tabTo(page.locator('.form').getByLabel('Graph'));
    await keys.type('six');
    await tabTo(page.getByLabel('Input, as JSON'));
    await keys.press('ControlOrMeta+a');
    await keys.insertText('{ "name": "a" }');
    await tabTo(page.getByRole('button', { name: 'Submit' }));
    await keys.press('Enter');
    await page.getByText('6 of 6 modules').waitFor();

    await tabTo(page.getByRole('button', { name: 'Iterate', exact: true }));
    await keys.press('Enter');
    await tabTo(page.getByLabel('Input, as JSON'));
    await keys.press('ControlOrMeta+a');
    await keys.insertText('{ "name": "b" }');
    await tabTo(page.getByRole('button', { name: 'Iterate', exact: true }).last());
    await keys.press('Enter');
    await page.getByText('iteration 2 from 1').waitFor();

    await tabTo(page.getByRole('link', { name: 'Table, charts and comparison' }));
    await keys.press('Enter');
    for (const iteration of [1, 2]) {
      await tabTo(page.getByLabel(`Compare iteration ${iteration}`));
      await keys.press('Space');
    }
    await tabTo(page.getByRole('button', { name: 'Compare 2' }));
    await keys.press('Enter');
    await page.getByRole('row', { name: 'name a b' }).first().waitFor();
    expect(faults).toEqual([]);
  });
});
