// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in services look like placeholders
/**
 * A table: services in every phase of their lives, and kill -9 of what takes part. Whatever is killed, there is in the end what is asked for, once, and
 * nothing else.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KillStage, LONG, type Marked, VICTIMS } from '../../support/kills.js';
import type { Json } from '../../support/orchestrator.js';
import { Scene } from '../../support/processes.js';

const PLAYER = join(import.meta.dirname, '../nodes/player.mjs');

/** Notes that it runs, and waits for a file to go when it is told to end. One that ends by itself waits for another one. */
const SERVE = `#!/bin/sh
trap 'echo "$TUTTI_REPLICA is told to end" >> "$FOLDER/journal"
  while [ -e "$FOLDER/hold-$TUTTI_REPLICA-end" ]; do sleep 0.1; done; exit 0' TERM
echo "$TUTTI_REPLICA" >> "$FOLDER/journal"
if [ "$1" = once ]; then
  while [ -e "$FOLDER/hold-$TUTTI_SERVICE" ]; do sleep 0.1; done
  exit 0
fi
# Its sleep may be told to end first.
while :; do sleep 1000 & wait; done
`;

interface Phase {
  readonly name: string;
  readonly title: string;
  /** Beside its name and its script. */
  readonly spec?: Json;
  /** Files that hold it, by the end of their names. */
  readonly holds?: readonly string[];
  /** Brings it from where it runs to the phase. */
  readonly bring?: (name: string) => Promise<unknown>;
  /** How its replicas are in the end; of those that have their process killed, if that differs. */
  readonly end: readonly string[];
  readonly killed?: readonly string[];
  /** How often its commands have begun by then; where their processes are killed, if that differs. */
  readonly starts: number;
  readonly startsKilled?: number;
}

const scene = new Scene();
afterAll(() => scene.end());
let stage: KillStage;
let files: Json;

async function command(name: string, given: Json): Promise<void> {
  const { status, body } = await stage.orchestrator.post(`/v1/services/${name}/commands`, given);
  expect([status, body.error]).toEqual([202, undefined]);
}
const toldToEnd = (replica: string): Promise<void> => stage.noted(`${replica} is told to end`);

const PHASES: readonly Phase[] = [
  {
    ...{ name: 'applied', title: 'that is applied, and waits for a place' },
    ...{ spec: { cluster: 'full' }, end: ['running'], starts: 1 },
  },
  {
    ...{ name: 'starting', title: 'with a replica of which its agent has not heard' },
    ...{ spec: { cluster: 'held' }, end: ['running'], starts: 1 },
  },
  {
    ...{ name: 'running', title: 'whose replicas run' },
    ...{ spec: { count: 2 }, end: ['running', 'running'], starts: 2, startsKilled: 4 },
  },
  {
    ...{ name: 'ready', title: 'whose replica is a node that is ready', end: ['ready'], starts: 0 },
    spec: { module: 'work', command: [process.execPath, PLAYER], env: { PLAYER_CAPACITY: '1' } },
  },
  {
    ...{ name: 'restarting', title: 'that is restarted', spec: { count: 2 }, holds: ['-1-end'] },
    bring: async (name) => {
      await command(name, { command: 'restart' });
      await toldToEnd(`${name}-1`);
    },
    ...{ end: ['running', 'running'], starts: 4 },
  },
  {
    ...{ name: 'scaling', title: 'that is scaled down', spec: { count: 2 }, holds: ['-2-end'] },
    bring: async (name) => {
      await command(name, { command: 'scale', count: 1 });
      await toldToEnd(`${name}-2`);
    },
    ...{ end: ['running'], starts: 2, startsKilled: 3 },
  },
  {
    ...{ name: 'stopping', title: 'that is stopped', holds: ['-1-end'], end: ['stopped'], starts: 1 },
    bring: async (name) => {
      await command(name, { command: 'stop' });
      await toldToEnd(`${name}-1`);
    },
  },
  {
    ...{ name: 'drained', title: 'whose cluster is drained', holds: ['-1-end'], end: ['running'], starts: 2 },
    ...{ spec: { cluster: undefined, require: { site: 'dry' } } },
    bring: async (name) => {
      await stage.orchestrator.patch('/v1/clusters/lab', { labels: { site: 'dry' } });
      await stage.orchestrator.patch('/v1/clusters/dry', { status: 'draining' });
      await toldToEnd(`${name}-1`);
    },
  },
  {
    ...{
      name: 'batch',
      title: 'that runs to its end',
      spec: { type: 'batch', command: ['./serve.sh', 'once'] },
      holds: [''],
    },
    ...{ end: ['completed'], starts: 1, startsKilled: 2 },
  },
  {
    ...{
      name: 'ops',
      title: 'that runs once',
      spec: { type: 'ops', command: ['./serve.sh', 'once'] },
      holds: [''],
    },
    ...{ end: ['completed'], killed: ['failed'], starts: 1 },
  },
];

