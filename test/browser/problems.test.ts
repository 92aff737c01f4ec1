/// <reference lib="dom" />
/** What a person does to have a problem solved: a form, a sample, a list to find it again. */
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { OrchestratorProcess, SUSTAINML_GRAPH } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing, eventually } from './browser.js';

const MODULES = [
  ...[
    'ml_model_metadata',
    'app_requirements',
    'hw_constraints',
    'ml_model',
    'hw_resources',
    'carbon_footprint',
  ],
];
const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  orchestrator = await OrchestratorProcess.up(scene, { graphs: [SUSTAINML_GRAPH, 'pair'] });
  for (const module of MODULES) {
    scene.spawn([`dist/nodes/sustainml/${module}/node.js`], {
      TUTTI_CONTROL: orchestrator.ready.control,
      TUTTI_INSTANCE: `${module}-1`,
    });
  }
});

/** A problem in the list beside the stage, which may show it too. */
const listed = (page: Page, name: RegExp) => page.locator('.side').getByRole('link', { name });
const at = (search = ''): string => `${orchestrator.ready.http}/${search}`;

describe('a new problem', () => {
  it('begins with a sample, and its six modules are seen to finish', async (ctx) => {
    const { page, faults, hosts } = await open(ctx, at());
    await page.getByRole('link', { name: 'New problem' }).click();
    await page.locator('.form').getByLabel('Graph').selectOption('sustainml');
    await page.getByRole('button', { name: 'Steel defects' }).click();
    const description = page.getByLabel('problem_short_description');
    expect(await description.inputValue()).toBe('Detect surface defects on hot-rolled steel strip');
    expect(await page.getByLabel('minimum_samples').inputValue()).toBe('1800');
    // The comments of the type's fields are the form's help.
    await page.getByText('The fewest training samples that the user can provide.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Submit' }).click();

    await page.getByText('6 of 6 modules').waitFor();
    for (const module of MODULES) {
      expect(await page.getByRole('button', { name: new RegExp(`^${module} succeeded`) }).count()).toBe(1);
    }
    await page.getByRole('button', { name: /^ml_model succeeded/ }).click();
    await page.getByRole('region', { name: 'Log lines' }).getByText('model proposed').waitFor();
    await page.getByRole('region', { name: 'Output' }).getByText('yolo', { exact: false }).first().waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
    expect([...hosts]).toEqual([new URL(orchestrator.ready.http).host]);
  });

  it('takes less than 400 kB of compressed JavaScript before anything is to be seen', async (ctx) => {
    const { page } = await open(ctx, 'about:blank');
    const scripts: Promise<Buffer>[] = [];
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(response.body());
    });
    await page.goto(at());
    await page.getByRole('link', { name: 'New problem' }).waitFor();
    const sizes = (await Promise.all(scripts)).map((script) => gzipSync(script).byteLength);
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(400_000);
  });

  it('shows the faults of its input at their fields, as a form and as JSON', async (ctx) => {
    const { page } = await open(ctx, at('?page=new'));
    await page.locator('.form').getByLabel('Graph').selectOption('sustainml');
    await page.getByLabel('minimum_samples').fill('-5');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByText('Not accepted: see the fields above.').waitFor();
    const field = page.locator('.field', { has: page.getByLabel('minimum_samples') }).last();
    expect(await field.locator('.faults').innerText()).toMatch(/-5/);
    expect(await page.getByLabel('minimum_samples').getAttribute('aria-invalid')).toBe('true');
    expect(await accessibilityFaults(page)).toEqual([]);

    await page.getByRole('tab', { name: 'JSON' }).click();
    const text = page.getByLabel('Input, as JSON');
    expect(JSON.parse(await text.inputValue())).toEqual({ minimum_samples: -5 });
    await text.fill('{ "minimum_samples": }');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByText('This is not JSON').waitFor();
  });

  it('takes a file that is dropped on a field of bytes', async (ctx) => {
    const { page } = await open(ctx, at('?page=new'));
    await page.locator('.form').getByLabel('Graph').selectOption('sustainml');
    const field = page.locator('.bytes');
    await field.waitFor();
    const dropped = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['{"max_memory_footprint": 64}'], 'limits.json'));
      return transfer;
    });
    await field.dispatchEvent('drop', { dataTransfer: dropped });
    await field.getByText('limits.json, 28 B').waitFor();
    await page.getByRole('tab', { name: 'JSON' }).click();
    const input = JSON.parse(await page.getByLabel('Input, as JSON').inputValue()) as { extra_data: string };
    expect(atob(input.extra_data)).toBe('{"max_memory_footprint": 64}');
  });

  it('a new problem of a graph without a schema is typed as JSON', async (ctx) => {
    const { page } = await open(ctx, at('?page=new'));
    await page.locator('.form').getByLabel('Graph').selectOption('pair');
    await page.getByLabel('Input, as JSON').fill('{ "name": "typed" }');
    await page.getByLabel('Title').fill('A pair of modules');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('heading', { name: 'A pair of modules' }).waitFor();
    // Nobody plays it: it says what it waits for.
    await page.getByText('waiting for a node of first').first().waitFor();
  });
});

