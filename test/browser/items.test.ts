/// <reference lib="dom" />
/** Ten thousand items of a map in the page: how all of them stand, live and back in time, and each of them by itself. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { OrchestratorProcess, pathOf, type Submitted } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing } from './browser.js';

const ITEMS = 10_000;
/** Those that wait for a file, in the middle. */
const [HELD, FREE] = [6000, 6100];
/** A page of a short list has hardly fewer: only the rows in sight are drawn. */
const MOST_ELEMENTS = 1500;
/** Idle, it takes a sixth of that: the machine is shared with the processes that the page waits for. */
const FIRST_VIEW_MS = 10_000;
/** Of half of the frames while the list is scrolled; idle, they take 17. */
const FRAME_MS = 50;

const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let task: Submitted;
let gate: string;

beforeAll(async () => {
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['items'] });
  scene.spawn([join(import.meta.dirname, 'nodes/items.mjs')], {
    TUTTI_CONTROL: orchestrator.ready.control,
  });
  gate = join(await scene.directory(), 'gate');
  const list = Array.from({ length: ITEMS }, (_, n) => ({
    n,
    ...(n === 507 && { fails: 1, partials: 1, says: 'trying' }),
    ...(n >= HELD && n < FREE && { hold: gate }),
  }));
  task = await orchestrator.submit('items', list, { title: 'ten thousand' });
}, 120_000);

const at = (of: Submitted, more = ''): string =>
  `${orchestrator.ready.http}/?problem=${of.problem_id}&iteration=${of.iteration_id}&module=each${more}`;
const strip = (page: Page, label: RegExp | string) => page.getByRole('img', { name: label });
const elements = (page: Page): Promise<number> => page.evaluate(() => document.querySelectorAll('*').length);

/** How long the frames take while the list is scrolled from its beginning to its end, and the most elements meanwhile. */
function scrolled(page: Page): Promise<{ readonly frames: number[]; readonly most: number }> {
  return page.locator('.item-scroller').evaluate(async (box) => {
    const frames: number[] = [];
    let [most, last] = [0, performance.now()];
    const steps = 120;
    for (let step = 1; step <= steps; step += 1) {
      box.scrollTop = (box.scrollHeight * step) / steps;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      frames.push(now - last);
      last = now;
      most = Math.max(most, document.querySelectorAll('*').length);
    }
    return { frames, most };
  });
}

