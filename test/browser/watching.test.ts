/// <reference lib="dom" />
/** What a person sees without doing anything: what goes on, what a task is about, why it does not go on, and who is missing. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { SIX, startNode } from '../support/nodes.js';
import { OrchestratorProcess, pathOf, type Submitted } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing, eventually } from './browser.js';

const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;

const COURSE = {
  type: 'object',
  required: ['course', 'size'],
  properties: {
    course: { enum: ['soup', 'cake'] },
    size: { type: 'object', required: ['guests'], properties: { guests: { type: 'integer' } } },
    cook: { type: 'string' },
  },
};
const KITCHEN =
  'name: kitchen\nsource: { name: order, type: json:course }\nmodules:\n  bake: { inputs: [order], output: json }\n';

beforeAll(async () => {
  const folder = await scene.directory();
  await mkdir(join(folder, 'samples'));
  await writeFile(join(folder, 'course.schema.json'), JSON.stringify(COURSE));
  await writeFile(join(folder, 'kitchen.yaml'), KITCHEN);
  await writeFile(
    join(folder, 'samples', 'supper.json'),
    '{"course":"soup","size":{"guests":4},"cook":"Ana"}',
  );
  orchestrator = await OrchestratorProcess.up(scene, {
    graphs: ['six', 'pair', join(folder, 'kitchen.yaml')],
    args: ['--proto-path', folder],
  });
  for (const module of SIX) startNode(scene, orchestrator, { module, capacity: module === 'model' ? 1 : 4 });
});

const LAPTOP = { viewport: { width: 1440, height: 900 } };
const at = (task: Submitted, more = ''): string =>
  `${orchestrator.ready.http}/?problem=${task.problem_id}&iteration=${task.iteration_id}${more}`;
const gate = async (): Promise<string> => join(await scene.directory(), 'gate');
const ended = async (task: Submitted): Promise<void> => {
  await expect
    .poll(async () => (await orchestrator.task(task.task_id)).finished_at, { timeout: 40_000 })
    .not.toBeNull();
};
/** Whether all of it is in the window, without scrolling. */
const isInSight = async (page: Page, what: Locator): Promise<boolean> => {
  const box = await what.boundingBox();
  const { width, height } = page.viewportSize()!;
  return (
    box !== null && box.y >= 0 && box.y + box.height <= height && box.x >= 0 && box.x + box.width <= width
  );
};

