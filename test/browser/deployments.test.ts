/// <reference lib="dom" />
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/** Deployments as a person sees them: real scripts and a real service on this machine. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page, Route } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing } from './browser.js';

const SHOP = `
blueprint: shop
inputs: { port: { type: integer, default: 80 } }
components:
  store:
    operations: { create: ./act.sh, start: ./act.sh, stop: ./act.sh }
  web:
    after: [store]
    operations: { start: ./act.sh, stop: ./act.sh }
  sitter:
    service: { count: 1, command: [sleep, "600"] }
outputs: { address: "http://\${store.address}:\${inputs.port}" }
`;

/** The file \`fail\` names steps that fail, and \`wait\` those that wait for the file to go. */
const ACT = `#!/bin/sh
echo "$TUTTI_MODULE begins"
while grep -qx "$TUTTI_MODULE" "$FOLDER/wait" 2>/dev/null; do sleep 0.05; done
if grep -qx "$TUTTI_MODULE" "$FOLDER/fail" 2>/dev/null; then echo "the port is taken" >&2; exit 3; fi
if [ $TUTTI_MODULE = store_create ]; then echo '{"address":"10.0.0.1"}' > "$TUTTI_OUTPUT"; fi
`;

const { open } = browsing();
const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  folder = await scene.directory();
  await writeFile(join(folder, 'shop.yaml'), SHOP);
  await writeFile(join(folder, 'act.sh'), ACT);
  const other = SHOP.replace('stop: ./act.sh', 'stop: ./more.sh').replace(
    'default: 80',
    'description: where it listens',
  );
  await writeFile(join(folder, 'other.yaml'), other);
  await writeFile(join(folder, 'more.sh'), ACT);
  orchestrator = await OrchestratorProcess.up(scene, { env: { FOLDER: folder } });
  // The service has one of them, and steps have the others.
  await orchestrator.patch('/v1/clusters/local', { slots: 4 });
});

beforeEach(() => letGo('fail', 'wait'));

async function letGo(...names: string[]): Promise<void> {
  for (const name of names) await rm(join(folder, name), { force: true });
}

const says = (name: 'fail' | 'wait', module: string): Promise<void> =>
  writeFile(join(folder, name), `${module}\n`);

async function deploy(name: string): Promise<void> {
  const command = cli(['deploy', join(folder, 'shop.yaml'), '--name', name], {
    url: orchestrator.ready.http,
  });
  expect(await command.exit).toBe(0);
}

const card = (page: Page, name: string) => page.locator('button.card', { hasText: name });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const state = (page: Page, word: string) => page.locator('.task-facts').getByText(word, { exact: true });

