/**
 * What a TypeScript author does inside a handler: its execution ends as it should, and the same process takes the next one.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startAuthored } from '../support/authored.js';
import { OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene, type Spawned } from '../support/processes.js';

const WORK = `
import { exec, fork, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { createReadStream } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { node } from 'tutti/sdk';
const never = new Promise(() => {});
const works = {
WORKS
};
await node('work', (task) => works[task.inputs.problem.what](task), { capacity: 8 }).start();
`;

const oops = "new RangeError('oops')";

/** By what it does: the handler, and the code with which its execution fails, or nothing where it succeeds. */
const HANDLERS: Readonly<Record<string, readonly [source: string, code?: string]>> = {
  'a promise that nobody awaits': [`async () => { Promise.reject(${oops}); await never; }`, 'uncaught_error'],
  'an async function that nobody awaits': [
    `async () => { (async () => { await null; throw ${oops}; })(); await never; }`,
    'uncaught_error',
  ],
  'a timer': [`async () => { setTimeout(() => { throw ${oops}; }, 1); await never; }`, 'uncaught_error'],
  'an interval that throws again and again': [
    `async () => { setInterval(() => { throw ${oops}; }, 1).unref(); await never; }`,
    'uncaught_error',
  ],
  'a tick': [`async () => { process.nextTick(() => { throw ${oops}; }); await never; }`, 'uncaught_error'],
  'an emitter without a listener': [
    `async () => { setImmediate(() => new EventEmitter().emit('error', ${oops})); await never; }`,
    'uncaught_error',
  ],
  'a stream of a file that is not there': [
    "async () => { createReadStream('/nowhere'); await never; }",
    'uncaught_error',
  ],
  'a connection that is refused': ["async () => { connect(1, '127.0.0.1'); await never; }", 'uncaught_error'],
  'a callback of a child': [
    `async () => { exec('exit 3', () => { throw ${oops}; }); await never; }`,
    'uncaught_error',
  ],
  'a program that is not there': ["async () => { spawn('/nowhere'); await never; }", 'uncaught_error'],
  'listeners of the process that it removes': [
    `async () => { process.removeAllListeners(); await delay(1); Promise.reject(${oops}); await never; }`,
    'uncaught_error',
  ],
  'listeners for errors that it removes': [
    `async () => { process.removeAllListeners('unhandledRejection'); await null; Promise.reject(${oops}); await never; }`,
    'uncaught_error',
  ],
  'a rejection with nothing': ['async () => { Promise.reject(); await never; }', 'uncaught_error'],
  'an error in a worker thread': [
    "async () => { new Worker('throw new RangeError(1)', { eval: true }); await never; }",
    'uncaught_error',
  ],
  'a rejection after the end': [`async () => { setTimeout(() => Promise.reject(${oops}), 20); return 1; }`],
  'an exit in a worker thread': [
    "() => new Promise((resolve) => new Worker('process.exit(3)', { eval: true }).once('exit', resolve))",
  ],
  'no listeners left': ['() => { process.removeAllListeners(); return 1; }'],
  'another folder': ["() => { process.chdir('/'); return 1; }"],
  'closed standard streams': ['() => { process.stdin.destroy(); process.stdout.end(); return 1; }'],
  'a thenable': ['() => ({ then: (resolve) => setTimeout(resolve, 5, 7) })'],
  'a promise of a promise': ['() => Promise.resolve(Promise.resolve(1))'],
  'hundreds of listeners': [
    "(task) => { for (let i = 0; i < 500; i += 1) task.signal.addEventListener('abort', () => {}); return 1; }",
  ],
  'an error whose getters throw': [
    "() => { throw Object.defineProperty(new Error('x'), 'code', { get() { throw 1; } }); }",
    'handler_error',
  ],
  'timers that throw': [
    `() => { for (const name of ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate']) globalThis[name] = () => { throw ${oops}; }; return 1; }`,
  ],
  'clocks that say nothing': ['() => { Date.now = () => NaN; performance.now = () => NaN; return 1; }'],
  'clocks that throw': [`() => { Date.now = performance.now = () => { throw ${oops}; }; return 1; }`],
  'microtasks and ticks that throw': [
    `() => { globalThis.queueMicrotask = process.nextTick = () => { throw ${oops}; }; return 1; }`,
  ],
  'JSON that throws': [
    `() => { JSON.stringify = JSON.parse = () => { throw ${oops}; }; return { a: 'b' }; }`,
  ],
  'promises that throw': [
    `() => { globalThis.Promise = class { constructor() { throw ${oops}; } }; return 1; }`,
  ],
  'prototypes with more in them': [
    '() => { Array.prototype.more = 1; Object.prototype.more = { toJSON() { throw 1; } }; return { a: [1] }; }',
  ],
  'streams that throw': [
    `() => { process.stdout.write = process.stderr.write = () => { throw ${oops}; }; throw ${oops}; }`,
    'handler_error',
  ],
  'no console': ['() => { globalThis.console = null; return 1; }'],
  'no environment': ["() => { process.env = {}; process.title = 'x'; process.umask(0o777); return 1; }"],
  'nothing thrown': ['() => { throw undefined; }', 'handler_error'],
};

