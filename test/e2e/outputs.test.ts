/** Modules with several named outputs, in both SDKs, against a real orchestrator. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Tutti } from '../../src/client/index.js';
import { missing, python, root } from '../python/python.js';
import { OrchestratorProcess, pathOf, TUTTI } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const GRAPH = `name: training
source: { name: request, type: json }
index: [train.score.loss]
modules:
  train:
    inputs: [request]
    outputs: { score: json, plot: "bytes:image/png", report: "bytes:text/markdown" }
    retry: { attempts: 3, backoff: 10ms }
  judge:
    inputs: [train.plot, train.score]
    previous: [train.score]
    outputs: { verdict: json, length: json, before: json }
`;

it('are recorded, handed on, read, searched and taken over by their names, in both SDKs', async (ctx) => {
  const tool = missing('zmq', 'google.protobuf');
  if (tool !== undefined) ctx.skip(`needs ${tool}`);
  const scene = Scene.ofTest();
  const folder = await scene.directory();
  const file = join(folder, 'training.yaml');
  await writeFile(file, GRAPH);
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: [file] });
  const tape = orchestrator.tape();
  const env = { TUTTI_CONTROL: orchestrator.ready.control };
  const nodes = join(root, 'test/e2e/nodes');
  scene.spawn([join(nodes, 'trainer.mjs')], env);
  scene.spawn(
    [join(nodes, 'trainer.py')],
    { ...env, PYTHONPATH: join(root, 'python/src') },
    undefined,
    python,
  );

  const client = new Tutti({ url: orchestrator.ready.http });
  const iteration = await client.submit('training', { loss: 0.5 });
  await iteration.wait();
  const outputs = await iteration.outputs();
  expect(Object.keys(outputs)).toEqual([
    ...['train.score', 'train.plot', 'train.report', 'judge.verdict', 'judge.length', 'judge.before'],
  ]);
  expect(outputs).toMatchObject({
    'train.score': { loss: 0.5 },
    'judge.verdict': 'good',
    'judge.length': 13,
  });
  const first = (outputs['train.plot'] as Blob).type;
  expect(first).toBe('image/png');
  const task = `${iteration.problemId}/1`;
  expect(await orchestrator.output(task, 'train')).toMatchObject({ score: { loss: 0.5 } });
  const saved = await fetch(`${orchestrator.ready.http}${pathOf(task)}/outputs/train.plot/file`);
  expect(saved.headers.get('content-disposition')).toBe('attachment; filename="train-plot-1.png"');
  const unknown = await orchestrator.get(`${pathOf(task)}/outputs/train.plots`);
  expect([unknown.status, unknown.body.error.message]).toEqual([
    404,
    'train has no output "plots" (did you mean plot?): its outputs are score, plot, report',
  ]);

  const again = await orchestrator.iterate(iteration.problemId, { reuse: ['train'] });
  expect(await tape.ended(again.task_id)).toEqual(['succeeded']);
  expect(await orchestrator.output(again.task_id, 'judge.before')).toEqual({ loss: 0.5 });
  expect(await orchestrator.output(again.task_id, 'train.score')).toEqual({ loss: 0.5 });
  const worse = await orchestrator.submit('training', { loss: 2 });
  await tape.ended(worse.task_id);
  const found = await orchestrator.get(`/v1/iterations?filter=${encodeURIComponent('train.score.loss > 1')}`);
  expect(found.body.items.map(({ task_id }: { task_id: string }) => task_id)).toEqual([worse.task_id]);
  const verdict = await orchestrator.get(
    `/v1/iterations?filter=${encodeURIComponent('judge.verdict = "good"')}`,
  );
  expect(verdict.body.items).toHaveLength(2);
  const diff = await orchestrator.get(`/v1/problems/${iteration.problemId}/diff?a=1&b=2`);
  expect(diff.body.modules).toEqual({ judge: [{ path: '/before', a: null, b: { loss: 0.5 } }] });

  const failed = await orchestrator.submit('training', { loss: 1, forget: 'report' });
  expect(await tape.ended(failed.task_id)).toEqual(['failed']);
  const { error } = await orchestrator.task(failed.task_id);
  expect(error).toMatchObject({ code: 'missing_output', module: 'train', attempt: 1 });
  expect(error.message).toBe('train has not published report: the graph declares score, plot, report');
  const crate = await fetch(`${orchestrator.ready.http}${pathOf(again.task_id)}/crate`);
  const content = Buffer.from(await crate.arrayBuffer()).toString('latin1');
  for (const path of ['outputs/train.plot.png', 'outputs/judge.verdict.json'])
    expect(content).toContain(path);

  const url = ['--url', orchestrator.ready.http];
  const shown = scene.spawn([TUTTI, 'show', task.slice(-10), ...url]);
  await shown.exited;
  expect(shown.stdout).toContain('verdict: good');
  expect(shown.stdout).toContain('plot: image/png, 13 B');
  const listed = scene.spawn([TUTTI, 'iterations', ...url]);
  await listed.exited;
  expect(listed.stdout).toMatch(/^PROBLEM_ID +ITERATION_ID .* train\.score\.loss +judge\.verdict/);
  expect(listed.stdout).toMatch(new RegExp(`^${task.slice(-10, -2)} +1 +succeeded .* 0\\.5 +good`, 'm'));

  const [ofTrain, ofJudge] = [join(folder, 'train.jsonl'), join(folder, 'judge.jsonl')];
  const recordings = [
    ['train', ofTrain],
    ['judge', ofJudge],
  ] as const;
  for (const [module, to] of recordings) {
    const args = ['node-kit', 'record', again.task_id.slice(-10), '--module', module, '-o', to, ...url];
    const recording = scene.spawn([TUTTI, ...(module === 'train' ? args.with(2, task) : args)]);
    expect((await recording.exited).code, recording.stderr).toBe(0);
  }
  const judged = JSON.parse(await readFile(ofJudge, 'utf8'));
  expect(judged).toMatchObject({
    task_id: again.task_id,
    inputs: { 'train.score': { loss: 0.5 } },
    previous: { 'train.score': { loss: 0.5 } },
    types: { 'train.plot': 'bytes:image/png' },
    output_types: { verdict: 'json', length: 'json', before: 'json' },
    outputs: { verdict: 'good', length: 13, before: { loss: 0.5 } },
  });
  const replay = ['node-kit', 'run', ofJudge, '--expect', '--', process.execPath, join(nodes, 'trainer.mjs')];
  const replayed = scene.spawn([TUTTI, ...replay]);
  expect((await replayed.exited).code, replayed.stderr).toBe(0);
  const inPython = ['-m', 'tutti', 'run', join(nodes, 'trainer.py'), '--input', ofTrain];
  const trained = scene.spawn(inPython, { PYTHONPATH: join(root, 'python/src') }, undefined, python);
  expect((await trained.exited).code, trained.stderr).toBe(0);
  const { outputs: recorded } = JSON.parse(await readFile(ofTrain, 'utf8'));
  expect(JSON.parse(trained.stdout).outputs).toEqual(recorded);
  const checking = scene.spawn([TUTTI, 'check', orchestrator.ready.data]);
  expect(await checking.exited).toEqual({ code: 0, signal: null });
  expect(checking.stdout).toContain('iterations folded');
});