beforeAll(async () => {
  stage = await KillStage.up(scene, ['one']);
  await stage.addCluster('dry', { site: 'dry' });
  files = { files: { 'serve.sh': 'serve.sh' }, files_sha256: { 'serve.sh': await stage.upload(SERVE) } };
});

const show = async (name: string): Promise<Json> =>
  (await stage.orchestrator.get(`/v1/services/${name}`)).body;
const observed = async (name: string): Promise<readonly string[]> =>
  (await show(name)).replicas.map((replica: Json) => replica.observed);
const of = (name: string) => (variables: Marked['variables']) => variables.get('TUTTI_SERVICE') === name;

async function apply(name: string, spec: Json): Promise<void> {
  const { status, body } = await stage.orchestrator.put(`/v1/services/${name}`, {
    ...{
      cluster: 'lab',
      command: ['./serve.sh'],
      ...files,
      restart: { backoff: '50ms', max_backoff: '200ms' },
    },
    ...spec,
  });
  expect([status, body.error]).toEqual([201, undefined]);
}

async function begin({ name: phase, spec = {}, holds = [], bring }: Phase, round: string): Promise<void> {
  const name = `${phase}-${round}`;
  await stage.hold(...holds.map((hold) => name + hold));
  await apply(name, spec);
  if (phase === 'applied') return;
  const count = spec.count ?? 1;
  const type = phase === 'ready' ? 'replica.ready' : 'replica.running';
  await stage.tape.some('replicas that run', count, (event) => event.type === type && event.service === name);
  // A command notes that it runs a moment after it does.
  if (phase !== 'ready') for (let n = 1; n <= count; n += 1) await stage.noted(`${name}-${n}`);
  await bring?.(name);
}

describe.each(VICTIMS)('a service, at a kill of %s,', (victim) => {
  const round = `r${VICTIMS.indexOf(victim)}`;
  const areKilled = victim.includes('replicas');

  beforeAll(async () => {
    const [early, late] = [PHASES.filter(({ name }) => name !== 'starting'), 'starting'];
    await Promise.all(early.map((phase) => begin(phase, round)));
    await stage.holdAgent();
    await apply(`${late}-${round}`, { cluster: 'held' });
    await stage.tape.first(
      'a replica that starts',
      ({ type, service }) => type === 'replica.starting' && service === `${late}-${round}`,
    );
    await stage.kill(victim);
    stage.letAgentGo();
    await stage.open(true);
    await stage.release(
      ...PHASES.flatMap(({ name, holds = [] }) => holds.map((hold) => `${name}-${round}${hold}`)),
    );
  }, 240_000);

  it.each(PHASES.map((phase) => [phase.title, phase] as const))(
    '%s, is as it is asked for in the end',
    async (_title, { name: phase, end, killed, starts, startsKilled }) => {
      const name = `${phase}-${round}`;
      const expected = areKilled ? (killed ?? end) : end;
      await expect.poll(() => observed(name), LONG).toEqual(expected);
      const alive = expected.filter((each) => each === 'running' || each === 'ready').length;
      const begun = async (): Promise<number> =>
        (await stage.journal()).filter(
          (line) => line.startsWith(`${name}-`) && !line.endsWith('is told to end'),
        ).length;
      await expect.poll(begun, LONG).toBe(areKilled ? (startsKilled ?? starts) : starts);
      await expect.poll(() => stage.first(of(name)).length, LONG).toBe(alive);
      await expect
        .poll(async () => (await show(name)).health, LONG)
        .toBe(killed && areKilled ? 'degraded' : 'ok');
      if (phase === 'drained') expect((await show(name)).replicas[0].cluster).toBe('lab');
    },
  );

  it('leaves nothing behind once all are removed', async () => {
    for (const { name } of PHASES)
      await fetch(`${stage.orchestrator.ready.http}/v1/services/${name}-${round}`, { method: 'DELETE' });
    await stage.tape.some(
      'services that are removed',
      PHASES.length,
      ({ type, service }) => type === 'service.removed' && String(service).endsWith(`-${round}`),
    );
    expect(stage.running()).toEqual([]);
    expect((await stage.orchestrator.get('/v1/clusters/dry')).body.running).toBe(0);
    await stage.open(false);
    await stage.orchestrator.patch('/v1/clusters/lab', { labels: {} });
    await stage.orchestrator.patch('/v1/clusters/dry', { status: 'active' });
    expect(await stage.faults()).toBe('');
  });
});