describe('the pages of deployments', () => {
  it('show one come up and fail with its message and its log, go on with it, and take it down', async (ctx) => {
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=deployments`);
    await page.getByRole('heading', { name: 'Bring an application up' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await says('wait', 'store_start');
    await says('fail', 'web_start');
    await deploy('shop');
    const row = page.getByRole('row', { name: /^shop / });
    await row.getByText('deploying').waitFor();
    await row.getByRole('link', { name: 'shop' }).click();

    await card(page, 'store').getByText('start on local').waitFor();
    await card(page, 'sitter').getByText('1 of 1 up on local').waitFor();
    await card(page, 'web').getByText('waiting for store_start').waitFor();
    await page.getByLabel('Log of the task').getByText('store_start begins').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await letGo('wait');
    await card(page, 'web').getByText('start: the command ended with exit code 3').waitFor();
    await card(page, 'store').getByText('deployed', { exact: true }).waitFor();
    await page
      .getByRole('alert')
      .getByText('web start on local: the command ended with exit code 3')
      .waitFor();
    await page.getByRole('heading', { name: 'Log of web' }).waitFor();
    await page.getByLabel('Log of the task').getByText('the port is taken').waitFor();
    await card(page, 'store').click();
    const panel = page.getByRole('region', { name: 'store', exact: true });
    await panel.getByRole('region', { name: 'Attributes' }).getByText('10.0.0.1').waitFor();
    expect(await panel.getByRole('listitem').allTextContents()).toEqual([
      expect.stringMatching(/^createsucceeded/),
      expect.stringMatching(/^startsucceeded/),
    ]);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });

    await letGo('fail');
    await button(page, 'Continue').click();
    await state(page, 'deployed').waitFor();
    expect(await page.getByRole('link', { name: 'http://10.0.0.1:80' }).getAttribute('href')).toBe(
      'http://10.0.0.1:80',
    );
    const operations = page.getByRole('region', { name: 'Operations' });
    await operations.getByRole('row', { name: /continue.*succeeded.*1 of 1/ }).waitFor();
    await operations.getByRole('link', { name: /^1\. deploy/ }).click();
    await page.getByText('the command ended with exit code 3').first().waitFor();
    await page.goBack();

    await button(page, 'Undeploy …').click();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button(page, 'Do nothing').click();
    await button(page, 'Undeploy …').click();
    await button(page, 'Undeploy').click();
    await state(page, 'undeployed').waitFor();
    expect(
      await page
        .getByRole('article')
        .getByRole('button', { name: /^(Continue|Undeploy|Cancel)/ })
        .count(),
    ).toBe(0);
    await operations.getByRole('row', { name: /undeploy.*succeeded/ }).waitFor();
    expect(faults).toEqual([]);
  });

  it('say that somebody else was faster, and cancel what is under way, on a phone too', async (ctx) => {
    await says('fail', 'web_start');
    await deploy('second');
    const { page } = await open(ctx, `${orchestrator.ready.http}/?page=deployments&problem=second`, {
      viewport: { width: 390, height: 844 },
      colorScheme: 'dark',
    });
    await state(page, 'failed').waitFor();
    await letGo('fail');
    await says('wait', 'web_start');
    const beFaster = async (route: Route): Promise<void> => {
      await orchestrator.post('/v1/deployments/second/continue', {});
      await route.continue();
    };
    await page.route('**/continue', beFaster, { times: 1 });
    await button(page, 'Continue').click();
    await page
      .getByText('continue (operation 2) of deployment second is under way: wait for it, or cancel it')
      .waitFor();
    await card(page, 'web').getByText('start on local').waitFor();
    await card(page, 'web').click();
    await page.getByLabel('Log of the task').getByText('web_start begins').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await button(page, 'Cancel …').click();
    await button(page, 'Cancel').click();
    await state(page, 'failed').waitFor();
    await page.getByRole('alert').getByText('cancelled', { exact: true }).waitFor();
    await letGo('wait');
    await button(page, 'Start over …').click();
    await button(page, 'Start over').click();
    await state(page, 'deployed').waitFor();
    await expect
      .poll(() => page.getByRole('row').allTextContents())
      .toContainEqual(expect.stringMatching(/continue.*4 of 4/));
    // Its service leaves room for the steps of others.
    await button(page, 'Undeploy …').click();
    await button(page, 'Undeploy').click();
    await state(page, 'undeployed').waitFor();
  });

  it('deploy a blueprint that is chosen with its files, once nothing is missing and its inputs are right', async (ctx) => {
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=deployments`);
    await page.getByRole('link', { name: 'Deploy a blueprint' }).click();
    await page.getByRole('heading', { name: 'Deploy a blueprint' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const files = page.getByLabel('Choose files');
    await files.setInputFiles(join(folder, 'act.sh'));
    await page.getByText('None of these files is a blueprint').waitFor();
    await files.setInputFiles(join(folder, 'other.yaml'));
    await page.getByRole('listitem').getByText('missing: choose it too').waitFor();
    expect(await button(page, 'Deploy').isDisabled()).toBe(true);
    await files.setInputFiles(join(folder, 'more.sh'));
    await page.getByLabel('port').fill('eighty');
    await page.getByLabel('Name').fill('third');
    await button(page, 'Deploy').click();
    await page.getByText('port: "eighty" is not of type integer').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByLabel('port').fill('8080');
    await button(page, 'Deploy').click();
    await state(page, 'deployed').waitFor();
    await page.getByRole('heading', { name: 'third' }).waitFor();
    await page.getByRole('link', { name: 'http://10.0.0.1:8080' }).waitFor();
    await button(page, 'Undeploy …').click();
    await button(page, 'Undeploy').click();
    await state(page, 'undeployed').waitFor();
    // The browser itself says that a request was refused.
    expect(faults.filter((fault) => !fault.includes('422'))).toEqual([]);
  });

  it('show what an update changes, and do it once that is confirmed', async (ctx) => {
    await deploy('fifth');
    const next = SHOP.replace('  web:', '  cache: { operations: { start: ./act.sh } }\n  web:').replace(
      'after: [store]',
      'after: [store, cache]\n    env: { MODE: fast }',
    );
    await writeFile(join(folder, 'next.yaml'), next);
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=deployments&problem=fifth`);
    await state(page, 'deployed').waitFor();
    await state(page, 'version 1').waitFor();
    await page.getByRole('link', { name: 'Update …' }).click();
    await page.getByLabel('Choose files').setInputFiles([join(folder, 'next.yaml'), join(folder, 'act.sh')]);
    await page.getByLabel('port').fill('8080');
    await button(page, 'Show what changes').click();
    const changes = page.getByRole('status', { name: 'Changes' });
    const part = (name: string) => changes.getByRole('region', { name }).getByRole('listitem');
    await part('Added').getByText('cache').waitFor();
    expect(await part('Changed').allTextContents()).toEqual([expect.stringContaining('web')]);
    expect(await part('Removed').count()).toBe(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    await button(page, 'Do nothing').click();
    await button(page, 'Show what changes').click();
    await button(page, 'Update').click();
    await state(page, 'version 2').waitFor();
    await state(page, 'deployed').waitFor();
    await card(page, 'cache').getByText('deployed', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'http://10.0.0.1:8080' }).waitFor();
    await page.getByRole('row', { name: /update.*succeeded/ }).waitFor();
    await button(page, 'Undeploy …').click();
    await button(page, 'Undeploy').click();
    await state(page, 'undeployed').waitFor();
    expect(faults).toEqual([]);
  });

  it('show viewers how deployments stand, and offer them nothing that they may not do', async (ctx) => {
    await deploy('fourth');
    const { page } = await open(ctx, 'about:blank');
    await page.route('**/v1/me', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), role: 'viewer' } });
    });
    await page.goto(`${orchestrator.ready.http}/?page=deployments`);
    await page
      .getByRole('row', { name: /^fourth / })
      .getByRole('link')
      .click();
    await state(page, 'deployed').waitFor();
    await page.getByRole('link', { name: 'http://10.0.0.1:80' }).waitFor();
    expect(await button(page, 'Undeploy …').count()).toBe(0);
    await page.getByRole('link', { name: 'All deployments' }).click();
    await page.getByRole('row', { name: /^fourth / }).waitFor();
    expect(await page.getByRole('link', { name: 'Deploy a blueprint' }).count()).toBe(0);
    await page.goto(`${orchestrator.ready.http}/?page=deploy`);
    await page.getByText('Deployments are for operators and administrators.').waitFor();
  });
});
