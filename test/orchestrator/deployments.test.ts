/** Operations of deployments: one at a time, each planned by what was observed after the one before. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Blueprint } from '../../src/model/blueprint.js';
import type { Deployment } from '../../src/model/deployment.js';
import { planInput } from '../../src/model/deployment-graph.js';
import { AGENT_MODULE } from '../../src/model/run.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import type { Answer } from '../../src/orchestrator/port.js';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { Core, type Peer } from './core.js';

const types = typesFromDescriptors(new Uint8Array());
const known = { types, typesJson: types.toJson(['json']) };
const FAILED = { code: 'exit_code', message: 'it ended with exit code 3', retryable: false };

let core: Core;
let agent: Peer;

beforeEach(async () => {
  core = await Core.open([]);
  core.isSabotaged = true;
  await core.ask({
    kind: 'add_cluster',
    cluster: {
      ...{ name: 'hpc', type: 'ssh', status: 'active', workdir: '/w', slots: 8, labels: {}, agent: 'remote' },
    },
  });
  agent = core.peer(AGENT_MODULE, { instance: 'hpc', typesByAssignment: true });
  await agent.join();
});

/** One component, whose script runs so often. */
function blueprint(attempts: number): Blueprint {
  const component = {
    ...{ name: 'store', require: {}, resources: { cpus: 1 }, attempts },
    ...{ operations: { create: { script: 'act.sh', args: [], inputs: {} } }, env: {}, files: [], after: [] },
  };
  return { name: 'shop', inputs: {}, components: [component], outputs: {} };
}

const inline = (value: unknown) =>
  ({ kind: 'inline', bytes: new TextEncoder().encode(JSON.stringify(value)) }) as const;
const deployment = (): Deployment => [...core.state.deployments.values()][0]!;

/** What the agent is told to run. */
async function deploys(attempts = 1): Promise<AssignOrder> {
  const about = { blueprint: blueprint(attempts), inputs: {} };
  const turned = await core.turn(
    core.asks({
      ...{ kind: 'deploy', name: 'shop', project: 'default', ...about, files: {}, ...known },
      prepared: inline(planInput({ ...about, before: {} })),
    }),
  );
  expect(turned.answers).toMatchObject([{ ok: true }]);
  return turned.only(agent.route, 'assign order')[0]!;
}

/** It is continued by somebody who has seen it after the operation `after`. */
function continues(after: number): Promise<Answer> {
  const about = { blueprint: blueprint(1), inputs: {}, before: {} };
  return core.ask({
    ...{ kind: 'operate_deployment', deploymentId: deployment().id, operation: 'continue', after, ...known },
    asked: { name: 'shop', operation: 'continue', direction: 'up', ...about },
    prepared: inline(planInput(about)),
  });
}

describe('an operation', () => {
  it('is refused while another one goes on, also to one who has seen that', async () => {
    await deploys();
    expect(await continues(1)).toMatchObject({ ok: false, code: 'busy' });
    expect(deployment()).toMatchObject({ operationId: 1, state: 'deploying' });
  });

  it('is refused where another one has begun and ended since it was prepared', async () => {
    const first = await deploys();
    await agent.report(first, 'FAILED', { error: FAILED });
    expect(await continues(1)).toMatchObject({ ok: true });
    const [second] = [...agent.node.executions];
    await agent.report({ ...first, executionId: second!.id, lease: second!.lease }, 'FAILED', {
      error: FAILED,
    });
    expect(deployment()).toMatchObject({ operationId: 2, state: 'failed' });
    expect(await continues(1)).toMatchObject({ ok: false, code: 'busy' });
    expect(await continues(2)).toMatchObject({ ok: true });
  });

  it.each([
    [1, 0, 'failed'],
    [2, 1, 'deploying'],
  ] as const)('has a lost step, which may run %i times, run %i more times', async (attempts, more, state) => {
    const order = await deploys(attempts);
    await agent.report(order, 'RUNNING');
    await agent.beat([]);
    const lost = await agent.beat([]);
    const again = lost.only(agent.route, 'assign order');
    expect([again.length, deployment().state]).toEqual([more, state]);
    expect(await core.faults()).toEqual([]);
  });
});
