import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { Endpoints } from '../../src/bus/bus.js';
import { createZeromqOrchestratorBus } from '../../src/bus/zeromq-orchestrator.js';
import { type NodeOptions, node } from '../../src/sdk/index.js';
import { FakeOrchestrator } from './fake-orchestrator.js';
import { assign } from './session-driver.js';

const ANY = 'tcp://127.0.0.1:0';
const E1 = '0197a000-0000-7000-8000-0000000000e1';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function orchestratorAt(
  endpoints: Endpoints = { control: ANY, outputs: ANY, events: ANY },
): Promise<{ orchestrator: FakeOrchestrator; endpoints: Endpoints }> {
  const bus = createZeromqOrchestratorBus({
    ...endpoints,
    maxFrameBytes: 1_048_576,
    lingerMs: 100,
    admitsAll: true,
  });
  const orchestrator = new FakeOrchestrator(bus);
  const bound = await orchestrator.start();
  stops.push(() => bus.stop());
  return { orchestrator, endpoints: bound };
}

function options(endpoints: Endpoints, over: NodeOptions = {}): NodeOptions {
  const { control } = endpoints;
  return {
    control,
    instance: 'ml-1',
    logger: silent,
    exitOnTerminate: false,
    flushMs: 0,
    shutdownGraceMs: 0,
    ...over,
  };
}

describe('a node over ZeroMQ', () => {
  it('registers, works, and says goodbye', async () => {
    const { orchestrator, endpoints } = await orchestratorAt();
    const starting = node('ml_model', ({ inputs }) => ({ twice: inputs.n * 2 }), options(endpoints)).start();
    await orchestrator.welcomeNode({ outputsEndpoint: endpoints.outputs.replace('127.0.0.1', '*') });
    const running = await starting;
    stops.push(() => running.stop());
    await orchestrator.next('node_report', ({ status }) => status === 'IDLE');
    const value = { kind: 'inline', bytes: Buffer.from('21') } as const;
    orchestrator.send(assign(E1, { inputs: [{ name: 'n', type: 'json', value, previous: false }] }));
    expect(await orchestrator.nextOutput()).toMatchObject({
      ...{ executionId: E1, seq: 1, last: true },
      payload: { bytes: Buffer.from('{"twice":42}') },
    });
    const stopping = running.stop();
    await orchestrator.next('goodbye');
    await stopping;
  });

  it('is adopted by the orchestrator that comes back on the same ports, with its execution still running', async () => {
    const first = await orchestratorAt();
    let finish!: (value: string) => void;
    const finished = new Promise<string>((resolve) => {
      finish = resolve;
    });
    const starting = node('ml_model', () => finished, options(first.endpoints)).start();
    const welcome = { heartbeatIntervalMs: 50, outputsEndpoint: first.endpoints.outputs };
    await first.orchestrator.welcomeNode(welcome);
    const running = await starting;
    stops.push(() => running.stop());
    await first.orchestrator.next('node_report', ({ status }) => status === 'IDLE');
    first.orchestrator.send(assign(E1));
    await first.orchestrator.report('RUNNING');
    await first.orchestrator.bus.stop();

    const { orchestrator } = await orchestratorAt(first.endpoints);
    orchestrator.epoch = 2;
    await orchestrator.next('heartbeat');
    orchestrator.send({ kind: 'refused', code: 'say_hello', message: 'who are you?', incarnation: 3 });
    await orchestrator.welcomeNode(welcome);
    finish('done');
    expect(await orchestrator.nextOutput()).toMatchObject({
      executionId: E1,
      payload: { bytes: Buffer.from('"done"') },
    });
  });

  it('ends its process with 0 on SIGTERM, having given its work back', async () => {
    const { orchestrator, endpoints } = await orchestratorAt();
    const child = spawn(process.execPath, [new URL('./waiting-node.mjs', import.meta.url).pathname], {
      env: { ...process.env, TUTTI_CONTROL: endpoints.control, TUTTI_INSTANCE: 'ml-1' },
      stdio: ['ignore', 'inherit', 'ignore'],
    });
    stops.push(async () => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    await orchestrator.welcomeNode({ outputsEndpoint: endpoints.outputs });
    await orchestrator.next('node_report', ({ status }) => status === 'IDLE');
    orchestrator.send(assign(E1));
    await orchestrator.report('RUNNING');
    child.kill('SIGTERM');
    await orchestrator.report('PREEMPTED');
    orchestrator.send({ kind: 'output_acks', acks: [{ executionId: E1, seq: 0, ended: true }] });
    await orchestrator.next('goodbye');
    expect(await exited).toEqual([0, null]);
  });
});