describe('a task on a laptop', () => {
  it('shows what it is about, its result and its failure without scrolling, and a module beside the graph', async (ctx) => {
    const good = await orchestrator.submit('six', { name: 'the seventh strip' });
    const fail = { times: 9, final: true, message: 'the table has no column “width”' };
    const bad = await orchestrator.submit('six', { metadata: { fail } });
    const { page, faults } = await open(ctx, at(good), LAPTOP);
    await page.getByText('6 of 6 modules').waitFor();
    const overview = page.getByRole('region', { name: 'Overview' });
    expect(await isInSight(page, overview.getByText('the seventh strip').last())).toBe(true);
    expect(
      await isInSight(
        page,
        overview.getByRole('region', { name: 'Result of footprint' }).getByText(good.task_id).first(),
      ),
    ).toBe(true);
    expect(await accessibilityFaults(page)).toEqual([]);
    // What is chosen is beside the graph, also on the smallest laptop.
    await page.setViewportSize({ width: 1100, height: 700 });
    await page.getByRole('button', { name: /^model succeeded/ }).click();
    const panel = page.getByRole('heading', { name: 'model', exact: true });
    await panel.waitFor();
    const [shown, graph] = [await panel.boundingBox(), await page.locator('.canvas').boundingBox()];
    expect(shown!.x).toBeGreaterThan(graph!.x + graph!.width);
    expect(await isInSight(page, panel)).toBe(true);

    await page.setViewportSize(LAPTOP.viewport);
    await page.goto(at(bad));
    const fault = page.locator('.task-head .fault');
    await fault.getByText('the table has no column “width”', { exact: true }).waitFor();
    expect(await isInSight(page, fault)).toBe(true);
    expect(faults).toEqual([]);
  });

  it('a task that no node can continue is amber, says what would help and since when, and continues once a node joins', async (ctx) => {
    const task = await orchestrator.submit('pair', {}, { title: 'stuck' });
    const { page } = await open(ctx, at(task), LAPTOP);
    await page.locator('.task-facts').getByText('waiting, cannot continue').waitFor();
    const box = page.locator('.held-box');
    await box.getByText('No node plays first: start one with').waitFor();
    await box.getByText('TUTTI_INSTANCE=first-1 python first.py').waitFor();
    await box.getByText(/^waiting for \d+ s$/).waitFor();
    await page.waitForFunction(() => document.title === 'stuck · Tutti');
    // Amber in the tab, too.
    const icon = await page.locator('link[rel="icon"]').getAttribute('href');
    expect(decodeURIComponent(icon!)).toContain('#d99000');
    expect(await accessibilityFaults(page)).toEqual([]);

    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await box.getByRole('button', { name: 'Copy the line that starts first' }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      'TUTTI_INSTANCE=first-1 python first.py',
    );
    await page.getByRole('button', { name: 'Copy …' }).click();
    await page.getByRole('button', { name: 'Copy curl' }).click();
    const curl = await page.evaluate(() => navigator.clipboard.readText());
    expect(curl).toBe(`curl ${orchestrator.ready.http}/v1/problems/${task.problem_id}/iterations/1`);

    // So it looks in the list, and at home; both follow it, from one module that lacks a node to the next.
    const row = page.locator('.rows > li', { hasText: 'stuck' });
    await row.locator('.tone-held', { hasText: 'cannot continue' }).waitFor();
    startNode(scene, orchestrator, { module: 'first' });
    await page.locator('.task-facts').getByText('running, cannot continue').waitFor();
    await row.locator('.tone-held', { hasText: 'cannot continue' }).waitFor();
    await page.goto(orchestrator.ready.http);
    const atHome = page.getByRole('region', { name: 'Running now' }).getByRole('listitem');
    await atHome.filter({ hasText: 'stuck' }).locator('.tone-held', { hasText: 'cannot continue' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    startNode(scene, orchestrator, { module: 'second' });
    await atHome.filter({ hasText: 'stuck' }).waitFor({ state: 'detached' });
    await page.goto(at(task));
    await page.locator('.task-facts').getByText('succeeded').waitFor();
    expect(await box.count()).toBe(0);
  });

  it('a task whose nodes are busy says how many tasks wait ahead of it', async (ctx) => {
    const hold = await gate();
    const titles = ['first come', 'second come', 'third come'];
    const tasks: Submitted[] = [];
    for (const title of titles) tasks.push(await orchestrator.submit('six', { model: { hold } }, { title }));
    const { page } = await open(ctx, at(tasks[2]!), LAPTOP);
    await page.getByText('All nodes of model are busy: 1 task waits ahead of this one').waitFor();
    await page.goto(at(tasks[1]!));
    await page.getByText('All nodes of model are busy: this task is next').waitFor();
    await writeFile(hold, '');
    await page.getByText('6 of 6 modules').waitFor();
  });

  it('is gone through iteration by iteration, each told by its values', async (ctx) => {
    const task = await orchestrator.submit('six', { name: 'one' });
    await ended(task);
    await ended(await orchestrator.iterate(task.problem_id, { input: { name: 'two' } }));
    const { page, faults } = await open(
      ctx,
      `${orchestrator.ready.http}/?problem=${task.problem_id}`,
      LAPTOP,
    );
    await page.getByRole('button', { name: 'iteration 2 from 1 of 2' }).click();
    const rows = page.getByRole('navigation', { name: 'Iterations' }).getByRole('listitem');
    await rows.filter({ hasText: '1' }).first().waitFor();
    expect(await rows.count()).toBe(2);
    expect(await accessibilityFaults(page)).toEqual([]);
    await rows.last().getByRole('link').click();
    await page.waitForURL(/iteration=1/);
    await page.getByRole('button', { name: 'iteration 1 of 2' }).waitFor();
    let answer = (): void => {};
    const isHeld = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/iterations/2', async (route) => {
      await isHeld;
      await route.continue();
    });
    // Held only if it is asked for anew: the page remembers what it has read.
    await page.reload();
    await page.getByRole('button', { name: 'iteration 1 of 2' }).waitFor();
    await page.keyboard.press(']');
    await page.waitForURL(/iteration=2/);
    const picker = page.getByRole('navigation', { name: 'Iterations' });
    await picker.getByText('iteration 2 from 1').waitFor();
    // A list that could be opened now would be gone as soon as the iteration has been read.
    expect(await picker.getByRole('button').count()).toBe(0);
    answer();
    await picker.getByRole('button', { name: 'iteration 2 from 1 of 2' }).click();
    await rows.first().waitFor();
    expect(faults).toEqual([]);
  });
});

