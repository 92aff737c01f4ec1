/** A signal ends a TypeScript node within its grace, and a second one at once, whatever its handler does. */
import { describe, expect, it } from 'vitest';
import { startAuthored } from '../support/authored.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { type Exit, Scene, type Spawned } from '../support/processes.js';

/** `work`: what the handler does after it has said that it has begun; `idle` has none. */
const source = (work: string) => `
import { setTimeout as delay } from 'node:timers/promises';
import { node } from 'tutti/sdk';
await node('work', async (task) => {
  console.log('begun');
  ${work}
}, { shutdownGraceMs: 1_000, flushMs: 1_000 }).start();
`;

const HANDLERS: Readonly<Record<string, string>> = {
  'computes for ever': 'for (;;) {}',
  'awaits for ever': 'await new Promise(() => {});',
  'looks at its signal': 'await delay(60_000, undefined, { signal: task.signal });',
  'waits in a system call': 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
  'has removed all listeners':
    "process.removeAllListeners('SIGTERM'); process.removeAllListeners('SIGINT'); await new Promise(() => {});",
  'has listeners of its own':
    "process.on('SIGTERM', () => {}); process.on('SIGINT', () => {}); await new Promise(() => {});",
  'spawns a child that ignores it':
    "(await import('node:child_process')).spawn('sleep', ['2'], { stdio: 'ignore' }); await new Promise(() => {});",
  'spins in promises': 'for (;;) await null;',
  'blocks at the exit': "process.on('exit', () => { for (;;) {} }); await new Promise(() => {});",
};

/** A node that works on a task with this handler. */
async function working(scene: Scene, handler: string): Promise<Spawned> {
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
  const node = await startAuthored(scene, orchestrator, { source: source(handler) });
  await orchestrator.submit('one', {});
  await node.line('begun');
  return node;
}

describe.each(Object.entries(HANDLERS))('a node whose handler %s', (_what, handler) => {
  it('ends within its grace', async () => {
    const scene = Scene.ofTest();
    const node = await working(scene, handler);
    const began = performance.now();
    await node.end('SIGTERM');
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  it('ends at once after a second signal', async () => {
    const scene = Scene.ofTest();
    const node = await working(scene, handler);
    node.signal('SIGTERM');
    node.signal('SIGINT');
    const exit: Exit = await node.exited;
    expect(exit.signal === 'SIGKILL' || exit.code === 0).toBe(true);
  });
});

describe('an idle node', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 after %s', async (signal) => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const node = await startAuthored(scene, orchestrator, { source: source('') });
    expect(await node.end(signal)).toEqual({ code: 0, signal: null });
  });
});
