/// <reference lib="dom" />
/** The iterations of a problem beside each other: found again, sorted, drawn, compared, and gone on from. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { OrchestratorProcess, SUSTAINML_GRAPH } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing } from './browser.js';

const MODULES = [
  ...['ml_model_metadata', 'app_requirements', 'hw_constraints'],
  ...['ml_model', 'hw_resources', 'carbon_footprint'],
];
/** A folder for pictures of every view, to be looked at by a person. @default none are taken */
const { SHOTS } = process.env;
const FOOTPRINT = 'carbon_footprint.carbon_footprint';
const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let problem: string;

beforeAll(async () => {
  orchestrator = await OrchestratorProcess.up(scene, { graphs: [SUSTAINML_GRAPH] });
  for (const module of MODULES) {
    scene.spawn([`dist/nodes/sustainml/${module}/node.js`], {
      TUTTI_CONTROL: orchestrator.ready.control,
      TUTTI_INSTANCE: module,
    });
  }
  const sample = join(import.meta.dirname, '../../nodes/sustainml/samples/steel-defects.json');
  const input = JSON.parse(await readFile(sample, 'utf8')) as Record<string, unknown>;
  const tape = orchestrator.tape();
  const ended = (task: string) => tape.ended(task);
  const first = await orchestrator.submit('sustainml', input, { title: 'Steel strips' });
  problem = first.problem_id;
  await ended(first.task_id);
  const greener = { ...input, optimize_carbon_footprint_manual: true };
  // Two branches of the first iteration.
  for (const region of [input.geo_location_region, 'France']) {
    const body = { parent_iteration_id: 1, input: { ...greener, geo_location_region: region } };
    await ended((await orchestrator.iterate(problem, body)).task_id);
  }
}, 180_000);

const at = (view: string, more = ''): string =>
  `${orchestrator.ready.http}/?page=iterations&problem=${problem}&view=${view}${more}`;