describe('a map of ten thousand items', () => {
  it('is there soon, draws only what is in sight, and scrolls smoothly', async (ctx) => {
    await expect
      .poll(async () => (await orchestrator.task(task.task_id)).modules.each.items, { timeout: 60_000 })
      .toMatchObject({ done: HELD, running: FREE - HELD, retrying: 0 });
    const began = performance.now();
    const { page, faults } = await open(ctx, at(task), { viewport: { width: 1440, height: 900 } });
    await strip(page, /100 running, 3,900 waiting, 6,000 succeeded/).waitFor();
    await page.locator('.item-row .item-time').first().filter({ hasText: /ms|s/ }).waitFor();
    const firstView = performance.now() - began;
    const { frames, most } = await scrolled(page);
    await page.locator('.item-row', { hasText: '9999' }).waitFor();
    frames.sort((a, b) => a - b);
    const [median, slow] = [0.5, 0.95].map((part) => frames[Math.floor(frames.length * part)] ?? 0);
    ctx.annotate(
      `first view ${firstView.toFixed()} ms; frames: median ${median?.toFixed()} ms, 19 of 20 within ${slow?.toFixed()} ms; at most ${most} elements`,
    );
    expect(firstView).toBeLessThan(FIRST_VIEW_MS);
    expect(median).toBeLessThan(FRAME_MS);
    expect(most).toBeLessThan(MOST_ELEMENTS);
    expect(faults).toEqual([]);
  });

  it('shows the items in a state, and of one its value, result, attempts, error and log', async (ctx) => {
    const { page, faults } = await open(ctx, at(task));
    await page.getByRole('button', { name: 'running 100' }).click();
    const rows = page.locator('.item-row');
    await rows.first().getByText('6000', { exact: true }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await rows.first().click();
    await page.getByRole('region', { name: 'Item 6000' }).getByText('attempt 1').waitFor();
    await page.waitForURL(/item=6000/);
    await page.goto(at(task, '&item=507'));
    const item = page.getByRole('region', { name: 'Item 507' });
    await item.getByText('257049', { exact: true }).waitFor();
    await item.getByText('attempt 2').waitFor();
    await item.getByText('trying', { exact: true }).nth(1).waitFor();
    await item.getByText('attempt 1').click();
    await item.getByText('handler_error number 507 is not ready').waitFor();
    await item.getByText('Partial output 1').first().click();
    await item.getByText('part', { exact: true }).waitFor();
    await page.locator('.item-row[aria-pressed="true"]', { hasText: '507' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await item.getByRole('button', { name: 'Close item 507' }).click();
    await item.waitFor({ state: 'detached' });
    expect(faults).toEqual([]);
  });

  it('fits a phone, also in the dark', async (ctx) => {
    const { page, faults } = await open(ctx, at(task, '&item=507'), {
      viewport: { width: 390, height: 844 },
      colorScheme: 'dark',
    });
    await strip(page, /6,000 succeeded/).waitFor();
    await page.getByRole('region', { name: 'Item 507' }).getByText('257049').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await elements(page)).toBeLessThan(MOST_ELEMENTS);
    expect(faults).toEqual([]);
  });

  it('goes on as its items do, and says in the graph and in the timeline how far it is', async (ctx) => {
    const { page, faults } = await open(ctx, at(task), { viewport: { width: 1440, height: 900 } });
    const card = page.locator('.card', { has: page.getByText('each', { exact: true }) });
    await card.getByText('6,000 of 10,000 items · 100 running').waitFor();
    await page.locator('.span-items', { hasText: '6,000/10,000' }).waitFor();
    await writeFile(gate, '');
    await strip(page, 'All items in their order: 10,000 succeeded').waitFor();
    await card.getByText('10,000 of 10,000 items', { exact: true }).waitFor();
    await page.locator('.span-items', { hasText: '10,000/10,000' }).waitFor();
    await page.getByText('2 of 2 modules').waitFor();
    expect(await elements(page)).toBeLessThan(MOST_ELEMENTS);
    const { body } = await orchestrator.get(`${pathOf(task.task_id)}/items/each/states`);
    expect(body).toEqual({ total: ITEMS, counts: { succeeded: ITEMS }, runs: [['succeeded', ITEMS]] });
    expect(faults).toEqual([]);
  });

  it('is shown as it was after any of its events', async (ctx) => {
    const { page, faults } = await open(ctx, at(task));
    const { body } = await orchestrator.get(`${pathOf(task.task_id)}/events?limit=1000`);
    const events = body.items as { type: string; seq: number }[];
    const third = events.filter(({ type }) => type === 'execution.succeeded')[2]!;
    await strip(page, /10,000 succeeded/).waitFor();
    await page.goto(at(task, `&at=${third.seq}`));
    await strip(page, /, 3 succeeded$/).waitFor();
    await page.getByRole('button', { name: 'succeeded 3' }).click();
    await expect.poll(() => page.locator('.item-row').count()).toBe(3);
    await page.getByRole('button', { name: 'Back to now' }).click();
    await strip(page, /10,000 succeeded/).waitFor();
    expect(faults).toEqual([]);
  });
});

describe('a map with an item that fails for good', () => {
  it('says which one and why, and leaves out what had not begun', async (ctx) => {
    const list = Array.from({ length: 300 }, (_, n) => ({ n, ...(n === 250 && { fails: 9 }) }));
    const tape = orchestrator.tape();
    const failing = await orchestrator.submit('items', list);
    const { page, faults } = await open(ctx, at(failing));
    expect(await tape.ended(failing.task_id)).toEqual(['failed']);
    await strip(page, /1 failed/).waitFor();
    await page.getByRole('button', { name: 'failed 1' }).click();
    await page.locator('.item-row', { hasText: 'attempt 3 · number 250 is not ready' }).click();
    const item = page.getByRole('region', { name: 'Item 250' });
    await expect.poll(() => item.getByText(/^attempt \d$/).count()).toBe(3);
    const { body } = await orchestrator.get(`${pathOf(failing.task_id)}/items/each/states`);
    expect(body.counts).toMatchObject({ failed: 1 });
    expect(faults).toEqual([]);
  });
});
