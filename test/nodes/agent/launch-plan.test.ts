import { describe, expect, it } from 'vitest';
import { planLaunch } from '../../../nodes/agent/launch-plan.js';
import { resolve } from '../../../nodes/agent/references.js';
import { fakeTask, inputOf } from './fake-engine.js';

const launchOf = (plan: ReturnType<typeof planLaunch>) => {
  if (!plan.ok) throw new Error(plan.message);
  return plan.launch;
};
const REQUEST = inputOf(
  'request',
  `{"n":3,"name":"a b; rm","deep":{"list":[1,{"x":true}]},"ref":"\${request.n}"}`,
);

describe('a reference in a word of a command', () => {
  it.each([
    [`\${request.n}`, '3'],
    [`--n=\${request.n}!`, '--n=3!'],
    [`\${request.name}`, 'a b; rm'],
    [`\${request.deep.list.1.x}`, 'true'],
    [`\${request.deep}`, '{"list":[1,{"x":true}]}'],
    [`\${request.n}\${request.n}`, '33'],
    ['$request $$ {}', '$request $$ {}'],
  ])('%s becomes %s', (word, value) => {
    expect(resolve([word], [REQUEST])).toEqual({ ok: true, words: [value] });
  });

  it.each([
    [`\${request.m|request.n}`, '3'],
    [`\${other.n|request.name}`, 'a b; rm'],
    [`\${request.n|request.name}`, '3'],
  ])('%s becomes the first of them that there is', (word, value) => {
    expect(resolve([word], [REQUEST])).toEqual({ ok: true, words: [value] });
  });

  it('a word whose references all lead nowhere is a fault of its first reference', () => {
    const word = `\${request.m|request.o}`;
    expect(resolve([word], [REQUEST])).toEqual({
      ok: false,
      message: `${word}: there is no m in request`,
    });
  });

  it('is replaced once: what a value contains is not looked at again', () => {
    expect(resolve([`\${request.ref}`], [REQUEST])).toEqual({ ok: true, words: [`\${request.n}`] });
  });

  it.each([
    [`\${other.n}`, 'the module has no input other (it has request)'],
    [`\${}`, 'the module has no input "" (it has request)'],
    [`\${request.m}`, 'there is no m in request'],
    [`\${request.n.x}`, 'there is no n.x in request'],
  ])('%s that leads nowhere is a fault', (word, fault) => {
    expect(resolve([word], [REQUEST])).toEqual({ ok: false, message: `${word}: ${fault}` });
  });

  it('has values of a bounded length together, and those beyond are not made', () => {
    const large = inputOf('large', JSON.stringify('x'.repeat(100_000)));
    const begun = performance.now();
    const resolved = resolve([`\${large}`.repeat(50_000)], [large]);
    expect(resolved).toEqual({ ok: false, message: 'the values have more than 1048576 characters in total' });
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('cannot put bytes or a NUL into a word', () => {
    const inputs = [inputOf('image', new Uint8Array(3)), inputOf('text', '"a\\u0000b"')];
    expect(resolve([`\${image}`, `\${text}`], inputs)).toEqual({
      ok: false,
      message: `\${image}: image is of type bytes, which cannot stand in a word; \${text}: the value has a NUL character, which is not allowed in a word`,
    });
  });
});

describe('the launch of an execution', () => {
  it('has the command, its environment, and its inputs as files', () => {
    const { task } = fakeTask(
      {
        work: { kind: 'command', argv: ['python3', 'x.py', `\${request.n}`] },
        files: [
          { path: 'x.py', blob: { sha256: 'a', size: 1 }, url: '' },
          { path: 'bin/tool', blob: { sha256: 'b', size: 1 }, url: '' },
        ],
        env: { OMP_NUM_THREADS: '2', TUTTI_ATTEMPT: 'mine' },
        resources: { cpus: 4, walltimeMs: 1_000 },
      },
      { request: '{"n":1.0}', image: new Uint8Array([1]), 'previous/simulate': '{"old":true}' },
      { attempt: 2, pass: 3, item: 0 },
    );
    const contents = [Buffer.from('print()'), Buffer.from('#!/bin/sh\n')];
    const launch = launchOf(planLaunch(task, contents));
    expect(launch).toMatchObject({
      key: 'e1',
      argv: ['python3', 'x.py', '1'],
      env: {
        OMP_NUM_THREADS: '2',
        TUTTI_TASK_ID: 'problem/1',
        TUTTI_EXECUTION_ID: 'e1',
        TUTTI_MODULE: 'simulate',
        TUTTI_ATTEMPT: '2',
        TUTTI_PASS: '3',
        TUTTI_ITEM: '0',
      },
      pathEnv: { TUTTI_INPUTS: '.tutti-inputs', TUTTI_OUTPUT: '.tutti-output' },
      resources: { cpus: 4, walltimeMs: 1_000 },
    });
    const files = launch.files.map(({ path, bytes, executable }) => [
      path,
      Buffer.from(bytes).toString(),
      executable,
    ]);
    expect(files).toEqual([
      ['x.py', 'print()', false],
      ['bin/tool', '#!/bin/sh\n', true],
      ['.tutti-inputs/request.json', '{"n":1.0}', undefined],
      ['.tutti-inputs/image.bin', '\x01', undefined],
      ['.tutti-inputs/previous/simulate.json', '{"old":true}', undefined],
    ]);
  });

  it('has a message both as JSON and as it is on the wire', () => {
    const message = {
      ...inputOf('model', '{"name":"x"}'),
      type: 'sustainml.v1.MLModel',
      bytes: Buffer.from([1, 2]),
    };
    const { task } = fakeTask({}, {}, { inputs: [message] });
    const files = launchOf(planLaunch(task, [])).files.map(({ path, bytes }) => [path, [...bytes]]);
    expect(files).toEqual([
      ['.tutti-inputs/model.json', [...Buffer.from('{"name":"x"}')]],
      ['.tutti-inputs/model.pb', [1, 2]],
    ]);
  });

  it('runs a script by its own first line', () => {
    const { task } = fakeTask(
      {
        work: { kind: 'script', path: 'run.sh', args: [`\${request.n}`] },
        files: [{ path: 'run.sh', blob: { sha256: 'a', size: 1 }, url: '' }],
      },
      { request: '{"n":7}' },
    );
    const launch = launchOf(planLaunch(task, [Buffer.from('echo')]));
    expect(launch.argv).toEqual(['./run.sh', '7']);
    expect(launch.files[0]).toMatchObject({ path: 'run.sh', executable: true });
  });

  it('puts references into its environment only where the work says so', () => {
    const env = { ADDRESS: `http://\${request.host}` };
    const given = { request: '{"host":"a"}' };
    const plain = launchOf(planLaunch(fakeTask({ env }, given).task, []));
    expect(plain.env.ADDRESS).toBe(`http://\${request.host}`);
    const referring = fakeTask({ env, envReferences: true }, given).task;
    expect(launchOf(planLaunch(referring, [])).env.ADDRESS).toBe('http://a');
    const lost = fakeTask({ env, envReferences: true }, { request: '{}' }).task;
    expect(planLaunch(lost, [])).toEqual({
      ok: false,
      message: `\${request.host}: there is no host in request`,
    });
  });

  it('takes a job from its input, and substitutes nothing in it', () => {
    const job = {
      script: '#!/bin/sh\n',
      args: [`\${x}`],
      env: { A: 'b' },
      resources: { cpus: 2, memory_bytes: 64, walltime_ms: 5 },
    };
    const { task } = fakeTask({ work: { kind: 'job' } }, { job: JSON.stringify(job) });
    const launch = launchOf(planLaunch(task, []));
    expect(launch).toMatchObject({
      argv: ['./.tutti-script', `\${x}`],
      env: { A: 'b' },
      resources: { cpus: 2, memoryBytes: 64, walltimeMs: 5 },
    });
    expect(launch.files[0]).toMatchObject({ path: '.tutti-script', executable: true });
  });

  it.each([
    ['{}', 'the job has no script'],
    ['{"script":"x","args":[1]}', 'args of the job is not a list of texts'],
    ['{"script":"x","env":{"A":1}}', 'env of the job is not a map of texts'],
  ])('refuses the job %s', (job, message) => {
    const { task } = fakeTask({ work: { kind: 'job' } }, { job });
    expect(planLaunch(task, [])).toEqual({ ok: false, message });
  });
});

describe('a playbook of a deployment', () => {
  const argv = ['ansible-playbook', '-i', 'edge,', 'plays/create.yml'];
  const pathsOf = (run: Parameters<typeof fakeTask>[0]): string[] =>
    launchOf(planLaunch(fakeTask(run).task, [])).files.map(({ path }) => path);

  it('gets the plugin that takes what it sets beside it, and no other command does', () => {
    const work = { kind: 'command', argv } as const;
    const plugin = 'plays/callback_plugins/tutti_attributes.py';
    expect(pathsOf({ work, result: 'attributes' })).toEqual([plugin]);
    expect(pathsOf({ work, result: 'file' })).toEqual([]);
    expect(pathsOf({ work: { ...work, argv: ['sh', 'a.yml'] }, result: 'attributes' })).toEqual([]);
  });
});
