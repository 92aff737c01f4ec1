/** A machine whose clock is wrong at one start: what it would remove for its age is gone for good. */
import { describe, expect, it } from 'vitest';
import { cli } from '../support/cli.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The environment of a process whose wall clock is ahead by so much. */
function ahead(ms: number): Record<string, string> {
  const shift = `const now = Date.now; Date.now = () => now() + ${ms};`;
  return { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(shift)}"` };
}

const held = async (orchestrator: OrchestratorProcess): Promise<number> => {
  const text = await (await fetch(`${orchestrator.ready.http}/metrics`)).text();
  return Number(/^tutti_ages_held (\d)$/m.exec(text)?.[1]);
};

describe('a clock that is 400 days ahead at one start', () => {
  it('is noticed: the log, readiness, a metric and the doctor say so, over a restart, until it is put right or vouched for', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    startNode(scene, orchestrator, { module: 'work' });
    const tape = orchestrator.tape();
    expect(await tape.ended((await orchestrator.submit('one', {})).task_id)).toEqual(['succeeded']);
    expect([(await orchestrator.get('/readyz')).body, await held(orchestrator)]).toEqual([
      { status: 'ready' },
      0,
    ]);

    for (const _ of ['at once', 'after a restart, with events of that time']) {
      await orchestrator.process.end('SIGTERM');
      await orchestrator.restart(ahead(400 * DAY_MS));
      await orchestrator.process.logs('the wall clock has jumped');
      const { status, body } = await orchestrator.get('/readyz');
      expect([status, body]).toEqual([
        200,
        { status: 'ready', hint: expect.stringContaining('nothing is removed because of its age') },
      ]);
      expect(await held(orchestrator)).toBe(1);
      const doctor = cli(['doctor'], { url: orchestrator.ready.http });
      await doctor.exit;
      expect(doctor.stdout()).toContain('nothing is removed because of its age');
    }

    await orchestrator.process.end('SIGTERM');
    await orchestrator.restart({});
    expect([(await orchestrator.get('/readyz')).body, await held(orchestrator)]).toEqual([
      { status: 'ready' },
      0,
    ]);

    await orchestrator.process.end('SIGTERM');
    await orchestrator.restart({ ...ahead(400 * DAY_MS), TUTTI_TRUST_CLOCK: 'true' });
    expect(await held(orchestrator)).toBe(0);
  });
});