describe('a view whose file is gone from the server', () => {
  it('says so, leaves the rest of the page as it is, and is there after a reload', async (ctx) => {
    const { page } = await open(ctx, orchestrator.ready.http, LAPTOP);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.route('**/assets/graphs-page*', (route) => route.fulfill({ status: 404, body: '' }));
    const pages = page.getByRole('navigation', { name: 'Pages' });
    await pages.getByRole('link', { name: 'Graphs' }).click();
    const alert = page.getByRole('alert');
    await alert.getByText('If Tutti was upgraded while this page was open').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await pages.getByRole('link', { name: 'Nodes' }).click();
    await page.getByRole('heading', { name: 'Nodes', level: 1 }).waitFor();
    await pages.getByRole('link', { name: 'Graphs' }).click();
    await page.unroute('**/assets/graphs-page*');
    await alert.getByRole('button', { name: 'Reload the page' }).click();
    await page.getByRole('heading', { name: 'Graphs', level: 1 }).waitFor();
  });
});

describe('below the graph', () => {
  it('the history is narrowed by module and kind, goes along with the scrubber, and is downloaded', async (ctx) => {
    const task = await orchestrator.submit('six', { model: { partials: 2 } });
    await ended(task);
    const { page, faults } = await open(ctx, at(task, '&part=history'), LAPTOP);
    const lines = page.getByRole('region', { name: 'Events' });
    await lines.getByText('iteration.succeeded').waitFor();
    await page.getByLabel('Module').selectOption('model');
    await page.getByLabel('Kind').selectOption('output.recorded');
    await page.getByText(/^3 of \d+ events$/).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await lines.getByRole('button', { name: /output\.recorded · model · output 2/ }).click();
    await page.getByText(/As it was at/).waitFor();
    await lines.locator('[aria-current="step"]').getByText('output 2').waitFor();
    await page.keyboard.press('.');
    await page.getByRole('slider', { name: 'Event' }).fill('1');
    await eventually(async () => expect(await lines.locator('[aria-current="step"]').count()).toBe(0));
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download', exact: true }).click(),
    ]);
    const saved = (await readFile((await file.path())!, 'utf8')).trim().split('\n');
    expect(saved.map((line) => JSON.parse(line).output_seq)).toEqual([1, 2, 3]);
    expect(faults).toEqual([]);
  });

  it('the timeline names every colour and the critical path, and is zoomed', async (ctx) => {
    const task = await orchestrator.submit('six', {
      model: { fail: { times: 1, message: 'out of memory' } },
    });
    await ended(task);
    const { page } = await open(ctx, at(task), LAPTOP);
    await page
      .getByText('metadata → model → resources → footprint')
      .or(page.getByText(/→ model → resources → footprint$/))
      .first()
      .waitFor();
    const used = await page
      .locator('.timeline-track .span')
      .evaluateAll((spans) => spans.map((span) => getComputedStyle(span).background));
    const legend = await page
      .locator('.timeline-legend .span')
      .evaluateAll((spans) => spans.map((span) => getComputedStyle(span).background));
    expect([...new Set(used)].filter((colour) => !legend.includes(colour))).toEqual([]);
    const widths = await page
      .locator('.timeline-track .span-running')
      .evaluateAll((spans) => spans.map((span) => span.getBoundingClientRect().width));
    expect(Math.min(...widths)).toBeGreaterThanOrEqual(4);
    // The second attempt is marked.
    await page.locator('.timeline-track .span-running', { hasText: '2' }).waitFor();
    const axis = (): Promise<string> => page.locator('.timeline-ticks').innerText();
    const whole = await axis();
    const zoom = page.getByRole('group', { name: 'Zoom of the timeline' });
    await zoom.getByRole('button', { name: 'Zoom in' }).click();
    await eventually(async () => expect(await axis()).not.toBe(whole));
    await zoom.getByRole('button', { name: 'Whole' }).click();
    await eventually(async () => expect(await axis()).toBe(whole));
  });
});

