/// <reference lib="dom" />
/** Outputs in the page as people mean them: a small training in Python, looked at module by module. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { missing, python, root } from '../python/python.js';
import { OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing } from './browser.js';

const GRAPH = `name: training
source: { name: settings, type: json }
modules:
  measure: { inputs: [settings], output: "bytes:text/csv" }
  fit: { inputs: [settings], output: json }
  model: { inputs: [fit], output: "bytes:application/x-npy" }
  plot: { inputs: [fit, measure], output: "bytes:image/png" }
  report: { inputs: [fit], output: "bytes:text/markdown" }
  page: { inputs: [fit], output: "bytes:text/html" }
  pickled: { inputs: [fit], output: bytes }
  plain: { inputs: [fit], output: bytes }
  summary:
    inputs: [fit]
    outputs: { text: "bytes:text/markdown", figure: "bytes:image/png", score: json }
`;
const { open } = browsing();
const scene = Scene.ofFile();
const tool = missing('zmq', 'google.protobuf', 'numpy', 'matplotlib', 'PIL');
let orchestrator: OrchestratorProcess;
let problem: string;

beforeAll(async () => {
  if (tool !== undefined) return;
  const graph = join(await scene.directory(), 'training.yaml');
  await writeFile(graph, GRAPH);
  orchestrator = await OrchestratorProcess.up(scene, { graphs: [graph] });
  const tape = orchestrator.tape();
  const env = { TUTTI_CONTROL: orchestrator.ready.control, PYTHONPATH: join(root, 'python/src') };
  scene.spawn([join(root, 'test/browser/nodes/outputs.py')], env, root, python);
  const first = await orchestrator.submit('training', { rate: 0.5 });
  problem = first.problem_id;
  await tape.first('the first has succeeded', ({ type }) => type === 'iteration.succeeded');
  await orchestrator.post(`/v1/problems/${problem}/iterations`, { input: { rate: 2 } });
  await tape.first(
    'the second has succeeded',
    ({ type, iteration_id }) => type === 'iteration.succeeded' && iteration_id === 2,
  );
}, 120_000);

async function look(
  ctx: TestContext,
  module: string,
  iteration = 1,
): Promise<{ page: Page; output: Locator; faults: readonly string[] }> {
  if (tool !== undefined) ctx.skip(`needs ${tool}`);
  const address = `${orchestrator.ready.http}/?problem=${problem}&iteration=${iteration}${module && `&module=${module}`}`;
  const { page, faults } = await open(ctx, address);
  return { page, output: page.getByRole('region', { name: 'Output', exact: true }), faults };
}

async function savedName(page: Page, button: Locator): Promise<string> {
  const download = page.waitForEvent('download');
  await button.click();
  return (await download).suggestedFilename();
}

describe('an output in the page', () => {
  it('is a table where it is CSV: sorted by a click, and as long as it is', async (ctx) => {
    const { page, output, faults } = await look(ctx, 'measure');
    await output.getByText('200 rows × 3 columns').waitFor();
    await output.getByRole('cell', { name: 'point, 0' }).waitFor();
    expect(await output.getByRole('row').count()).toBeLessThan(60);
    await output.getByRole('button', { name: 'y', exact: true }).click();
    await output.getByRole('button', { name: 'y', exact: true }).click();
    await output.locator('th[aria-sort="descending"]', { hasText: 'y' }).waitFor();
    expect(await output.getByRole('row').nth(1).innerText()).toMatch(/^199\s+1\s+4\s+point, 199$/);
    expect(await savedName(page, output.getByRole('button', { name: 'Download' }))).toBe('measure-1-1.csv');
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('is a picture, of the size that it has', async (ctx) => {
    const { page, output, faults } = await look(ctx, 'plot');
    const picture = output.getByRole('img', { name: 'plot' });
    await output.getByText(/^\d{3} × \d{3}$/).waitFor();
    expect((await picture.boundingBox())?.height).toBeGreaterThan(120);
    await output.getByText(/^image\/png, \d+(\.\d+)? kB$/).waitFor();
    expect(await output.innerText()).not.toMatch(/[A-Za-z0-9+/]{100}/);
    expect(await savedName(page, output.getByRole('button', { name: 'Download' }))).toBe('plot-1-1.png');
    await output.getByText('Bytes', { exact: true }).click();
    await output.getByText(/^000000 {2}89 50 4e 47/).waitFor();
    expect(faults).toEqual([]);
  });

  it('is a picture too where the graph only says that it is bytes', async (ctx) => {
    const { page, output, faults } = await look(ctx, 'plain');
    await output.getByText('24 × 16').waitFor();
    expect(await savedName(page, output.getByRole('button', { name: 'Download' }))).toBe('plain-1-1.png');
    expect(faults).toEqual([]);
  });

  it('is a thumbnail on the card of its module, and comes with the whole iteration in a file to cite', async (ctx) => {
    const { page, faults } = await look(ctx, 'plot');
    const card = (name: RegExp): Locator => page.getByRole('button', { name });
    const picture = card(/^plot succeeded/).locator('img');
    await expect
      .poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth))
      .toBeGreaterThan(100);
    await card(/^fit succeeded/)
      .locator('.thumbnail')
      .waitFor();
    expect(
      await card(/^report succeeded/)
        .locator('.thumbnail')
        .count(),
    ).toBe(0);
    const header = page.locator('.task-head');
    const name = await savedName(page, header.getByRole('button', { name: 'Download all' }));
    expect(name).toBe(`training-${problem.slice(-8)}-1.crate.zip`);
    expect(faults).toEqual([]);
  });

  it('is a report where it is Markdown, without the HTML in it', async (ctx) => {
    const { page, output, faults } = await look(ctx, 'report');
    await output.getByRole('heading', { name: 'Results', level: 4 }).waitFor();
    await output.getByRole('cell', { name: '0.91' }).waitFor();
    expect(await output.locator('strong').innerText()).toBe('3.0');
    expect(await page.locator('.markdown script').count()).toBe(0);
    expect(await page.title()).not.toBe('taken');
    expect(faults).toEqual([]);
  });

  it('is a page of its own where it is HTML, in which no script runs', async (ctx) => {
    const { page, output, faults } = await look(ctx, 'page');
    const frame = output.frameLocator('iframe');
    await frame.getByRole('heading', { name: 'A page' }).waitFor();
    expect(await frame.locator('#here').innerText()).toBe('As it came.');
    expect(await page.title()).not.toBe('taken');
    expect(faults.every((fault) => fault.includes("frame is sandboxed and the 'allow-scripts'"))).toBe(true);
    const file = await fetch(`${orchestrator.ready.http}${pathOf(`${problem}/1`)}/outputs/page/file`);
    expect(Object.fromEntries(file.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-disposition': 'attachment; filename="page-1.html"',
      'content-security-policy': expect.stringContaining('sandbox'),
      'x-content-type-options': 'nosniff',
    });
  });

  it('is shape, statistics and a picture where it is an array of numpy', async (ctx) => {
    const { output, faults } = await look(ctx, 'model');
    await output.getByText('24 × 32').first().waitFor();
    expect((await output.locator('.npy-facts').innerText()).replace(/\s+/g, ' ')).toBe(
      'shape 24 × 32 dtype float32 least 1 most 54 mean 27.0352 std 11.506 not finite 1',
    );
    await output.getByRole('img', { name: /^model as a picture/ }).waitFor();
    await output.getByText('Numbers').click();
    await output.getByText('24 rows × 32 columns').waitFor();
    expect(faults).toEqual([]);
  });

  it('an output of another kind is shown as its size and its first bytes', async (ctx) => {
    const { page, output, faults } = await look(ctx, 'pickled');
    await output.getByText('application/octet-stream, 10.2 kB').waitFor();
    await output.getByText('and 9,984 more bytes').waitFor();
    expect(await savedName(page, output.getByRole('button', { name: 'Download' }))).toBe('pickled-1-1.bin');
    expect(faults).toEqual([]);
  });

  it('JSON is drawn part by part: lines, tables, texts and pictures, with six digits', async (ctx) => {
    const { page, output, faults } = await look(ctx, 'fit');
    await output.getByRole('img', { name: /^30 numbers, 0.0672055 to 1, mean 0.342838$/ }).waitFor();
    await output.getByText('3 rows × 4 columns').waitFor();
    await output.getByText('5 rows × 3 columns').waitFor();
    await output.getByRole('cell', { name: 'false' }).waitFor();
    await output.locator('em', { hasText: 'went' }).waitFor();
    await output.getByText('8 × 8', { exact: true }).waitFor();
    await output.getByText('76 more', { exact: true }).click();
    await output.getByText('name 99', { exact: true }).waitFor();
    expect(await output.locator('.json-number', { hasText: /^3$/ }).getAttribute('title')).toBe(
      '3.0000000000001',
    );
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('is one of several of its module, each by its name and as what it is', async (ctx) => {
    const { page, faults } = await look(ctx, 'summary');
    const output = (name: string): Locator =>
      page.getByRole('region', { name: `Output ${name}`, exact: true });
    await output('figure').getByRole('img', { name: 'summary-figure' }).waitFor();
    await output('text').getByRole('heading', { name: 'Summary' }).waitFor();
    await output('score').getByText('0.9', { exact: true }).waitFor();
    const download = output('figure').getByRole('button', { name: 'Download' });
    expect(await savedName(page, download)).toBe('summary-figure-1-1.png');
    const picture = page.getByRole('button', { name: /^summary succeeded/ }).locator('img');
    await expect
      .poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth))
      .toBeGreaterThan(100);
    await page.goto(
      `${orchestrator.ready.http}/?page=iterations&problem=${problem}&view=compare&compare=1,2`,
    );
    const beside = page.getByRole('region', { name: 'summary.figure, side by side' });
    await beside.getByRole('img', { name: 'summary.figure of iteration 2' }).waitFor();
    expect(faults.filter((fault) => !fault.includes('allow-scripts'))).toEqual([]);
  });

  it('keeps NaN: it is shown, told apart and found', async (ctx) => {
    const { page, output, faults } = await look(ctx, 'fit', 2);
    await output.getByRole('img', { name: /19 not finite$/ }).waitFor();
    expect(await output.locator('.json-number').first().innerText()).toBe('NaN');
    const found = async (filter: string): Promise<number[]> => {
      const { body } = await orchestrator.get(
        `/v1/iterations?filter=${encodeURIComponent(filter)}&fields=fit.loss`,
      );
      return body.items.map((item: { iteration_id: number }) => item.iteration_id);
    };
    expect(await found('fit.loss = NaN')).toEqual([2]);
    expect(await found('fit.loss != NaN')).toEqual([1]);
    expect(await found('fit.loss < 1')).toEqual([1]);
    const csv = await fetch(`${orchestrator.ready.http}/v1/problems/${problem}/export?format=csv`);
    expect((await csv.text()).split('\r\n')[2]).toContain(',NaN,');
    await page.goto(`${orchestrator.ready.http}/?page=iterations&problem=${problem}&columns=fit.loss`);
    await page.getByRole('cell', { name: 'NaN' }).waitFor();
    expect(faults).toEqual([]);
  });

  it('draws metrics as curves, of one run and of several, and shows outputs side by side', async (ctx) => {
    const { page, faults } = await look(ctx, 'fit');
    const curves = page.getByRole('region', { name: 'Curves', exact: true });
    await curves.getByRole('img', { name: /^loss. fit: 30 steps, from 1 to 0.0750232$/ }).waitFor();
    expect(await page.getByRole('region', { name: 'Log', exact: true }).count()).toBe(0);
    await page.goto(
      `${orchestrator.ready.http}/?page=iterations&problem=${problem}&view=compare&compare=1,2`,
    );
    const both = page.getByRole('region', { name: 'fit, curves' });
    await both
      .getByRole('img', { name: /iteration 1: 30 steps.*iteration 2: 11 steps/ })
      .first()
      .waitFor();
    const beside = page.getByRole('region', { name: 'plot, side by side' });
    await beside.getByRole('img', { name: 'plot of iteration 2' }).waitFor();
    expect(faults.filter((fault) => !fault.includes('allow-scripts'))).toEqual([]);
  });

  it('is found over all problems by a filter that completes itself and says where it is at fault', async (ctx) => {
    const { page } = await look(ctx, 'fit');
    await page.getByRole('link', { name: 'Search', exact: true }).click();
    const field = page.getByRole('combobox', { name: 'Filter' });
    await page.getByText('2 iterations').waitFor();
    // Fields that vary are columns until others are chosen.
    await page.getByRole('columnheader', { name: 'input.rate' }).waitFor();
    await field.pressSequentially('input.ra');
    await page.getByRole('option', { name: 'input.rate' }).click();
    await field.pressSequentially('> 1');
    await field.press('Enter');
    await page.getByText('1 iteration,').waitFor();
    await page.getByLabel('Show', { exact: true }).fill('fit.loss');
    await page.getByLabel('Show', { exact: true }).press('Enter');
    await page.getByRole('cell', { name: 'NaN' }).waitFor();
    expect(await savedName(page, page.getByRole('button', { name: 'Parquet' }))).toBe('iterations.parquet');
    await field.fill('input.rate >> 1');
    await field.press('Enter');
    await page.getByText(/position 13: Expected/).waitFor();
    expect(await page.locator('.filter-bar pre').innerText()).toBe('input.rate >> 1\n            ^');
    await field.fill('input.rat > 1');
    await field.press('Enter');
    await page.getByText('did you mean rate?').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});

describe('a task with many results', () => {
  it('shows what it is about, each of its results and its failure on a laptop without scrolling', async (ctx) => {
    const { page, faults } = await look(ctx, '');
    const failing = await orchestrator.submit('training', {
      settings: { seed: 7, split: [0.8, 0.1, 0.1] },
    });
    await page.setViewportSize({ width: 1440, height: 900 });
    const [about, results] = ['About', 'Results'].map((name) =>
      page.getByRole('region', { name, exact: true }),
    );
    const lines = results!.getByRole('listitem');
    const bottoms = async (parts: readonly Locator[]): Promise<number[]> =>
      Promise.all(
        parts.map(async (part) => part.boundingBox().then((box) => (box ? box.y + box.height : 1e4))),
      );
    await results!.getByText('application/x-npy, 3.1 KiB').waitFor();
    await results!.getByText('accuracy 0.9', { exact: true }).waitFor();
    expect(await lines.count()).toBe(9);
    expect(Math.max(...(await bottoms([about!, ...(await lines.all())])))).toBeLessThanOrEqual(900);
    expect(await accessibilityFaults(page)).toEqual([]);
    const report = lines.filter({ hasText: 'report' });
    await report.getByText('text/markdown').click();
    await report.getByRole('heading', { name: 'Results', level: 4 }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);

    await page.goto(`${orchestrator.ready.http}/?problem=${failing.problem_id}`);
    const fault = page.locator('.task-head .fault');
    await fault.getByText("KeyError: 'rate'", { exact: true }).waitFor();
    await about!.getByText('seed').waitFor();
    expect(await results!.getByText('skipped').count()).toBe(9);
    expect(Math.max(...(await bottoms([fault, about!, ...(await lines.all())])))).toBeLessThanOrEqual(900);
    expect(faults).toEqual([]);
  });
});
