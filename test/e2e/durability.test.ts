/** No ack before the disk: with syncs that take long, nobody is told of anything before the syncs of its commit have returned. */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';
import { buildSlowSync, type LoggedSync, readSyncLog } from '../support/slow-sync.js';

const SLOW_MS = 300;

const now = () => process.hrtime.bigint();

/** What somebody did and when it was answered: the orchestrator cannot have begun its commit before `from`. */
interface Told {
  readonly what: string;
  readonly from: bigint;
  readonly at: bigint;
}

/** The writes of commits to the log, which sync themselves. */
async function commitsIn(log: string): Promise<LoggedSync[]> {
  return (await readSyncLog(log)).filter(({ file }) => file.endsWith('.seg'));
}

/** Those who were told before a commit was on the disk. */
function tooEarly(told: readonly Told[], commits: readonly LoggedSync[]): string[] {
  expect(commits.length).toBeGreaterThan(0);
  return told
    .filter(({ from, at }) => !commits.some(({ start, end }) => start >= from && end <= at))
    .map(({ what }) => what);
}

describe('an orchestrator on a slow disk', () => {
  let shim: string | undefined;

  beforeAll(async () => {
    shim = await buildSlowSync();
  });
  afterAll(() => shim && rm(dirname(shim), { recursive: true }));

  it('answers no submission, acks no output and tells no viewer before the disk has it', async (ctx) => {
    if (shim === undefined) return ctx.skip('needs cc');
    const scene = Scene.ofTest();
    const log = join(await scene.directory(), 'syncs');
    const env = { LD_PRELOAD: shim, TUTTI_SLOW_SYNC_MS: String(SLOW_MS), TUTTI_SYNC_LOG: log };
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], env });
    const tape = orchestrator.tape();
    const told: Told[] = [];
    const tell = (what: string, from: bigint, at: bigint) => told.push({ what, from, at });

    const peer = new RawPeer(scene, orchestrator);
    let from = now();
    peer.sayHello();
    tell('welcome', from, (await peer.next('welcome')).at);
    await peer.join();

    for (const title of ['first', 'second']) {
      from = now();
      const [task, assigned] = await Promise.all([
        orchestrator.submit('one', {}, { title }).then((submitted) => {
          tell(`${title}: the submission`, from, now());
          return submitted.task_id;
        }),
        peer.next('assign').then((received) => {
          tell(`${title}: the assignment`, from, received.at);
          return received.message;
        }),
      ]);
      peer.running.add(assigned.executionId);
      peer.report(assigned, 'ACCEPTED');
      for (const seq of [1, 2]) {
        from = now();
        peer.publish(assigned, seq, { last: seq === 2 });
        const [, { at }] = await Promise.all([
          tape
            .first(
              'its event',
              (event) => event.execution_id === assigned.executionId && event.output_seq === seq,
            )
            .then(() => tell(`${title}: the event of output ${seq}`, from, now())),
          peer.acked(assigned.executionId, seq, seq === 2),
        ]);
        tell(`${title}: the ack of output ${seq}`, from, at);
      }
      peer.running.clear();
      expect(await tape.ended(task)).toEqual(['succeeded']);
    }
    const commits = await commitsIn(log);
    expect(commits.every(({ start, end }) => end - start >= BigInt(SLOW_MS) * 1_000_000n)).toBe(true);
    expect(told).toHaveLength(13);
    expect(tooEarly(told, commits)).toEqual([]);
  });

  it('commits what comes together as one batch, and answers all of it after that', async (ctx) => {
    if (shim === undefined) return ctx.skip('needs cc');
    const scene = Scene.ofTest();
    const log = join(await scene.directory(), 'syncs');
    const env = { LD_PRELOAD: shim, TUTTI_SLOW_SYNC_MS: String(SLOW_MS), TUTTI_SYNC_LOG: log };
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], env });
    const before = (await commitsIn(log)).length;
    const SUBMISSIONS = 40;
    const told = await Promise.all(
      Array.from({ length: SUBMISSIONS }, async (_, number): Promise<Told> => {
        const from = now();
        await orchestrator.submit('one', { number });
        return { what: `submission ${number}`, from, at: now() };
      }),
    );
    const commits = (await commitsIn(log)).slice(before);
    expect(tooEarly(told, commits)).toEqual([]);
    expect(commits.length).toBeLessThan(SUBMISSIONS / 4);
  });
});
