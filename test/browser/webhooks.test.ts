/// <reference lib="dom" />
/** Webhooks in the page: operators add, test and remove them, and everybody sees how they stand. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing } from './browser.js';

const TOKEN = 'a-token-of-the-role-admin-for-this-test';
const asAdmin = { authorization: `Bearer ${TOKEN}` };
const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
const got: { readonly type: string; readonly isSigned: boolean }[] = [];
let status = 204;
const receiver = createServer(async (request, response) => {
  const { type } = JSON.parse(await text(request)) as { type: string };
  got.push({ type, isSigned: request.headers['tutti-signature'] !== undefined });
  response.writeHead(status).end();
});

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['six'], env: { TUTTI_TOKEN: TOKEN } });
});
afterAll(() => receiver.close());

async function signIn(ctx: TestContext, role: string, width: number): Promise<Page> {
  const { body } = await orchestrator.post('/v1/access', { name: `the ${role}`, role }, asAdmin);
  const { page } = await open(ctx, `${orchestrator.ready.http}/?page=webhooks`, {
    viewport: { width, height: 844 },
  });
  await page.getByLabel('Token').fill(body.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Webhooks', exact: true }).waitFor();
  return page;
}

it('an operator adds a webhook, tests it, sees that it is not accepted, and removes it', async (ctx) => {
  const page = await signIn(ctx, 'operator', 1440);
  await page.getByText('No webhook has been added').waitFor();
  await page.getByRole('button', { name: 'Add a webhook' }).click();
  await page.getByLabel('Name').fill('chat');
  await page.getByLabel('Address').fill(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`);
  await page.getByLabel('A task has failed').check();
  await page.getByLabel('Other types').fill('iteration.submittd');
  await page.getByLabel('Secret').fill('a long random text');
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('did you mean iteration.submitted').first().waitFor();
  await page.getByLabel('Other types').fill('iteration.submitted');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  const row = page.getByRole('row', { name: /^chat/ });
  await row.getByText('iteration.failed, iteration.submitted').waitFor();
  await row.getByText('nothing to deliver yet').waitFor();
  await page.getByRole('button', { name: 'Test chat' }).click();
  await row.getByText('Accepted: 204').waitFor();
  expect(got).toEqual([{ type: 'webhook.test', isSigned: true }]);
  await orchestrator.post('/v1/problems', { graph: 'six', input: {} }, asAdmin);
  await row.getByText('delivering').waitFor();
  expect(got.at(-1)).toEqual({ type: 'iteration.submitted', isSigned: true });
  status = 500;
  await orchestrator.post('/v1/problems', { graph: 'six', input: {} }, asAdmin);
  await row.getByText('not accepted').waitFor();
  await row.getByText(/^500/).waitFor();
  await page.getByRole('button', { name: 'Test chat' }).click();
  await row.getByText('Not accepted: 500').waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);

  const viewer = await signIn(ctx, 'viewer', 390);
  await viewer.getByText('not accepted').waitFor();
  expect(await viewer.getByRole('button', { name: /webhook|chat/ }).count()).toBe(0);
  expect(await accessibilityFaults(viewer)).toEqual([]);
  expect(await viewer.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBe(0);

  await page.getByRole('button', { name: 'Remove chat …' }).click();
  await page.getByRole('button', { name: 'Keep' }).click();
  await page.getByRole('button', { name: 'Remove chat …' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByText('No webhook has been added').waitFor();
  const { body } = await orchestrator.get('/v1/webhooks', asAdmin);
  expect(body.items).toEqual([]);
});