describe('the table of iterations', () => {
  it('is opened from a task, sorts by an output, and takes other fields as columns', async (ctx) => {
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?problem=${problem}`);
    await page.getByRole('link', { name: 'Table, charts and comparison' }).click();
    const rows = page.locator('tbody tr');
    const numbers = async (): Promise<string[]> => rows.locator('th').allInnerTexts();
    // Its own columns are there at once, with their units.
    const header = page.getByRole('columnheader', { name: /carbon_footprint carbon_footprint kg CO2e/ });
    await header.waitFor();
    await expect.poll(() => rows.first().locator('td.number').first().innerText()).toMatch(/^0\.\d+$/);
    expect(await numbers()).toEqual(['1', '2', '3']);
    expect(await accessibilityFaults(page)).toEqual([]);
    await header.getByRole('button').click();
    await page.waitForURL(/sort=carbon_footprint/);
    expect(await header.getAttribute('aria-sort')).toBe('ascending');
    expect(await numbers()).toEqual(['3', '2', '1']);
    await header.getByRole('button').click();
    expect(await numbers()).toEqual(['1', '2', '3']);

    await page.getByText('Columns').click();
    await page.getByLabel('Find a field').fill('latency');
    await page.getByRole('group', { name: 'hw_resources' }).getByLabel('latency').check();
    await page.getByRole('columnheader', { name: /hw_resources latency ms/ }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);

    // The address restores it, and the browser remembers the columns for every problem of the graph.
    await page.reload();
    await page.getByRole('columnheader', { name: /hw_resources latency ms/ }).waitFor();
    // The head is there before the rows have been read.
    await expect.poll(numbers).toEqual(['1', '2', '3']);
    await page.goto(at('table'));
    await page.getByRole('columnheader', { name: /hw_resources latency ms/ }).waitFor();
    expect(faults).toEqual([]);
  });

  it('iterates from an older row, with its input to change', async (ctx) => {
    const { page, faults } = await open(ctx, at('table'));
    await page.getByRole('button', { name: 'Iterate from 2' }).click();
    const dialog = page.getByRole('dialog', { name: 'Iterate from 2' });
    const text = dialog.getByLabel('Input, as JSON');
    const input = JSON.parse(await text.inputValue()) as Record<string, unknown>;
    expect(input.optimize_carbon_footprint_manual).toBe(true);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Iterate from 2' }).click();
    await text.fill(JSON.stringify({ ...input, geo_location_region: 'Poland' }));
    await dialog.getByRole('button', { name: 'Iterate' }).click();
    await page.getByText('iteration 4 from 2').waitFor();
    await page.getByText('6 of 6 modules').waitFor();
    // A table that is open follows: nothing is read again by hand.
    await page.goto(at('table'));
    await page
      .getByRole('row', { name: /^Compare iteration 4 4 Iterate from 4 succeeded 2 0\.\d+/ })
      .waitFor();
    await orchestrator.iterate(problem, { parent_iteration_id: 4 });
    await page
      .getByRole('row', { name: /^Compare iteration 5 5 Iterate from 5 succeeded 4 0\.\d+/ })
      .waitFor();
    expect(faults).toEqual([]);
  });
});

describe('the other views of the iterations', () => {
  it('compare what is marked in the table: what differs only, with the change in percent', async (ctx) => {
    const { page, faults } = await open(ctx, at('table'));
    await page.getByLabel('Compare iteration 1').check();
    await page.getByLabel('Compare iteration 3').check();
    await page.getByRole('button', { name: 'Compare 2' }).click();
    const row = page.getByRole('row', { name: /^carbon_footprint / });
    await row.getByText(/^−\d+\.\d %$/).waitFor();
    await page.getByRole('row', { name: 'geo_location_region Spain France' }).waitFor();
    // The same in both, so it is not shown.
    expect(await page.getByRole('row', { name: /^geo_location_continent/ }).count()).toBe(0);
    expect(await page.getByRole('rowheader', { name: /^hw_constraints/ }).count()).toBe(0);
    await page.getByRole('button', { name: 'Make 3 the base' }).click();
    await row.getByText(/^\+\d+(\.\d)? %$/).waitFor();
    expect(page.url()).toMatch(/compare=3%2C1/);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('draw any field against any other, smoothed or logarithmic, and all of them at once', async (ctx) => {
    const columns = `${FOOTPRINT},hw_resources.latency,hw_resources.power_consumption,input.geo_location_region`;
    const { page, faults } = await open(ctx, at('charts', `&columns=${columns}`));
    await page.getByLabel('Plot', { exact: true }).selectOption('hw_resources.latency');
    await page.getByLabel('against', { exact: true }).selectOption(FOOTPRINT);
    const scatter = page.getByRole('img', {
      name: /^hw_resources.latency against carbon_footprint.* \d iterations$/,
    });
    const drawn = async (): Promise<string> =>
      scatter.locator('canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
    const linear = await drawn();
    await page.getByLabel('Logarithmic').check();
    await expect.poll(drawn).not.toBe(linear);
    await page.getByLabel('Smooth').fill('0.5');
    const parallel = page.getByRole('img', {
      name: /^\d iterations over carbon_footprint\.carbon_footprint, /,
    });
    expect(await parallel.getByText('France').count()).toBe(1);
    // Pulled along the axis of the region, where it is France.
    const handle = parallel.locator('[data-axis="input.geo_location_region"]');
    await parallel.scrollIntoViewIfNeeded();
    const mark = (await parallel.getByText('France').boundingBox())!;
    const { x, width } = (await handle.boundingBox())!;
    await page.mouse.move(x + width / 2, mark.y - 10);
    await page.mouse.down();
    await page.mouse.move(x + width / 2, mark.y + mark.height + 10, { steps: 3 });
    await page.mouse.up();
    await page.getByText(/^1 of \d iterations: 3$/).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByText('Drag along an axis to select.').waitFor();
    expect(faults).toEqual([]);
  });

  it('draw the chosen fields, and say in words what they show', async (ctx) => {
    const { page, faults } = await open(ctx, at('charts', `&columns=${FOOTPRINT}`));
    const chart = page.getByRole('img', {
      name: /^carbon_footprint carbon_footprint in kg CO2e over \d iterations: /,
    });
    await chart.locator('canvas').waitFor();
    expect(await page.getByRole('img', { name: / over / }).count()).toBe(1);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('show the branches', async (ctx) => {
    const { page, faults } = await open(ctx, at('tree'));
    const items = page.getByRole('region', { name: 'Tree of iterations' }).getByRole('listitem');
    await expect.poll(() => items.count()).toBeGreaterThanOrEqual(3);
    expect(
      (await items.allInnerTexts()).slice(0, 3).map((text) => /(without parent|from \d)/.exec(text)?.[0]),
    ).toEqual(['without parent', 'from 1', 'from 1']);
    expect(await accessibilityFaults(page)).toEqual([]);
    await items.nth(1).getByRole('link').click();
    await page.getByText('iteration 3 from 1').waitFor();
    expect(faults).toEqual([]);
  });
});

describe('running a module again with an edit', () => {
  it('takes the recorded inputs, runs that module alone, and marks what is reused everywhere', async (ctx) => {
    const { page, faults } = await open(
      ctx,
      `${orchestrator.ready.http}/?problem=${problem}&iteration=1&module=carbon_footprint`,
    );
    await page.getByRole('button', { name: 'Run again with an edit' }).click();
    const dialog = page.getByRole('dialog', { name: 'Run carbon_footprint again' });
    await dialog.getByText('The outputs of ml_model_metadata, app_requirements').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const field = dialog.getByLabel('hw_resources, its output');
    const recorded = JSON.parse(await field.inputValue()) as Record<string, unknown>;
    const run = dialog.getByRole('button', { name: 'Run again' });
    await field.fill('{');
    await run.click();
    await dialog.getByText('This is not JSON').waitFor();
    // The orchestrator's refusal stands at the field too.
    await field.fill(JSON.stringify({ ...recorded, power_consumption: 'a lot' }));
    await run.click();
    await dialog.getByText('power_consumption').first().waitFor();
    await field.fill(JSON.stringify({ ...recorded, power_consumption: 1 }));
    const asked = page.waitForRequest((request) => request.method() === 'POST');
    await run.click();
    expect((await asked).postDataJSON()).toEqual({
      parent_iteration_id: 1,
      reuse: MODULES.filter((module) => module !== 'carbon_footprint'),
      overrides: { carbon_footprint: { hw_resources: { ...recorded, power_consumption: 1 } } },
    });

    await page.getByText('6 of 6 modules, 5 reused').waitFor();
    const iteration = Number(new URL(page.url()).searchParams.get('iteration'));
    await page.getByRole('button', { name: /^ml_model reused output of iteration 1/ }).click();
    const panel = page.getByRole('region', { name: 'ml_model', exact: true });
    await panel.getByRole('link', { name: 'output of iteration 1' }).waitFor();
    await panel.getByRole('region', { name: 'Output' }).getByText('yolo', { exact: false }).first().waitFor();
    expect(await panel.getByRole('region', { name: 'Attempts' }).count()).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: /^ml_model: reused from iteration 1/ }).waitFor();
    await page.getByRole('button', { name: /^carbon_footprint succeeded/ }).click();
    await page.getByRole('region', { name: 'Inputs' }).getByText('edited for this module').waitFor();

    await page.goto(at('compare', `&compare=1,${iteration}`));
    await page.getByRole('rowheader', { name: /^hw_resources as carbon_footprint got it/ }).waitFor();
    await page.goto(at('table', '&columns=ml_model.model,carbon_footprint.carbon_footprint'));
    await page.getByRole('row', { name: new RegExp(`^Compare iteration ${iteration} .* reused`) }).waitFor();
    await page.goto(at('tree'));
    await page.getByText('from 1, 5 reused').waitFor();

    // The scrubber shows it as it was, from the stored events.
    await page.goto(`${orchestrator.ready.http}/?problem=${problem}&iteration=${iteration}&module=ml_model`);
    await page.getByRole('slider', { name: 'Event' }).focus();
    await page.keyboard.press('Home');
    await page.getByText(/after event 1 of /).waitFor();
    await page.getByRole('button', { name: /^ml_model waiting/ }).waitFor();
    for (let step = 0; step < 5; step += 1) await page.keyboard.press('ArrowRight');
    await page.getByText('5 of 6 modules, 5 reused').waitFor();
    await panel.getByRole('region', { name: 'Output' }).getByText('yolo', { exact: false }).first().waitFor();
    expect(faults.filter((fault) => !fault.includes('422'))).toEqual([]);
  });
});

describe('every view', () => {
  const screens = {
    laptop: { width: 1440, height: 900 },
    desk: { width: 1920, height: 1080 },
    phone: { width: 390, height: 844 },
  };
  const pairs = [
    ['light', 'laptop'],
    ['dark', 'desk'],
    ['dark', 'phone'],
    // What differs between these and the others is seen by a person, not by axe.
    ...(SHOTS === undefined
      ? []
      : ([
          ['light', 'phone'],
          ['dark', 'laptop'],
          ['light', 'desk'],
        ] as const)),
  ] as const;
  /** By name, where it is and what is there once it is drawn. */
  const views: Record<string, readonly [search: string, there: string]> = {
    home: ['', '.module-lights li'],
    problems: ['page=problems', '.rows > li'],
    graphs: ['page=graphs&name=sustainml', '.fleet-table tbody tr'],
    history: ['problem={p}&iteration=1&part=history', '.history-line'],
    log: ['problem={p}&iteration=1&part=log', '.log-module'],
    new: ['page=new', '.form .bytes'],
    task: ['problem={p}&iteration=1', '.timeline-row'],
    module: ['problem={p}&iteration={reused}&module=carbon_footprint', '.attempts'],
    reused: ['problem={p}&iteration={reused}&module=ml_model', '.panel .json'],
    past: ['problem={p}&iteration=1&module=ml_model&at={at}', '.past'],
    table: ['page=iterations&problem={p}&view=table', 'td.number'],
    charts: ['page=iterations&problem={p}&view=charts', '.chart canvas'],
    compare: ['page=iterations&problem={p}&view=compare&compare=1,{reused}', '.differences td'],
    tree: ['page=iterations&problem={p}&view=tree', '.lineage li'],
    nodes: ['page=nodes', 'tbody tr'],
    node: ['page=nodes&node={node}', '.panel'],
    clusters: ['page=clusters', 'h1'],
    jobs: ['page=jobs', 'h1'],
    approvals: ['page=approvals', 'h1'],
    search: ['page=search', 'h1'],
  };

  it.for(pairs)(
    'has no fault that axe finds in the %s, and fits a %s',
    async ([colorScheme, screen], ctx) => {
      const viewport = screens[screen];
      const { page, faults } = await open(ctx, orchestrator.ready.http, { viewport, colorScheme });
      const [node] = await orchestrator.nodes();
      const { items } = (await orchestrator.get(`/v1/problems/${problem}/iterations/1/events?limit=30`)).body;
      const reused = await orchestrator.iterate(problem, {
        ...{ parent_iteration_id: 1, reuse: MODULES.filter((module) => module !== 'carbon_footprint') },
        overrides: { carbon_footprint: { hw_resources: { power_consumption: 1, latency: 2 } } },
      });
      await orchestrator.tape().ended(reused.task_id);
      const named = {
        '{reused}': String(reused.iteration_id),
        '{p}': problem,
        '{node}': node.node_id,
        '{at}': String(items.at(-1).seq),
      };
      for (const [view, [search, there]] of Object.entries(views)) {
        const filled = search.replace(/\{\w+\}/g, (name) => named[name as keyof typeof named]);
        await page.goto(`${orchestrator.ready.http}/?${filled}`);
        if (view === 'new') await page.locator('.form').getByLabel('Graph').selectOption('sustainml');
        await page.locator(there).first().waitFor();
        expect([view, await accessibilityFaults(page)]).toEqual([view, []]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect([view, overflow]).toEqual([view, 0]);
        if (SHOTS !== undefined)
          await page.screenshot({
            path: join(SHOTS, `${view}-${colorScheme}-${screen}.png`),
            fullPage: true,
          });
      }
      expect(faults).toEqual([]);
    },
  );
});