describe('the page as a whole', () => {
  it('begins with what goes on: at work, failed and why, the last hour, modules without a node', async (ctx) => {
    const hold = await gate();
    const running = await orchestrator.submit('six', { model: { hold } }, { title: 'at work' });
    const fail = { times: 9, final: true, message: 'the sun is down' };
    const failed = await orchestrator.submit('six', { constraints: { fail } }, { title: 'gone wrong' });
    await ended(failed);
    const { page, faults } = await open(ctx, orchestrator.ready.http, LAPTOP);
    const work = page.getByRole('region', { name: 'Running now' });
    await work.getByText('at work').waitFor();
    await work.getByText('model', { exact: true }).waitFor();
    const why = page.getByRole('region', { name: 'Failed lately' });
    await why.getByText('the sun is down').waitFor();
    await page.getByRole('img', { name: /^Tasks ended in each minute of the last hour: [1-9]/ }).waitFor();
    const bake = page
      .getByRole('region', { name: 'Modules' })
      .getByRole('listitem')
      .filter({ hasText: 'bake' });
    await bake.getByText('no node').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await why.getByRole('link', { name: 'gone wrong' }).click();
    await page.getByRole('heading', { name: 'constraints', exact: true }).waitFor();
    await page.goBack();
    await writeFile(hold, '');
    await ended(running);
    await work.getByText('at work').waitFor({ state: 'detached' });
    expect(faults).toEqual([]);
  });

  it('tells of a graph its drawing, its file, who plays its modules and how long they took', async (ctx) => {
    await ended(await orchestrator.submit('six', {}));
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=graphs&name=six`, LAPTOP);
    await page.getByRole('img', { name: /^Drawing of six: / }).waitFor();
    const row = page.getByRole('row', { name: /^model / });
    await row.getByRole('link', { name: 'model' }).waitFor();
    await row.getByText(/^\d+ of \d+ attempts$/).waitFor();
    await page.locator('.yaml').getByText('name: six').waitFor();
    await page.getByText(/^stored /).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'kitchen' }).click();
    await page.getByText('Supper').waitFor();
    await page.getByRole('link', { name: 'New problem with this graph' }).click();
    expect(await page.locator('.form').getByLabel('Graph').inputValue()).toBe('kitchen');
    expect(faults).toEqual([]);
  });

  it('flags what a new problem lacks at its field before it is sent, and offers what is known', async (ctx) => {
    const { page } = await open(ctx, `${orchestrator.ready.http}/?page=new&name=kitchen`, LAPTOP);
    const sent: string[] = [];
    page.on('request', (request) => void (request.method() === 'POST' && sent.push(request.url())));
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByText('Not sent: some of the fields above are required.').waitFor();
    const course = page.locator('.field', { has: page.getByRole('combobox', { name: 'course' }) }).last();
    await course.getByText('This field is required.').waitFor();
    expect(sent).toEqual([]);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('combobox', { name: 'course' }).selectOption('cake');
    await page.getByLabel('guests').fill('12');
    expect(
      await page.locator('datalist option').evaluateAll((all) => all.map((one) => one.getAttribute('value'))),
    ).toEqual(['Ana']);
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.locator('.task-facts').getByText('waiting, cannot continue').waitFor();
    const id = new URL(page.url()).searchParams.get('problem');
    expect((await orchestrator.get(`${pathOf(`${id}/1`)}`)).body.input).toEqual({
      course: 'cake',
      size: { guests: 12 },
    });
  });

  it('is gone about with the keyboard, keeps the chosen theme, and fits a phone in the dark', async (ctx) => {
    const task = await orchestrator.submit('six', { name: 'walk' });
    await ended(task);
    const { page, faults } = await open(ctx, at(task), {
      viewport: { width: 1440, height: 900 },
      colorScheme: 'light',
    });
    await page.getByText('6 of 6 modules').waitFor();
    await page.keyboard.press('?');
    const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await list.getByText('Show the history').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    // Keys that are pressed in a dialog are the dialog's.
    await list.waitFor({ state: 'hidden' });
    await page.keyboard.press('l');
    await page.waitForURL(/part=log/);
    await page.keyboard.press('/');
    await page.keyboard.type('walk');
    await page.waitForURL(/q=walk/);
    await page.locator('.task-facts').click();
    await page.keyboard.press('g');
    await page.keyboard.press('n');
    await page.getByRole('heading', { name: 'Nodes' }).waitFor();
    const ground = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    for (let press = 0; press < 2; press += 1) await page.getByRole('button', { name: /^Theme: / }).click();
    await page.reload();
    await page.getByRole('button', { name: /^Theme: dark/ }).waitFor();
    expect(await ground()).not.toBe(light);
    await page.setViewportSize({ width: 390, height: 844 });
    for (const view of ['', '?page=graphs&name=six', at(task).slice(orchestrator.ready.http.length + 1)]) {
      await page.goto(`${orchestrator.ready.http}/${view}`);
      await page.locator('h1').first().waitFor();
      await eventually(async () =>
        expect(
          await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
        ).toBeLessThanOrEqual(0),
      );
      expect([view, await accessibilityFaults(page)]).toEqual([view, []]);
    }
    expect(faults).toEqual([]);
  });
});
