/// <reference lib="dom" />
/** What a person does with a task: watches it, steers it, iterates, and goes back in time. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Replay } from '../../frontend-bridge/web/src/task/replay.js';
import type { EventJson } from '../../src/contract/event.js';
import type { GraphJson } from '../../src/contract/graph.js';
import type { TaskJson } from '../../src/contract/iteration.js';
import { taskOf } from '../support/event-tape.js';
import { SIX, startNode } from '../support/nodes.js';
import { OrchestratorProcess, pathOf, type Submitted } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { accessibilityFaults, browsing } from './browser.js';

const { open } = browsing();
const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['six', 'gated', 'asking', 'looping'] });
  for (const module of SIX) startNode(scene, orchestrator, { module, capacity: 4 });
});

const at = (task: Submitted, more = ''): string =>
  `${orchestrator.ready.http}/?problem=${task.problem_id}&iteration=${task.iteration_id}${more}`;
const card = (page: Page, module: string, state: string) =>
  page.locator('.card', { has: page.getByText(module, { exact: true }) }).getByText(state, { exact: true });
const gate = async (): Promise<string> => join(await scene.directory(), 'gate');
const eventsOf = async (task: Submitted): Promise<EventJson[]> =>
  (await orchestrator.get(`${pathOf(task.task_id)}/events?limit=1000`)).body.items;
/** One that has been tried again, with partial outputs of both attempts. */
const RETRIED = {
  name: 'r',
  model: { partials: 3, fail: { times: 1, code: 'oom', message: 'out of memory' } },
};

