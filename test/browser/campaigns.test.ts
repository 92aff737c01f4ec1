/// <reference lib="dom" />
/** Campaigns in the page: a person watches one, steps, pauses, compares and ends it, with a real node. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Json, OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing, eventually } from './browser.js';

const MEASURER = join(import.meta.dirname, '../e2e/nodes/measurer.mjs');
const OBJECTIVE = { field: 'measure.loss', goal: 'min' };
/** A folder for pictures of the page, where somebody wants to look at them. */
const PICTURES = process.env.TUTTI_TEST_PICTURES;

const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let go: string;

beforeAll(async () => {
  const folder = await scene.directory();
  go = join(folder, 'go');
  await writeFile(join(folder, 'journal'), '');
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['sweep'] });
  scene.spawn([MEASURER], {
    ...{ TUTTI_CONTROL: orchestrator.ready.control, MEASURER_JOURNAL: join(folder, 'journal') },
    MEASURER_HOLD: go,
  });
});

async function run(name: string, policy: Json, input: Json = {}, more: Json = {}): Promise<string> {
  const asked = { name, graph: 'sweep', input, policy, ...more };
  const { status, body } = await orchestrator.post('/v1/campaigns', asked);
  expect([status, body.error]).toEqual([202, undefined]);
  return String(body.campaign_id);
}

const at = (id?: string): string =>
  `${orchestrator.ready.http}/?page=campaigns${id === undefined ? '' : `&problem=${id}`}`;

describe('the page of campaigns', () => {
  it('says how to have the first one, and lists those that there are', async (ctx) => {
    const { page, faults } = await open(ctx, at(), { viewport: { width: 1440, height: 900 } });
    await page.getByText('tutti campaign run rates.yaml --wait').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await run('learning rates', { propose: { grid: { '/x': [1, 2, 3] } }, objective: OBJECTIVE });
    const row = page.getByRole('row', { name: /^learning rates/ });
    await row.getByText('completed').waitFor();
    await row.getByText('3 of 3').waitFor();
    await row.getByText('all iterations have begun').waitFor();
    expect(faults).toEqual([]);
    await row.getByRole('link', { name: 'learning rates' }).click();
    await page.getByRole('heading', { name: 'learning rates' }).waitFor();
  });

  it('shows the objective, the best point, and what varies beside it', async (ctx) => {
    const random = { '/x': { min: 0, max: 6 }, '/model/layers': [1, 2, 3] };
    const policy = { propose: { random, seed: 3 }, max_iterations: 40, objective: OBJECTIVE };
    const id = await run('random points', policy);
    const { page, faults } = await open(ctx, at(id), { viewport: { width: 1440, height: 900 } });
    await page.getByText('40 of 40 iterations').waitFor();
    await page.getByRole('img', { name: /^measure\.loss over 40 iterations/ }).waitFor();
    await page.getByText('best so far').waitFor();
    const { best } = (await orchestrator.get(`/v1/campaigns/${id}`)).body;
    await page.getByText(`x = ${best.input.x}`).waitFor();
    await page.getByRole('link', { name: `iteration ${best.iteration_id}`, exact: true }).waitFor();
    for (const heading of ['input', 'measure'])
      await page
        .getByRole('columnheader', { name: new RegExp(heading) })
        .first()
        .waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    if (PICTURES) await page.screenshot({ path: join(PICTURES, 'campaign.png') });
    await page.getByRole('button', { name: 'Charts' }).click();
    await page.getByText('against', { exact: true }).waitFor();
    if (PICTURES) await page.screenshot({ path: join(PICTURES, 'campaign-charts.png'), fullPage: true });
    await page.getByRole('button', { name: 'Table' }).click();
    await page
      .getByRole('checkbox', { name: /Compare.* 1$|1$/ })
      .first()
      .check();
    await page.getByRole('checkbox', { name: /2$/ }).first().check();
    await page.getByRole('button', { name: 'Compare 2' }).click();
    await page.getByText('input').first().waitFor();
    expect(faults).toEqual([]);
    // The page of its problem leads back to it.
    await page.goto(`${orchestrator.ready.http}/?page=iterations&problem=${id}`);
    await page.getByRole('link', { name: 'Campaign', exact: true }).click();
    await page.getByRole('heading', { name: 'random points' }).waitFor();
  });

  it('lets a person step, pause, resume and finish, and refuses in words what is too late', async (ctx) => {
    const policy = { mode: 'interactive', propose: { repeat: true }, max_iterations: 5 };
    const id = await run('by hand', policy, { x: 1, waits: true });
    await rm(go, { force: true });
    const { page } = await open(ctx, at(id), { viewport: { width: 390, height: 844 } });
    await page.getByText('iteration 1 waits for a step').waitFor();
    await page.getByRole('button', { name: 'Step' }).click();
    await page.getByText('iteration 1 runs').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('running, paused').waitFor();
    expect(await page.getByRole('button', { name: 'Step' }).count()).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    if (PICTURES) await page.screenshot({ path: join(PICTURES, 'campaign-phone.png'), fullPage: true });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(390);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Step' }).waitFor();
    await writeFile(go, '');
    await page.getByText('iteration 2 waits for a step').waitFor();
    // It ends while the question is open.
    await page.getByRole('button', { name: 'Finish …' }).click();
    await page.getByRole('button', { name: 'Finish', exact: true }).click();
    await page.getByText('a person has finished it').waitFor();
    await page.getByText('completed', { exact: true }).waitFor();
    await eventually(async () =>
      expect(await page.getByRole('button', { name: /Step|Pause|Abort/ }).count()).toBe(0),
    );
  });

  it('stops what runs where a person aborts, and says why one is errored', async (ctx) => {
    await rm(go, { force: true });
    const id = await run('too long', { propose: { repeat: true }, max_iterations: 2 }, { waits: true });
    const { page } = await open(ctx, at(id), { viewport: { width: 1440, height: 900 } });
    await page.getByText('iteration 1 runs').first().waitFor();
    await page.getByRole('button', { name: 'Abort …' }).click();
    await page.getByText('The iterations under way are stopped.').waitFor();
    await page.getByRole('button', { name: 'Abort', exact: true }).click();
    await page.locator('#stage').getByText('aborted', { exact: true }).waitFor();
    await writeFile(go, '');
    const policy = { propose: { module: 'sweep.measure' }, max_iterations: 2 };
    await page.goto(at(await run('bad proposals', policy)));
    await page.locator('#stage').getByText('errored', { exact: true }).waitFor();
    await page
      .getByRole('alert')
      .getByText(/propos/)
      .waitFor();
  });
});