describe('the list of problems', () => {
  it('is live, newest first, and is searched and narrowed by what the address keeps', async (ctx) => {
    const { page, faults } = await open(ctx, at());
    const rows = page.locator('.rows > li');
    await page.getByRole('link', { name: 'New problem' }).waitFor();
    const names = ['red apples', 'green apples', 'pears'];
    for (const title of names) await orchestrator.submit('pair', { title }, { title });
    await listed(page, /^pears/).waitFor();
    expect((await rows.allInnerTexts()).slice(0, 3).map((row) => row.split('\n')[0])).toEqual(
      [...names].reverse(),
    );
    await page.getByLabel('Search').fill('apples');
    await listed(page, /^pears/).waitFor({ state: 'detached' });
    await expect.poll(() => rows.count(), { timeout: 20_000 }).toBe(2);
    await page.getByLabel('State').selectOption('waiting');
    await page.waitForURL(/state=waiting/);
    await page.reload();
    await listed(page, /^green apples/).waitFor();
    expect(await page.getByLabel('Search').inputValue()).toBe('apples');
    await expect.poll(() => rows.count(), { timeout: 20_000 }).toBe(2);

    // A word that stands in no title, only in an input.
    await orchestrator.submit('pair', { note: 'Quince marmalade' }, { title: 'breakfast' });
    await page.getByLabel('Search').fill('quince');
    await listed(page, /^breakfast/).waitFor();
    await expect.poll(() => rows.count(), { timeout: 20_000 }).toBe(1);
    await page.getByLabel('Search').fill('apples');
    await listed(page, /^green apples/).waitFor();

    // What is selected and what is listed do not disturb each other.
    await listed(page, /^red apples/).click();
    await page.getByRole('heading', { name: 'red apples' }).waitFor();
    expect(page.url()).toMatch(/q=apples/);
    await page.getByRole('button', { name: 'Stop' }).click();
    await listed(page, /^red apples/).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Show all problems' }).click();
    await listed(page, /^red apples cancelled/).waitFor();
    expect(faults).toEqual([]);
  });

  it('reads on as it is scrolled, holds only the rows in sight, and is walked with the arrow keys', async (ctx) => {
    await Promise.all(
      Array.from({ length: 180 }, (_, index) =>
        orchestrator.submit('pair', {}, { title: `number ${index}` }),
      ),
    );
    const { page } = await open(ctx, at('?q=number'));
    await page.locator('.rows > li').first().waitFor();
    const scroller = page.locator('.rows-scroller');
    const height = (): Promise<number> => scroller.evaluate((box) => box.scrollHeight);
    const first = await height();
    await scroller.evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await expect.poll(height, { timeout: 20_000 }).toBeGreaterThan(first);
    await scroller.evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await page.locator('.rows > li[aria-posinset="180"]').waitFor();
    expect(await page.locator('.rows > li').count()).toBeLessThan(60);

    await scroller.evaluate((box) => box.scrollTo(0, 0));
    const top = page.locator('.rows > li[aria-posinset="1"] a');
    await top.focus();
    await page.keyboard.press('ArrowDown');
    expect(
      await page.locator('.rows > li[aria-posinset="2"] a').evaluate((row) => row === document.activeElement),
    ).toBe(true);
  });

  it('is the page on a phone, in the dark too, without a fault that axe finds', async (ctx) => {
    const phone = { viewport: { width: 390, height: 800 }, colorScheme: 'dark' } as const;
    const { page } = await open(ctx, at('?page=problems'), phone);
    await page.locator('.rows > li').first().waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
});

describe('what people say about a problem', () => {
  it('is changed on its page and in the list, and every open tab follows', async (ctx) => {
    const { problem_id } = await orchestrator.submit('pair', {}, { title: 'first words', tags: ['known'] });
    const shown = `?problem=${problem_id}`;
    const [{ page, faults }, { page: other }] = [await open(ctx, at(shown)), await open(ctx, at(shown))];
    const button = (name: string, on = page) =>
      on.locator('.stage').getByRole('button', { name, exact: true });
    await other.getByRole('heading', { name: 'first words' }).waitFor();

    await button('Edit the title').click();
    await page.getByLabel('Title', { exact: true }).fill('last words');
    await page.keyboard.press('Enter');
    for (const one of [page, other]) await one.getByRole('heading', { name: 'last words' }).waitFor();
    await listed(other, /^last words/).waitFor();
    await expect
      .poll(() => button('Edit the title').evaluate((it) => it === document.activeElement))
      .toBe(true);

    await page.getByLabel('Add a tag').fill('a,b');
    await page.getByText('A tag has letters').waitFor();
    await page.getByLabel('Add a tag').fill('paper');
    await page.locator('datalist option[value="known"]').waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await button('paper', other).waitFor();
    await button('Remove the tag known', other).click();
    await button('Remove the tag known').waitFor({ state: 'detached' });

    await button('Add notes').click();
    await page.getByLabel('Notes, in Markdown').fill('# Seen\n\nIt is *good*. <img src=x onerror=alert(1)>');
    await button('Save').click();
    await other.getByRole('region', { name: 'Notes' }).getByRole('heading', { name: 'Seen' }).waitFor();
    expect(await other.getByRole('region', { name: 'Notes' }).locator('img').count()).toBe(0);

    await button('Star for last words').click();
    const star = other.locator('.side').getByRole('button', { name: 'Star for last words' });
    await eventually(async () => expect(await star.getAttribute('aria-pressed')).toBe('true'));
    expect(await accessibilityFaults(page)).toEqual([]);

    await button('paper').click();
    await page.waitForURL(/tag=paper/);
    await expect.poll(() => page.locator('.rows > li').count(), { timeout: 20_000 }).toBe(1);
    await button('Archive').click();
    await listed(page, /^last words/).waitFor({ state: 'detached' });
    await button('Undo').click();
    await listed(page, /^last words/).waitFor();
    await button('Archive').click();
    await listed(page, /^last words/).waitFor({ state: 'detached' });
    await page.getByLabel('Archived too').check();
    await listed(page, /^last words/).waitFor();
    await button('Unarchive', other).click();
    await button('Archive').waitFor();
    await page.getByLabel('Archived too').uncheck();
    await page.getByLabel('Starred').check();
    await listed(page, /^last words/).waitFor();
    await star.click();
    await listed(page, /^last words/).waitFor({ state: 'detached' });
    expect(faults).toEqual([]);
  });

  it('notes that somebody else writes at the same moment are not lost', async (ctx) => {
    const { problem_id } = await orchestrator.submit('pair', {}, { title: 'two writers', notes: 'old' });
    const { page } = await open(ctx, at(`?problem=${problem_id}`));
    await page.getByRole('button', { name: 'Edit the notes' }).click();
    await page.getByLabel('Notes, in Markdown').fill('mine');
    await orchestrator.patch(`/v1/problems/${problem_id}`, { starred: true });
    await orchestrator.patch(`/v1/problems/${problem_id}`, { notes: 'theirs' });
    await page.getByText('Somebody else has changed the notes').waitFor();
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Replace theirs' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('region', { name: 'Notes' }).getByText('mine').waitFor();
    expect((await orchestrator.get(`/v1/problems/${problem_id}`)).body.notes).toBe('mine');
  });

  it('is in reach on a phone', async (ctx) => {
    const long = 'a tag that is as long as a tag may be for a narrow screen too';
    const said = { title: 'x'.repeat(200), tags: ['one', long], notes: '`code`', archived: true };
    const { problem_id } = await orchestrator.submit('pair', {}, said);
    const { page } = await open(ctx, at(`?problem=${problem_id}`), { viewport: { width: 390, height: 800 } });
    await page.getByRole('region', { name: 'Notes' }).getByText('code').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await page.getByRole('button', { name: 'Unarchive' }).click();
    await page.getByRole('button', { name: 'one', exact: true }).click();
    await page.locator('.rows > li').first().waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
