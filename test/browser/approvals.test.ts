/// <reference lib="dom" />
/** Approvals by role: each person sees what waits for them, and decides that; what waits for others is only shown. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing, type OpenPage } from './browser.js';

const GRAPH = `name: two_gates
source: { name: plan, type: json }
modules:
  proofread: { inputs: [plan], approve: { role: author, message: "Is the plan well written?" } }
  release: { inputs: [plan], approve: { role: operator, message: "May it go out?" } }
`;
const TOKEN = 'a-token-of-the-role-admin-for-this-test';
const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let task: string;
const asAdmin = { authorization: `Bearer ${TOKEN}` };

beforeAll(async () => {
  const graph = join(await scene.directory(), 'two_gates.yaml');
  await writeFile(graph, GRAPH);
  orchestrator = await OrchestratorProcess.up(scene, { graphs: [graph], env: { TUTTI_TOKEN: TOKEN } });
  const problem = { graph: 'two_gates', title: 'a plan', input: { text: 'to the moon' } };
  const { status, body } = await orchestrator.post('/v1/problems', problem, asAdmin);
  expect(status).toBe(201);
  task = body.task_id;
});

async function signIn(ctx: TestContext, role: string): Promise<OpenPage> {
  const { body } = await orchestrator.post('/v1/access', { name: `the ${role}`, role }, asAdmin);
  const opened = await open(ctx, `${orchestrator.ready.http}/?page=approvals`);
  await opened.page.getByLabel('Token').fill(body.token);
  await opened.page.getByRole('button', { name: 'Sign in' }).click();
  await opened.page.getByRole('heading', { name: 'Approvals' }).waitFor();
  return opened;
}

describe('the approvals', () => {
  it('a viewer sees what waits for approval, with its inputs and without buttons', async (ctx) => {
    const { page } = await signIn(ctx, 'viewer');
    await page
      .getByRole('region', { name: 'release of a plan' })
      .getByText(/to the moon/)
      .first()
      .waitFor();
    await page
      .getByRole('region', { name: 'proofread of a plan' })
      .getByText(/to the moon/)
      .first()
      .waitFor();
    expect(await page.getByRole('button', { name: /^(Approve|Deny)/ }).count()).toBe(0);
    expect(await page.title()).toBe('Approvals · Tutti');
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('an author sees their own approvals in the title, and those that ask an operator apart', async (ctx) => {
    const { page } = await signIn(ctx, 'author');
    await page.waitForFunction(() => document.title === '(1) Approvals · Tutti');
    const others = page.getByRole('region', { name: 'For others to decide' });
    await others.getByText('May it go out?').waitFor();
    expect(await others.getByRole('button', { name: /^(Approve|Deny)/ }).count()).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    await others.getByRole('link', { name: 'release' }).click();
    await page.locator('.panel').getByText('May it go out?', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Approve release' }).count()).toBe(0);
    await page.goBack();
    await page.getByLabel('Reason').fill('no faults found');
    await page.getByRole('button', { name: 'Approve proofread' }).click();
    await page.getByText('Nothing is waiting for your approval.').waitFor();
    await page.waitForFunction(() => document.title === 'Approvals · Tutti');
    expect(await others.getByText('May it go out?').count()).toBe(1);
  });

  it('an operator decides with a reason, which the history keeps', async (ctx) => {
    const { page, faults } = await signIn(ctx, 'operator');
    await page.waitForFunction(() => document.title === '(1) Approvals · Tutti');
    await page.getByLabel('Reason').fill('not this week');
    await page.getByRole('button', { name: 'Deny release' }).click();
    await page.getByText('Nothing is waiting for your approval.').waitFor();
    const { body } = await orchestrator.get(`${pathOf(task)}/events?limit=1000`, asAdmin);
    const decided = (body.items as { type: string }[]).filter(({ type }) => type === 'approval.decided');
    expect(decided).toMatchObject([
      { module: 'proofread', decision: 'approve', by: 'the author', reason: 'no faults found' },
      { module: 'release', decision: 'deny', by: 'the operator', reason: 'not this week' },
    ]);
    // Before the sign-in.
    expect(faults.filter((fault) => !/401|Authentication failed/.test(fault))).toEqual([]);
  });
});