describe('a task', () => {
  it('is seen at work, is stopped, and says how fast that was acknowledged', async (ctx) => {
    const task = await orchestrator.submit('six', { model: { hold: await gate() } }, { title: 'held' });
    const { page, faults } = await open(ctx, at(task));
    await card(page, 'model', 'running').waitFor();
    await card(page, 'resources', 'waiting').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByText(/^Stop: acknowledged in \d+ ms, stopped after /).waitFor();
    await card(page, 'model', 'cancelled').waitFor();
    await card(page, 'resources', 'skipped').waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor({ state: 'detached' });
    expect(faults).toEqual([]);
  });

  it('shows which module its condition has left out, also back in time, and what the condition is', async (ctx) => {
    const task = await orchestrator.submit('gated', { name: 'small' });
    const tape = orchestrator.tape();
    await tape.ended(task.task_id);
    const { page, faults } = await open(ctx, at(task, '&module=resources'));
    await card(page, 'resources', 'skipped').waitFor();
    await page.getByText('model.name != "small" and input.name != null', { exact: true }).waitFor();
    await page.locator('.panel-reason').getByText('condition', { exact: true }).waitFor();
    const graph = (await orchestrator.get('/v1/graphs/gated')).body as GraphJson;
    const events = await eventsOf(task);
    const skipped = events.findIndex(({ type }) => type === 'module.skipped');
    const shown = (await orchestrator.task(task.task_id)) as TaskJson;
    const states = [skipped, skipped + 1].map(
      (many) => new Replay(shown, graph).viewAfter(events, many).task.modules.resources?.state,
    );
    expect(states).toEqual(['waiting', 'skipped']);
    expect(faults).toEqual([]);
  });

  it('says which pass of a loop its modules are in, what ends it, and what the way back is', async (ctx) => {
    const hold = await gate();
    const task = await orchestrator.submit('looping', { name: 'long', footprint: { hold } });
    const viewport = { width: 1440, height: 900 };
    const { page, faults } = await open(ctx, at(task, '&module=resources'), { viewport });
    await card(page, 'footprint', 'running').waitFor();
    await card(page, 'resources', 'pass 3').waitFor();
    const panel = page.locator('.panel');
    await panel.getByText('pass 3 of at most 3', { exact: true }).waitFor();
    await panel.getByText('ended: that was the last pass', { exact: true }).waitFor();
    await panel.getByText('And what model, resources put out in pass 2.').waitFor();
    await page.locator('.canvas .loop-label').getByText('· at most 3').waitFor();
    expect(await panel.locator('.attempts').getByText('pass 2', { exact: true }).count()).toBe(1);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goto(`${orchestrator.ready.http}/?page=graphs&name=looping`);
    await page.getByText(/then back to model until .*at most 3 passes/).waitFor();
    await writeFile(hold, '');
    const tape = orchestrator.tape();
    expect(await tape.ended(task.task_id)).toEqual(['succeeded']);
    expect(faults).toEqual([]);
  });

  it('a task that asks a person is held, and continues with the decision and its reason', async (ctx) => {
    const task = await orchestrator.submit('asking', { name: 'careful' });
    const { page, faults } = await open(ctx, at(task));
    await page.getByText('suspended, waits for approval', { exact: true }).waitFor();
    await page.locator('.held-box').getByRole('link', { name: 'review' }).click();
    await page.locator('.panel').getByText('Go on with this model?', { exact: true }).waitFor();
    await page.getByLabel('Reason').fill('it is small enough');
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Approve review' }).click();
    await card(page, 'review', 'succeeded').waitFor();
    await page.getByRole('region', { name: 'Output' }).getByText('it is small enough').waitFor();
    await card(page, 'resources', 'succeeded').waitFor();
    expect(faults).toEqual([]);
  });

  it('a task that asks a person is listed with its question, also on a phone, until it is denied', async (ctx) => {
    const viewport = { width: 390, height: 844 };
    const { page, faults } = await open(ctx, `${orchestrator.ready.http}/?page=approvals`, { viewport });
    await page.getByText('Nothing is waiting for your approval.').waitFor();
    expect(await page.title()).toBe('Approvals · Tutti');
    const tape = orchestrator.tape();
    const task = await orchestrator.submit('asking', { name: 'doubtful' }, { title: 'another one' });
    const listed = page.getByRole('region', { name: 'review of another one' });
    await listed
      .getByText(/doubtful/)
      .first()
      .waitFor();
    await page.waitForFunction(() => document.title === '(1) Approvals · Tutti');
    expect(await page.locator('.pages .badge').textContent()).toBe('1');
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBe(0);
    await listed.getByLabel('Reason').fill('too large');
    await listed.getByRole('button', { name: 'Deny review' }).click();
    await listed.waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.title === 'Approvals · Tutti');
    expect(await tape.ended(task.task_id)).toEqual(['failed']);
    expect(faults).toEqual([]);
  });

  it('a failed task names the module, links to it, and unfolds where and why it failed', async (ctx) => {
    const fail = { times: 9, final: true, code: 'no_catalogue', message: 'the catalogue is locked' };
    const task = await orchestrator.submit('six', { metadata: { fail } });
    const { page, faults } = await open(ctx, at(task));
    const box = page.locator('.task-head .fault');
    await box.getByText('the catalogue is locked', { exact: true }).waitFor();
    const stack = box.getByText(/player\.mjs:\d+/);
    expect(await stack.isVisible()).toBe(false);
    await box.getByText('Where and why').click();
    await stack.waitFor();
    await box.getByRole('link', { name: 'metadata' }).click();
    await page.getByRole('heading', { name: 'metadata' }).waitFor();
    await page.locator('.panel > .fault').getByText('no_catalogue').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('is terminated only after asking back', async (ctx) => {
    const task = await orchestrator.submit('six', { model: { hold: await gate() } });
    const { page } = await open(ctx, at(task));
    await card(page, 'model', 'running').waitFor();
    await page.getByRole('button', { name: 'Terminate …' }).click();
    await page.getByRole('button', { name: 'Keep' }).click();
    await page.getByRole('button', { name: 'Terminate …' }).click();
    await page.getByRole('button', { name: 'Terminate', exact: true }).click();
    await page.locator('.task-facts').getByText('aborted').waitFor();
    await page.getByText(/^Terminate: acknowledged in /).waitFor();
  });

  it('begins again from the module that is chosen, and what follows from it too', async (ctx) => {
    const hold = await gate();
    const task = await orchestrator.submit('six', { footprint: { hold } });
    const { page } = await open(ctx, at(task));
    await card(page, 'resources', 'succeeded').waitFor();
    await page.getByRole('button', { name: /^model succeeded/ }).click();
    await page.getByRole('button', { name: 'Reset from here' }).click();
    await page.getByText(/^Reset model: acknowledged in /).waitFor();
    const attempts = page.getByRole('region', { name: 'Attempts' }).getByRole('listitem');
    await expect.poll(() => attempts.count(), { timeout: 20_000 }).toBe(2);
    await writeFile(hold, '');
    await page.getByText('6 of 6 modules').waitFor();
    // Metadata does not follow from model: it has run once.
    await page.getByRole('button', { name: /^metadata succeeded/ }).click();
    await page.getByRole('heading', { name: 'metadata' }).waitFor();
    expect(await attempts.count()).toBe(1);
  });

  it('gives its slot back when it is preempted, and runs again', async (ctx) => {
    const hold = await gate();
    const task = await orchestrator.submit('six', { model: { hold } });
    const { page } = await open(ctx, at(task));
    await card(page, 'model', 'running').waitFor();
    await page.getByRole('button', { name: 'Preempt', exact: true }).click();
    await page.getByText(/^Preempt: acknowledged in /).waitFor();
    await writeFile(hold, '');
    await page.getByText('6 of 6 modules').waitFor();
    await page.getByRole('button', { name: /^model succeeded/ }).click();
    const attempts = page.getByRole('region', { name: 'Attempts' });
    await attempts.getByText('preempted').waitFor();
    await attempts.getByText('succeeded').waitFor();
  });

  it('tells of a module its inputs, its output in three ways, partial outputs and failed attempts', async (ctx) => {
    const task = await orchestrator.submit('six', RETRIED);
    const { page, faults } = await open(ctx, at(task, '&module=model'));
    await page.getByText('6 of 6 modules').waitFor();
    const part = (name: string) => page.getByRole('region', { name, exact: true });
    await part('Attempts').getByText('oom out of memory').waitFor();
    await part('Partial outputs').getByText('6, newest first').waitFor();
    await part('Inputs').getByText('constraints', { exact: true }).click();
    await part('Inputs').locator('details[open]').getByText(task.task_id).first().waitFor();
    await part('Output').getByText('Tree').click();
    await part('Output').getByRole('tree').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await part('Output').getByText('Raw').click();
    expect(await part('Output').locator('pre').innerText()).toContain(`"task": "${task.task_id}"`);
    const download = page.waitForEvent('download');
    await part('Output').getByRole('button', { name: 'Download JSON' }).click();
    const file = await (await download).createReadStream();
    let text = '';
    for await (const chunk of file) text += String(chunk);
    expect(JSON.parse(text)).toMatchObject({ task: task.task_id, name: 'r' });
    expect(faults).toEqual([]);
  });

  it('is iterated on, and the page goes to the new iteration', async (ctx) => {
    const task = await orchestrator.submit('six', { name: 'first' });
    const { page } = await open(ctx, at(task));
    await page.getByText('6 of 6 modules').waitFor();
    await page.getByRole('button', { name: 'Iterate', exact: true }).click();
    await page.getByLabel('Input, as JSON').fill('{ "name": "second" }');
    await page.locator('.form').getByRole('button', { name: 'Iterate' }).click();
    await page.getByText('iteration 2 from 1').waitFor();
    await page.getByText('6 of 6 modules').waitFor();
    expect(page.url()).toMatch(/iteration=2/);
  });
});

describe('the scrubber', () => {
  it('shows a finished task as it was at any of its events, and the address keeps the moment', async (ctx) => {
    const task = await orchestrator.submit('six', RETRIED);
    const { page, faults } = await open(ctx, at(task, '&module=model'));
    await page.getByText('6 of 6 modules').waitFor();
    const events = await eventsOf(task);
    const slider = page.getByRole('slider', { name: 'Event' });
    await slider.focus();
    await page.keyboard.press('Home');
    await page.getByText(`after event 1 of ${events.length}`).waitFor();
    for (const module of SIX) await card(page, module, 'waiting').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByText(`after event 2 of ${events.length}`).waitFor();

    const failed = events.findIndex((event) => event.type === 'execution.failed');
    await slider.fill(String(failed + 1));
    await card(page, 'model', 'failed').waitFor();
    await card(page, 'metadata', 'succeeded').waitFor();
    await page.getByRole('region', { name: 'Partial outputs' }).getByText('3, newest first').waitFor();
    expect(await page.getByRole('region', { name: 'Attempts' }).getByRole('listitem').count()).toBe(1);
    await page.getByText('None', { exact: false }).first().waitFor();
    await page.waitForURL(new RegExp(`at=${events[failed]!.seq}`));
    expect(await accessibilityFaults(page)).toEqual([]);

    await page.reload();
    await page.getByText(`after event ${failed + 1} of ${events.length}`).waitFor();
    await card(page, 'model', 'failed').waitFor();
    await page.getByRole('button', { name: 'Back to now' }).click();
    await card(page, 'model', 'succeeded').waitFor();
    expect(page.url()).not.toMatch(/at=/);
    expect(faults).toEqual([]);
  });

  it('plays the events on from where it stands, at their own times or faster', async (ctx) => {
    const hold = await gate();
    const task = await orchestrator.submit('six', { footprint: { hold } });
    const { page } = await open(ctx, at(task));
    await card(page, 'footprint', 'running').waitFor();
    // A rest in the middle, long enough to be met when it is played at its own time.
    await page.waitForTimeout(4000);
    await writeFile(hold, '');
    await page.getByText('6 of 6 modules').waitFor();
    const count = (await eventsOf(task)).length;
    await page.getByText('100×').click();
    await page.getByRole('button', { name: 'Play the events' }).click();
    await page.getByText(`after event ${count} of ${count}`).waitFor();
    await page.getByRole('button', { name: 'Play the events' }).waitFor();
    await page.getByText('1×', { exact: true }).click();
    await page.getByRole('button', { name: 'Play the events' }).click();
    // From the beginning again.
    await page.locator('.task-facts').getByText('running').waitFor();
    await card(page, 'footprint', 'running').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.waitForURL(/at=/);
  });

  it('ends where the orchestrator says that the task is: no event is missing for it', async () => {
    const hold = await gate();
    const reset = await orchestrator.submit('six', { footprint: { hold }, ...RETRIED });
    const tape = orchestrator.tape();
    await tape.first(
      'the footprint runs',
      (event) =>
        event.type === 'execution.running' && event.module === 'footprint' && taskOf(event) === reset.task_id,
    );
    await orchestrator.post(`${pathOf(reset.task_id)}/commands`, { command: 'reset', module: 'model' });
    await writeFile(hold, '');
    await tape.ended(reset.task_id);
    const failing = await orchestrator.submit('six', {
      model: { fail: { times: 9, message: 'never', final: true } },
    });
    await tape.ended(failing.task_id);
    const looping = await orchestrator.submit('looping', { name: 'long' });
    await tape.ended(looping.task_id);
    for (const submitted of [reset, failing, looping]) {
      const name = submitted === looping ? 'looping' : 'six';
      const graph = (await orchestrator.get(`/v1/graphs/${name}`)).body as GraphJson;
      const task = (await orchestrator.task(submitted.task_id)) as TaskJson;
      const events = await eventsOf(submitted);
      const replayed = new Replay(task, graph).viewAfter(events, events.length).task;
      const told = (of: TaskJson) => ({
        state: of.state,
        modules: Object.entries(of.modules).map(([name, module]) => {
          const { state, attempts, pass, loop_end, execution_id, node_id, output, error } = module;
          return [name, { state, attempts, pass, loop_end, execution_id, node_id, output, error }];
        }),
      });
      expect(told(replayed)).toEqual(told(task));
    }
  });
});
