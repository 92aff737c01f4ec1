/// <reference lib="dom" />
/** Values in the page are the texts that came in: shown, downloaded, edited and sent again. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';
import { browsing } from './browser.js';

const PARTS = [
  '"rate":1.0',
  '"zero":-0',
  '"10":1e5',
  '"9":3.14159265358979323846264338',
  '"__proto__":{"deep":2.50}',
];
const TEXT = `{${PARTS.join(',')}}`;
const OTHER = TEXT.replace('1.0', '1.50').replace('38,', '39,');
const GRAPH = `name: rated
source: { name: problem, type: json:rates }
modules:
  work: { inputs: [problem], output: json }
`;
const SCHEMA = {
  type: 'object',
  properties: { rate: { type: 'number' }, count: { type: 'integer' }, rest: {} },
};
const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let peer: RawPeer;

beforeAll(async () => {
  const folder = await scene.directory();
  const graph = join(folder, 'rated.yaml');
  await writeFile(graph, GRAPH);
  await writeFile(join(folder, 'rates.schema.json'), JSON.stringify(SCHEMA));
  orchestrator = await OrchestratorProcess.up(scene, {
    graphs: ['one', graph],
    args: ['--proto-path', folder],
  });
  peer = new RawPeer(scene, orchestrator);
  await peer.join({ capacity: 4 });
});

/** Plays the node: puts this out for the next assignment, and says what its input was. */
async function answer(output: string): Promise<string> {
  const assign = await peer.assignment();
  peer.publish(assign, 1, { last: true, payload: { kind: 'inline', bytes: Buffer.from(output) } });
  await peer.acked(assign.executionId, 1, true);
  const [given] = assign.inputs;
  return given?.value?.kind === 'inline' ? Buffer.from(given.value.bytes).toString() : '';
}

async function submit(graph: string, input: string, output: string): Promise<string> {
  const response = await fetch(`${orchestrator.ready.http}/v1/problems`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"graph":"${graph}","input":${input}}`,
  });
  const { task_id } = (await response.json()) as { task_id: string };
  await answer(output);
  return task_id;
}

/** Without indentation. */
const inLine = (text: string): string => text.replace(/\n */g, '').replaceAll('": ', '":');
const part = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

describe('a value in the page', () => {
  it('is shown, downloaded, edited and sent again as the text that it came as', async (ctx) => {
    const task = await submit('one', TEXT, TEXT);
    const [problem = ''] = task.split('/');
    const { page, faults } = await open(
      ctx,
      `${orchestrator.ready.http}/?problem=${problem}&iteration=1&module=work`,
    );
    const output = part(page, 'Output');
    await output.getByText('rate', { exact: true }).waitFor();
    expect(await output.locator('.json-root > .json-field > dt').allInnerTexts()).toEqual([
      ...['rate', 'zero', '10', '9', '__proto__'],
    ]);
    expect(await output.locator('.json-number').allInnerTexts()).toEqual([
      ...['1.0', '-0', '1e5', '3.14159', '2.50'],
    ]);
    expect(await output.getByTitle('3.14159265358979323846264338').innerText()).toBe('3.14159');
    await output.getByText('Raw').click();
    expect(inLine(await output.locator('pre').innerText())).toBe(TEXT);
    await output.getByText('Tree').click();
    for (const number of ['1.0', '-0', '1e5', '3.14159265358979323846264338'])
      await output.getByRole('tree').getByText(number, { exact: true }).waitFor();
    const download = page.waitForEvent('download');
    await output.getByRole('button', { name: 'Download JSON' }).click();
    let saved = '';
    for await (const chunk of await (await download).createReadStream()) saved += String(chunk);
    expect(inLine(saved)).toBe(TEXT);

    await page.goto(`${orchestrator.ready.http}/?page=iterations&problem=${problem}&view=table`);
    await page.getByRole('button', { name: 'Iterate from 1' }).click();
    const dialog = page.getByRole('dialog');
    const field = dialog.getByLabel('Input, as JSON');
    expect(inLine(await field.inputValue())).toBe(TEXT);
    await field.fill((await field.inputValue()).replace('1.0', '1.50').replace('38,', '39,'));
    await dialog.getByRole('button', { name: 'Iterate' }).click();
    expect(inLine(await answer(OTHER))).toBe(OTHER);
    await page.getByText('1 of 1 modules').waitFor();

    await page.goto(
      `${orchestrator.ready.http}/?page=iterations&problem=${problem}&view=compare&compare=1,2`,
    );
    await page.getByRole('row', { name: 'rate 1.0 1.50 +50.0 %' }).first().waitFor();
    await page.getByRole('row', { name: 'rate 1.0 1.50' }).first().waitFor();
    expect(faults).toEqual([]);
  });

  it('is given to a module that runs again as it was recorded, and only what was edited is sent', async (ctx) => {
    const task = await submit('one', TEXT, '{}');
    const { page, faults } = await open(
      ctx,
      `${orchestrator.ready.http}/?problem=${task.split('/')[0]}&iteration=1&module=work`,
    );
    const again = async (edit: (text: string) => string): Promise<string> => {
      await page.getByRole('button', { name: 'Run again with an edit' }).click();
      const dialog = page.getByRole('dialog', { name: 'Run work again' });
      const field = dialog.getByLabel('problem, the input');
      const text = await field.inputValue();
      expect(inLine(text)).toBe(TEXT);
      await field.fill(edit(text));
      await dialog.getByRole('button', { name: 'Run again', exact: true }).click();
      const given = inLine(await answer('{}'));
      await page.goto(`${orchestrator.ready.http}/?problem=${task.split('/')[0]}&iteration=1&module=work`);
      return given;
    };
    expect(await again((text) => text)).toBe(TEXT);
    expect(await again((text) => text.replace('-0', '-0.0'))).toBe(TEXT.replace('-0', '-0.0'));
    const { body } = await orchestrator.get(pathOf(`${task.split('/')[0]}/2`));
    expect(body.overrides).toEqual({});
    expect(faults).toEqual([]);
  });

  it('is typed into a form as it is to be, and a form keeps what it is filled with', async (ctx) => {
    const task = await submit('rated', '{"rate":1.0,"count":7,"rest":[-0]}', '{}');
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?problem=${task.split('/')[0]}`);
    await page.getByText('1 of 1 modules').waitFor();
    await page.getByRole('link', { name: 'New problem' }).click();
    await page.locator('.form').getByLabel('Graph').selectOption('rated');
    await page.getByRole('button', { name: 'Use the input' }).click();
    expect(await page.getByLabel('rate', { exact: true }).inputValue()).toBe('1.0');
    await page.getByLabel('count').fill('10');
    await page.getByRole('button', { name: 'Submit' }).click();
    expect(await answer('{}')).toBe('{"rate":1.0,"count":10,"rest":[-0]}');
    await page.getByText('1 of 1 modules').waitFor();

    await page.getByRole('link', { name: 'New problem' }).click();
    await page.locator('.form').getByLabel('Graph').selectOption('rated');
    await page.getByLabel('rate', { exact: true }).pressSequentially('-2.500');
    expect(await page.getByLabel('rate', { exact: true }).inputValue()).toBe('-2.500');
    await page.getByLabel('rest').fill('[1e2]');
    await page.getByRole('button', { name: 'Submit' }).click();
    expect(await answer('{}')).toBe('{"rate":-2.500,"rest":[1e2]}');
    expect(faults).toEqual([]);
  });
});
