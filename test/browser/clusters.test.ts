/// <reference lib="dom" />
/** Clusters, services and jobs as a person sees them: real scripts on this machine. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing } from './browser.js';

const { open } = browsing();
const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  folder = await scene.directory();
  orchestrator = await OrchestratorProcess.up(scene, {});
});

/** Hands a script over as a person does, and returns the id of its job. */
async function run(name: string, script: string): Promise<string> {
  await writeFile(join(folder, `${name}.sh`), `#!/bin/sh\n${script}\n`);
  await writeFile(join(folder, `${name}.yaml`), `name: ${name}\nscript_path: ./${name}.sh\n`);
  const command = cli(['run', join(folder, `${name}.yaml`)], { url: orchestrator.ready.http });
  expect(await command.exit).toBe(0);
  return command.stdout().trim();
}

describe('the pages of clusters, services and jobs', () => {
  it('say that this machine is not needed before it has got its first command, and follow when it is', async (ctx) => {
    const list = cli(['cluster', 'list'], { url: orchestrator.ready.http });
    expect(await list.exit).toBe(0);
    expect(list.stdout()).toMatch(/^local +local +active +not needed yet +0\/\d+ *$/m);
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=clusters`);
    const cluster = page.getByRole('row', { name: /^local / });
    await cluster.getByText('it starts with the first graph that has a command').waitFor();
    await page.getByText('1 not needed yet · 0 running · nothing waits').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Jobs' }).click();
    await page.getByRole('heading', { name: 'Run a script' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goBack();
    await run('first', 'true');
    await cluster.getByText('online', { exact: true }).waitFor();
    await page.getByText(/^1 of 1 online/).waitFor();
    expect(faults).toEqual([]);
  });

  it('show what a script says while it runs, and cancel it', async (ctx) => {
    const job = await run('endless', 'echo "step 1 of many"; sleep 600');
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=jobs&problem=${job}`);
    const row = page.getByRole('row', { name: /^endless / });
    await row.getByText('running').waitFor();
    await page.getByLabel('Log of the task').getByText('step 1 of many').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await row.getByRole('link', { name: 'local' }).click();
    const cluster = page.getByRole('row', { name: /^local / });
    await cluster.getByRole('link', { name: /^problem / }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goBack();
    await row.getByRole('button', { name: 'Cancel endless' }).click();
    await row.getByText('cancelled', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('drain a cluster, say at a task what keeps its script waiting, and let it run again', async (ctx) => {
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=clusters`);
    const cluster = page.getByRole('row', { name: /^local / });
    await cluster.getByRole('button', { name: 'Drain local' }).click();
    await cluster.getByText('draining').waitFor();
    await run('patient', 'exit 3');
    await page.getByRole('link', { name: 'Jobs' }).click();
    const row = page.getByRole('row', { name: /^patient / });
    await row.getByText('pending').waitFor();
    await row.getByRole('link', { name: 'Task' }).click();
    await page.getByText('waiting for a cluster: 1 of 1 is draining').first().waitFor();
    await page.getByRole('status').getByRole('link', { name: 'Clusters' }).click();
    await cluster.getByRole('button', { name: 'Activate local', exact: true }).click();
    await page.getByRole('link', { name: 'Jobs' }).click();
    await row.getByText('exit code 3', { exact: true }).waitFor();
    await row.getByRole('link', { name: 'Task' }).click();
    const panel = page.getByRole('region', { name: 'script', exact: true });
    const fact = (name: string) => panel.locator('.command-facts > div', { hasText: name }).locator('dd');
    await page.locator('button.card', { hasText: 'script' }).click();
    await expect.poll(() => fact('Exit code').textContent()).toBe('3');
    expect(await fact('Cluster').textContent()).toBe('local');
    expect(await fact('Process').textContent()).toMatch(/^\d+/);
    expect(await panel.locator('.command-line pre').textContent()).toBe('./.tutti-script');
    expect(await accessibilityFaults(page)).toEqual([]);
    // Before it began, nothing of this was known.
    await page.locator('.scrubber-range').press('Home');
    await expect.poll(() => fact('Exit code').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('show what is kept running, where it is, what is wrong and where more would go, and scale, restart and stop it', async (ctx) => {
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=services`);
    await page.getByRole('heading', { name: 'Keep something running' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const file = join(folder, 'services.yaml');
    await writeFile(file, 'services: [{ name: sitter, command: [sleep, "600"] }]\n');
    expect(await cli(['service', 'apply', file], { url: orchestrator.ready.http }).exit).toBe(0);
    const service = page.getByRole('row', { name: /^sitter service / });
    await service.getByText('1 of 1').waitFor();
    await service.getByText('ok', { exact: true }).waitFor();
    await service.getByRole('link', { name: 'sitter' }).click();
    const replica = page.getByRole('row', { name: /^sitter-1 / });
    await replica.getByText('running', { exact: true }).waitFor();
    const placement = page.getByRole('region', { name: 'Placement of sitter' });
    await placement.getByRole('row', { name: /^local \d.* it fits$/ }).waitFor();
    await service.getByRole('button', { name: 'Restart sitter' }).click();
    await replica.getByText('1', { exact: true }).waitFor();
    await replica.getByText('running', { exact: true }).waitFor();
    await page.getByRole('spinbutton', { name: 'Replicas' }).fill('9');
    await page.getByRole('button', { name: 'Scale' }).click();
    await service.getByText('degraded').waitFor();
    await service.getByText(/^\d+ of 9 replicas: waiting for a cluster: 1 of 1 /).waitFor();
    await placement.getByRole('row', { name: /^local – / }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await service.getByRole('button', { name: 'Stop sitter' }).click();
    await service.getByText('stopped', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });
});

describe('the page of the audit', () => {
  it('shows administrators who did what, newest first and page by page, narrowed, on a phone too', async (ctx) => {
    const token = 'a-token-of-the-role-admin-for-this-test';
    const guarded = await OrchestratorProcess.up(scene, { env: { TUTTI_TOKEN: token } });
    const asAdmin = { authorization: `Bearer ${token}` };
    const grant = async (name: string): Promise<string> => {
      const { status, body } = await guarded.post('/v1/access', { name, role: 'viewer' }, asAdmin);
      expect(status).toBe(201);
      return body.token;
    };
    const ada = await grant('ada');
    for (let index = 0; index < 100; index += 1) await grant(`grant ${index}`);
    const refused = await guarded.post('/v1/graphs', { yaml: '' }, { authorization: `Bearer ${ada}` });
    expect(refused.status).toBe(403);

    const signIn = async (as: string): Promise<Awaited<ReturnType<typeof open>>> => {
      const opened = await open(ctx, `${guarded.ready.http}/?page=audit`, {
        viewport: { width: 1440, height: 900 },
      });
      await opened.page.getByLabel('Token').fill(as);
      await opened.page.getByRole('button', { name: 'Sign in' }).click();
      return opened;
    };
    const { page } = await signIn(token);
    const rows = page.getByRole('region', { name: 'Entries' }).getByRole('row');
    await page.getByRole('heading', { name: 'Audit' }).waitFor();
    await page.getByRole('cell', { name: /operator_needed/ }).waitFor();
    await expect.poll(() => rows.count()).toBe(101);
    expect(await page.getByText('grant 0', { exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('grant 0', { exact: true }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);

    await page.getByLabel('Result').selectOption('refused');
    await expect.poll(() => rows.count()).toBeLessThan(5);
    await page.getByLabel('Who').fill('ada');
    await page.getByLabel('Who').press('Enter');
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.nth(1).textContent()).toMatch(/ada.*POST \/v1\/graphs.*refused.*operator_needed/);
    await page.getByLabel('What').selectOption('sign_in');
    await page.getByText('There is no such entry.').waitFor();
    await page.getByLabel('What').selectOption('store_graph');
    await expect.poll(() => rows.count()).toBe(2);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);

    const { page: others } = await signIn(ada);
    await others.getByText('The audit is for administrators; your role is viewer.').waitFor();
    expect(await others.getByRole('link', { name: 'Audit' }).count()).toBe(0);
    expect(await accessibilityFaults(others)).toEqual([]);
    await guarded.process.end();
  });
});
