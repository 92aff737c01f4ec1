// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in blueprints look like placeholders
/**
 * A table: operations of deployments in every phase, and kill -9 of what takes part. Whatever is killed, each operation ends as asked or says why it did
 * not, no step runs twice, nothing is stuck and nothing is left.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KillStage, LONG, VICTIMS } from '../../support/kills.js';
import type { Json } from '../../support/orchestrator.js';
import { Scene } from '../../support/processes.js';

/** Each deployment has a service under the part that is held, and a step after it. */
const blueprint = (count: number, store: string, web: string): string => `
blueprint: held
inputs: { name: { type: string } }
components:
  base:
    service:
      cluster: lab
      count: ${count}
      script: ./serve.sh
      args: ["\${replica.number}"]
      restart: { backoff: 20ms, max_backoff: 200ms }
  gate: { cluster: lab, after: [base], operations: { start: ./act.sh }, env: { NAME: "\${inputs.name}" } }
  store:
    cluster: ${store}
    after: [gate]
    operations: { create: ./act.sh, start: ./act.sh, stop: ./act.sh, delete: ./act.sh }
    env: { NAME: "\${inputs.name}" }
  web:
    cluster: ${web}
    after: [store]
    operations: { start: ./act.sh, stop: ./act.sh }
    env: { NAME: "\${inputs.name}", STORE: "\${store.of}" }
`;

/** Waits for a file to go, also where it is told to end. */
const ACT = `#!/bin/sh
me="$NAME $TUTTI_MODULE"
held() { while [ -e "$FOLDER/hold-$NAME-$TUTTI_MODULE$1" ]; do sleep 0.1; done; }
trap 'echo "$me is told to end" >> "$FOLDER/journal"; held -end; exit 1' TERM
echo "$me$STORE" >> "$FOLDER/journal"
held
if [ "$TUTTI_MODULE" = store_create ]; then echo "{\\"of\\":\\" of $NAME\\"}" > "$TUTTI_OUTPUT"; fi
`;

/** The second replica fails as long as there is a file for it. */
const SERVE = `#!/bin/sh
trap 'echo "$TUTTI_REPLICA is told to end" >> "$FOLDER/journal"
  while [ -e "$FOLDER/hold-$TUTTI_REPLICA-end" ]; do sleep 0.1; done; exit 0' TERM
if [ "$1" = 2 ] && [ -e "$FOLDER/hold-$TUTTI_REPLICA" ]; then exit 3; fi
# Its sleep may be told to end first.
while :; do sleep 1000 & wait; done
`;

interface Phase {
  readonly name: string;
  readonly title: string;
  /** Where the held part is to run. */
  readonly clusters: readonly [store: string, web: string];
  /** Files that hold it, by the end of their names. */
  readonly holds: readonly string[];
  readonly asked: 'deploy' | 'undeploy' | 'cancel';
  /** A line of the journal by which it is known to be there. */
  readonly shows?: string;
  /** The step whose process is there. */
  readonly script?: string;
}

const LAB = ['lab', 'lab'] as const;
const PHASES: readonly Phase[] = [
  {
    name: 'planned',
    title: 'planned, and waiting for a place',
    clusters: ['full', 'lab'],
    holds: [],
    asked: 'deploy',
  },
  {
    name: 'assigned',
    title: 'with a step that its agent has not seen',
    clusters: ['held', 'lab'],
    holds: ['-gate_start'],
    asked: 'deploy',
  },
  {
    name: 'script',
    title: 'with a script that runs',
    clusters: LAB,
    holds: ['-store_create'],
    asked: 'deploy',
    shows: 'store_create',
    script: 'store_create',
  },
  {
    name: 'untold',
    title: 'with a script that has ended, of which nobody knows',
    clusters: ['held', 'lab'],
    holds: ['-store_start'],
    asked: 'deploy',
    shows: 'store_start',
  },
  {
    name: 'serving',
    title: 'waiting for the replicas of a service',
    clusters: LAB,
    holds: ['-base-2'],
    asked: 'deploy',
  },
  { name: 'between', title: 'between two steps', clusters: ['lab', 'full'], holds: [], asked: 'deploy' },
  {
    name: 'stopping',
    title: 'stopping a component',
    clusters: LAB,
    holds: ['-store_stop'],
    asked: 'undeploy',
    shows: 'store_stop',
    script: 'store_stop',
  },
  {
    name: 'deleting',
    title: 'deleting a component',
    clusters: LAB,
    holds: ['-store_delete'],
    asked: 'undeploy',
    shows: 'store_delete',
    script: 'store_delete',
  },
  {
    name: 'leaving',
    title: 'taking a service down',
    clusters: LAB,
    holds: ['-base-1-end'],
    asked: 'undeploy',
  },
  {
    name: 'cancelled',
    title: 'being cancelled',
    clusters: LAB,
    holds: ['-store_start', '-store_start-end'],
    asked: 'cancel',
    shows: 'store_start',
  },
];

const UP = ['gate_start', 'store_create', 'store_start', 'web_start'];
const DOWN = ['web_stop', 'store_stop', 'store_delete'];

const scene = new Scene();
afterAll(() => scene.end());
let stage: KillStage;
let files: Readonly<Record<string, string>>;

beforeAll(async () => {
  stage = await KillStage.up(scene);
  files = { 'act.sh': await stage.upload(ACT), 'serve.sh': await stage.upload(SERVE) };
});

const show = async (name: string): Promise<Json> =>
  (await stage.orchestrator.get(`/v1/deployments/${name}`)).body;

