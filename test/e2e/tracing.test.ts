/** Traces of the work, as a collector receives them, and the traces that nodes are told to put their own spans below. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { missing, python, root } from '../python/python.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Collector, type ReceivedSpan } from '../support/otlp.js';
import { Scene } from '../support/processes.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const HEADER = { traceparent: `00-${TRACE}-${CALLER}-01` };
const NODE_IN_PYTHON = `
import tutti
tutti.node("second")(lambda task: {"traceparent": task.traceparent}).serve()
`;

describe.skipIf(missing('zmq', 'google.protobuf'))('traces', () => {
  const scene = Scene.ofFile();
  let collector: Collector;
  let orchestrator: OrchestratorProcess;

  const startBoth = ({ ready }: OrchestratorProcess): void => {
    startNode(scene, { ready }, { module: 'first' });
    const env = { TUTTI_CONTROL: ready.control, PYTHONPATH: join(root, 'python/src') };
    scene.spawn(['-c', NODE_IN_PYTHON], env, root, python);
  };
  const submit = async (
    input: unknown,
    headers: Readonly<Record<string, string>> = {},
    to: OrchestratorProcess = orchestrator,
  ): Promise<string> =>
    (await to.post('/v1/problems', { graph: 'pair', input }, headers)).body.task_id as string;
  const toldNodes = async (taskId: string, by: OrchestratorProcess = orchestrator): Promise<unknown[]> => [
    (await by.output(taskId, 'first')).traceparent,
    (await by.output(taskId, 'second')).traceparent,
  ];
  const spansOf = async (taskId: string, count: number): Promise<ReceivedSpan[]> => {
    const of = (): ReceivedSpan[] =>
      collector.spans.filter(({ attributes }) => attributes['tutti.task_id'] === taskId);
    await expect.poll(() => of().length).toBe(count);
    return of();
  };

  beforeAll(async () => {
    collector = await Collector.start(scene);
    orchestrator = await OrchestratorProcess.up(scene, {
      graphs: ['pair'],
      args: ['--otlp-endpoint', collector.url],
      env: { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test' },
    });
    startBoth(orchestrator);
  });

  it('continue that of the submission, through a crash of the orchestrator, down to the spans of nodes', async () => {
    const hold = join(await scene.directory(), 'go');
    const tape = orchestrator.tape();
    const task = await submit({ first: { hold } }, HEADER);
    await tape.first(
      'the start of the first module',
      ({ type, module }) => type === 'execution.running' && module === 'first',
    );
    await orchestrator.process.end();
    await orchestrator.restart();
    await writeFile(hold, '');
    expect(await tape.ended(task)).toEqual(['succeeded']);

    const spans = await spansOf(task, 3);
    const [whole, first, second] = ['task pair', 'first', 'second'].map(
      (name) => spans.find((span) => span.name === name)!,
    );
    expect(whole).toMatchObject({ traceId: TRACE, parentSpanId: CALLER, service: 'tutti' });
    for (const execution of [first, second])
      expect(execution).toMatchObject({ traceId: TRACE, parentSpanId: whole!.spanId, status: { code: 0 } });
    expect(first!.attributes).toMatchObject({
      ...{ 'tutti.graph': 'pair', 'tutti.module': 'first', 'tutti.attempt': 1, 'tutti.state': 'succeeded' },
    });
    expect(whole!.seconds).toBeGreaterThanOrEqual(first!.seconds);
    expect(await toldNodes(task)).toEqual([first, second].map((span) => `00-${TRACE}-${span!.spanId}-01`));
  });

  it('are of their own without one, and say what failed', async () => {
    const fail = { times: 9, code: 'boom', message: 'no', final: true };
    const task = await submit({ first: { fail } }, { traceparent: 'not one at all' });
    const spans = await spansOf(task, 2);
    const [whole, first] = ['task pair', 'first'].map((name) => spans.find((span) => span.name === name)!);
    expect(whole).toMatchObject({ parentSpanId: '', status: { code: 2 } });
    expect(whole!.traceId).not.toBe(TRACE);
    expect(first).toMatchObject({ traceId: whole!.traceId, status: { code: 2, message: 'no' } });
    expect(first!.attributes['error.type']).toBe('boom');
    expect(first!.events).toEqual(['running']);
  });

  it('are not sampled where the caller has decided so', async () => {
    const tape = orchestrator.tape();
    const task = await submit({}, { traceparent: `00-${TRACE}-${CALLER}-00` });
    await tape.ended(task);
    const told = await toldNodes(task);
    expect(told).toEqual(
      [0, 1].map(() => expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-\w{16}-00$/)),
    );
    const after = await submit({});
    await spansOf(after, 3);
    expect(await spansOf(task, 0)).toEqual([]);
  });

  it('are off without a collector: nodes are told that of the submission, unchanged, and no other', async () => {
    const quiet = await OrchestratorProcess.up(scene, { graphs: ['pair'] });
    const tape = quiet.tape();
    startBoth(quiet);
    const [traced, untraced] = [await submit({}, HEADER, quiet), await submit({}, {}, quiet)];
    await tape.ended(traced, untraced);
    expect(await toldNodes(traced, quiet)).toEqual([HEADER.traceparent, HEADER.traceparent]);
    expect(await toldNodes(untraced, quiet)).toEqual([undefined, null]);
  });
});