async function ground(
  scene: Scene,
  works: string,
): Promise<{ orchestrator: OrchestratorProcess; node: Spawned }> {
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
  const node = await startAuthored(scene, orchestrator, { source: WORK.replace('WORKS', works) });
  return { orchestrator, node };
}

describe('a handler', () => {
  it.each(Object.entries(HANDLERS))(
    'a handler with %s ends by itself, and its node keeps running',
    async (_what, [source, code]) => {
      const scene = Scene.ofTest();
      const { orchestrator, node } = await ground(scene, `odd: ${source}, even: async () => delay(50, 2)`);
      const tape = orchestrator.tape();
      const { task_id: beside } = await orchestrator.submit('one', { what: 'even' });
      const { task_id: task } = await orchestrator.submit('one', { what: 'odd' });
      expect(await tape.ended(task)).toEqual([code ? 'failed' : 'succeeded']);
      const [{ error }] = await orchestrator.executions(task);
      expect(error?.code).toBe(code);
      if (code === 'uncaught_error' && source.includes(oops)) {
        expect(error).toMatchObject({
          message: 'RangeError: oops',
          stack: expect.stringContaining('node.mjs'),
        });
      }
      const { task_id: next } = await orchestrator.submit('one', { what: 'even' });
      expect(await tape.ended(beside, next)).toEqual(['succeeded', 'succeeded']);
      expect(node.isRunning).toBe(true);
    },
  );

  it('a handler that computes beyond dead_after is declared dead, and its late result counts if no other node had its work', async () => {
    const scene = Scene.ofTest();
    const graph = join(await scene.directory(), 'busy.yaml');
    const liveness = 'liveness: { unresponsive_after: 500ms, dead_after: 1s }';
    await writeFile(
      graph,
      `name: busy\nsource: { name: problem, type: json }\nmodules:\n  work: { inputs: [problem], output: json, ${liveness} }\n`,
    );
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: [graph] });
    const tape = orchestrator.tape();
    const compute = 'odd: () => { const end = Date.now() + 4_000; while (Date.now() < end); return 1; }';
    await startAuthored(scene, orchestrator, { source: WORK.replace('WORKS', compute) });
    const { task_id: task } = await orchestrator.submit('busy', { what: 'odd' });
    await tape.first('it is taken for dead', ({ type }) => type === 'node.dead');
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.executions(task)).toHaveLength(1);
  });

  it('a handler that prints finds each line once in its log, and in its own streams', async () => {
    const scene = Scene.ofTest();
    const prints = `odd: async (task) => {
      console.log('out %d', 1);
      task.log.info('told');
      await null;
      console.error('err');
      process.stdout.write('not complete');
      throw new RangeError('failed');
    }`;
    const { orchestrator, node } = await ground(scene, prints);
    const tape = orchestrator.tape();
    const { task_id: task } = await orchestrator.submit('one', { what: 'odd' });
    expect(await tape.ended(task)).toEqual(['failed']);
    const [{ execution_id: execution }] = await orchestrator.executions(task);
    const { body: log } = await orchestrator.get(`${pathOf(task)}/executions/${execution}/log`);
    expect(log.items).toMatchObject([
      { level: 'info', message: 'out 1', fields: { stream: 'stdout' } },
      { level: 'info', message: 'told' },
      { level: 'warn', message: 'err', fields: { stream: 'stderr' } },
      { level: 'info', message: 'not complete', fields: { stream: 'stdout' } },
    ]);
    expect(log.items).toHaveLength(4);
    expect(node.stdout).toContain('out 1');
    expect(node.stderr).toContain('failed');
  });

  it('a handler that ends the process fails with process_exit, and the executions beside it are returned', async () => {
    const scene = Scene.ofTest();
    const { orchestrator, node } = await ground(scene, 'odd: () => process.exit(3), even: () => never');
    const tape = orchestrator.tape();
    const { task_id: beside } = await orchestrator.submit('one', { what: 'even' });
    await tape.first('it runs', ({ type }) => type === 'execution.running');
    const { task_id: task } = await orchestrator.submit('one', { what: 'odd' });
    const failed = await tape.first('its failure', ({ type }) => type === 'execution.failed');
    expect(failed).toMatchObject({
      error: { code: 'process_exit', message: expect.stringContaining('exit(3)') },
    });
    expect(tape.of(task)).toContain(failed);
    expect(await node.exited).toEqual({ code: 3, signal: null });
    expect(tape.of(beside).some(({ type }) => type === 'execution.failed')).toBe(false);
  });

  it('a handler whose module throws outside of any execution returns its work, and its node exits with 1', async () => {
    const scene = Scene.ofTest();
    const { orchestrator, node } = await ground(
      scene,
      "odd: () => never }; setTimeout(() => { throw new RangeError('outside'); }, 1_500); const more = {",
    );
    const { task_id: task } = await orchestrator.submit('one', { what: 'odd' });
    expect(await node.exited).toEqual({ code: 1, signal: null });
    const error = { code: 'process_ended', message: expect.stringContaining('RangeError: outside') };
    expect(await orchestrator.executions(task)).toMatchObject([{ state: 'preempted', error }]);
    expect(node.stderr).toContain('RangeError: outside');
    expect(node.stderr).toContain('uncaught_error');
  });
});