async function operate(name: string, operation: string): Promise<string> {
  const { status, body } = await stage.orchestrator.post(`/v1/deployments/${name}/${operation}`, {});
  expect([status, body.error]).toEqual([202, undefined]);
  return body.task_id;
}

async function deploy(name: string, { name: phase, clusters: [store, web] }: Phase): Promise<string> {
  const { status, body } = await stage.orchestrator.post('/v1/deployments', {
    ...{ name, blueprint: blueprint(phase === 'serving' ? 2 : 1, store, web), files, inputs: { name } },
  });
  expect([status, body.error]).toEqual([202, undefined]);
  return body.task_id;
}

/** The operation that is killed into, once it is where it is to be; the agent that is to be held is not held yet. */
async function begin(given: Phase, round: string): Promise<string> {
  const { name: phase, holds, asked, shows } = given;
  const name = `${phase}-${round}`;
  await stage.hold(...holds.map((hold) => name + hold));
  const deployed = await deploy(name, given);
  if (asked === 'undeploy') expect(await stage.tape.ended(deployed)).toEqual(['succeeded']);
  const task = asked === 'undeploy' ? await operate(name, 'undeploy') : deployed;
  if (shows !== undefined) await stage.noted(`${name} ${shows}`);
  if (phase === 'leaving') await stage.noted(`${name}-base-1 is told to end`);
  if (phase === 'assigned') await stage.noted(`${name} gate_start`);
  if (phase === 'serving')
    await stage.tape.first(
      'a replica that fails',
      ({ type, replica_id }) => type === 'replica.failed' && replica_id === `${name}-base-2`,
    );
  const waits = { planned: 'store_create', between: 'web_start' }[phase];
  if (waits !== undefined)
    await stage.tape.first(
      `the wait of ${waits}`,
      (event) =>
        event.type === 'module.waiting' &&
        event.module === waits &&
        `${event.problem_id}/${event.iteration_id}` === task,
    );
  if (asked === 'cancel') {
    expect((await stage.orchestrator.post(`/v1/deployments/${name}/cancel`, {})).status).toBe(202);
    await stage.noted(`${name} store_start is told to end`);
  }
  return task;
}

/** Those whose agent no longer hears or speaks. */
async function mute(tasks: ReadonlyMap<string, string>, round: string): Promise<void> {
  await stage.holdAgent();
  await stage.release(`assigned-${round}-gate_start`, `untold-${round}-store_start`);
  await stage.tape.first(
    'the assignment',
    ({ type, module, problem_id, iteration_id }) =>
      type === 'execution.assigned' &&
      module === 'store_create' &&
      `${problem_id}/${iteration_id}` === tasks.get('assigned'),
  );
  const left = (): number =>
    stage.running((of) => of.get('NAME') === `untold-${round}` && of.get('TUTTI_MODULE') === 'store_start')
      .length;
  await vi.waitFor(() => expect(left()).toBe(0), LONG);
}

describe.each(VICTIMS)('an operation, at a kill of %s,', (victim) => {
  const round = `r${VICTIMS.indexOf(victim)}`;
  const tasks = new Map<string, string>();

  beforeAll(async () => {
    await Promise.all(PHASES.map(async (phase) => void tasks.set(phase.name, await begin(phase, round))));
    await mute(tasks, round);
    await stage.kill(victim);
    stage.letAgentGo();
    await stage.open(true);
    await stage.release(
      ...PHASES.flatMap(({ name, holds }) => holds.map((hold) => `${name}-${round}${hold}`)),
    );
  }, 240_000);

  it.each(PHASES.map((phase) => [phase.title, phase] as const))(
    '%s, ends as asked, or says why it did not',
    async (_title, { name: phase, asked, script }) => {
      const name = `${phase}-${round}`;
      const isKilled = victim.includes('scripts') && script !== undefined;
      const end = asked === 'cancel' ? 'cancelled' : isKilled ? 'failed' : 'succeeded';
      expect(await stage.tape.ended(tasks.get(phase)!)).toEqual([end]);
      const { state, message, failed } = await show(name);
      if (isKilled) {
        expect([state, message]).toEqual([
          'failed',
          expect.stringMatching(`^${script}: the command .*(SIGKILL|137)`),
        ]);
        expect(`${failed.component}_${failed.operation}`).toBe(script);
        expect(await stage.tape.ended(await operate(name, 'continue'))).toEqual(['succeeded']);
      } else
        expect([state, message]).toEqual(
          {
            deploy: ['deployed', null],
            undeploy: ['undeployed', null],
            cancel: ['failed', 'cancelled'],
          }[asked],
        );
      const twice = isKilled ? [script] : [];
      const run = asked === 'cancel' ? UP.slice(0, 3) : asked === 'undeploy' ? [...UP, ...DOWN] : UP;
      const lines = (await stage.journal()).filter(
        (line) => line.startsWith(`${name} `) && !line.endsWith('is told to end'),
      );
      const expected = [...run, ...twice].map(
        (step) => `${name} ${step}${step.startsWith('web') ? ` of ${name}` : ''}`,
      );
      expect([...lines].sort()).toEqual(expected.sort());
    },
  );

  it('leaves nothing behind once all is undeployed', async () => {
    const names = PHASES.filter(({ asked }) => asked !== 'undeploy').map(({ name }) => `${name}-${round}`);
    const ends = await Promise.all(names.map((name) => operate(name, 'undeploy')));
    expect(await stage.tape.ended(...ends)).toEqual(ends.map(() => 'succeeded'));
    await stage.open(false);
    expect((await stage.orchestrator.get('/v1/services')).body.items).toEqual([]);
    expect(stage.running()).toEqual([]);
    expect(await stage.faults()).toBe('');
  });
});
