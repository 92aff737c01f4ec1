/** Run modules on this machine: a real orchestrator, its managed agent, and real commands. Each command's own journal says how often it ran. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOf } from '../../src/store/process-info.js';
import { agentOf } from '../support/agents.js';
import type { EventTape } from '../support/event-tape.js';
import { type Json, OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const CHAIN = `
name: chain
source: { name: request, type: json }
modules:
  draw:
    inputs: [request]
    output: json
    run:
      command: [sh, draw.sh, "\${request.count}", "\${request.journal}"]
      files: { draw.sh: ./draw.sh }
  total:
    inputs: [draw]
    output: json
    run: { script: ./total.sh, args: ["--of=\${draw.count}"] }
  report:
    inputs: [total, request]
    output: bytes:text/plain
    run: { command: [sh, -c, 'printf "the sum is %s, said %s" "$1" "$2"', sh, "\${total.sum}", "\${request.by}"], result: stdout }
`;
const DRAW = `# reads its arguments, says what it does, and writes its output
echo "$TUTTI_MODULE $TUTTI_ATTEMPT" >> "$2"
echo "draws $1"
echo "careful" >&2
i=1; list=1
while [ $i -lt "$1" ]; do i=$((i + 1)); list="$list, $i"; done
echo "{\\"count\\": $1, \\"numbers\\": [$list]}" > "$TUTTI_OUTPUT"
`;
const TOTAL = `#!/bin/sh
test "$1" = "--of=3" || exit 9
sum=$(tr -dc '0-9,\\n' < "$TUTTI_INPUTS/draw.json" | cut -d, -f2- | tr ',' '\\n' | awk '{ s += $1 } END { print s }')
echo "{\\"sum\\": $sum}" > "$TUTTI_OUTPUT"
`;
/** What a command does stands in the request. */
const LAB = (name: string, run: string, output = 'json') => `
name: ${name}
source: { name: request, type: json }
modules:
  work:
    inputs: [request]
    output: ${output}
    retry: { attempts: 1 }
    run: { command: [sh, -c, "\${request.script}"], ${run} }
`;
const GRAPHS: Readonly<Record<string, string>> = {
  'chain.yaml': CHAIN,
  'draw.sh': DRAW,
  'total.sh': TOTAL,
  'lab.yaml': LAB('lab', 'result: file'),
  'brief.yaml': LAB('brief', 'resources: { walltime: 1s }'),
  'none.yaml': LAB('none', 'result: none'),
  'picky.yaml': LAB('picky', 'retry_exit_codes: [4]').replace('attempts: 1', 'attempts: 2, backoff: 100ms'),
};

const SAMPLE = join(import.meta.dirname, '../../nodes/examples/pipeline/graph.yaml');
const scene = new Scene();
afterAll(() => scene.end());
let folder: string;
let orchestrator: OrchestratorProcess;
let tape: EventTape;

beforeAll(async () => {
  folder = await scene.directory();
  for (const [name, text] of Object.entries(GRAPHS))
    await writeFile(join(folder, name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
  orchestrator = await OrchestratorProcess.up(scene, {
    graphs: [
      SAMPLE,
      ...Object.keys(GRAPHS)
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => join(folder, name)),
    ],
    // A command that takes no notice of SIGTERM is there until half a second before the end of it.
    args: ['--grace', '3s'],
  });
  tape = orchestrator.tape();
});

const at = (name: string) => join(folder, name);
const journal = async (name: string) => (await readFile(at(name), 'utf8')).trim().split('\n');
const submit = async (graph: string, input: Json) => (await orchestrator.submit(graph, input)).task_id;
const logOf = (task: string, module: string): Json[] =>
  tape.of(task).filter((event) => event.type === 'execution.log' && event.module === module);
/** It writes a line to its journal, then waits until something is in the file \`go\`, and gives it. */
const held = (name: string) =>
  `echo $TUTTI_ATTEMPT >> ${at(`${name}.journal`)}; while [ ! -s ${at(`${name}.go`)} ]; do sleep 0.1; done; cat ${at(`${name}.go`)} > $TUTTI_OUTPUT`;
const running = (task: string) =>
  tape.first(`the start of ${task}`, (event) => {
    const id = `${event.problem_id}/${event.iteration_id}`;
    return event.type === 'execution.running' && id === task;
  });
/** The only execution of a task that failed. */
const failure = async (graph: string, input: Json) => {
  const task = await submit(graph, input);
  expect(await tape.ended(task)).toEqual(['failed']);
  return await orchestrator.executions(task);
};

describe('run modules on this machine', () => {
  it('run as a pipeline of scripts, each with its inputs, its log and its output', async () => {
    const task = await submit('chain', {
      count: 3,
      journal: at('pipeline.journal'),
      by: 'a "quoted" $HOME; name',
    });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.output(task, 'draw')).toEqual({ count: 3, numbers: [1, 2, 3] });
    expect(await orchestrator.output(task, 'total')).toEqual({ sum: 6 });
    const report = Buffer.from(await orchestrator.output(task, 'report'), 'base64');
    expect(report.toString()).toBe('the sum is 6, said a "quoted" $HOME; name');
    expect(await journal('pipeline.journal')).toEqual(['draw 1']);
    const lines = logOf(task, 'draw');
    expect(
      lines.filter(({ fields }) => fields.stream).map(({ message, fields }) => [fields.stream, message]),
    ).toEqual([
      ['stdout', 'draws 3'],
      ['stderr', 'careful'],
    ]);
    expect(lines.find(({ fields }) => fields.engine_id)?.fields).toMatchObject({ by: 'agent' });
    const nodes = await orchestrator.nodes();
    expect(nodes).toMatchObject([{ module: 'tutti.agent', instance: 'local' }]);
  });

  it('run the sample that the package brings', async () => {
    const task = await submit('pipeline', { count: 5, seed: 7 });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    const { numbers } = await orchestrator.output(task, 'draw');
    const { count, mean } = await orchestrator.output(task, 'summarize');
    expect(count).toBe(5);
    expect(mean).toBeCloseTo(numbers.reduce((sum: number, each: number) => sum + each, 0) / 5, 5);
  });

  it('fail with a code that says why', async () => {
    const say = (script: string) => ({ script });
    const [three, nothing, rubbish, brief, dead, none, lost] = await Promise.all([
      failure('lab', say('echo boom >&2; exit 3')),
      failure('lab', say('true')),
      failure('lab', say('echo "{" > $TUTTI_OUTPUT')),
      failure('brief', say('sleep 60')),
      failure('lab', say('kill -9 $$')),
      failure('none', say('exit 7')),
      failure('lab', { nothing: 1 }),
    ]);
    expect(three).toMatchObject([
      { error: { code: 'exit_code', details: { exit_code: '3', stderr: 'boom' } } },
    ]);
    expect(nothing).toMatchObject([{ error: { code: 'no_result' } }]);
    expect(rubbish).toMatchObject([{ error: { code: 'bad_result' } }]);
    expect(brief).toMatchObject([{ error: { code: 'walltime' } }]);
    expect(dead).toMatchObject([{ error: { code: 'exit_code', details: { signal: 'SIGKILL' } } }]);
    expect(none).toMatchObject([{ error: { code: 'exit_code', details: { exit_code: '7' } } }]);
    expect(lost).toMatchObject([{ error: { code: 'bad_reference' } }]);
  });

  it('give their exit code and times as the output where the graph says so', async () => {
    const task = await submit('none', { script: 'exit 0' });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.output(task, 'work')).toEqual({
      exit_code: 0,
      signal: null,
      seconds: expect.any(Number),
      host: expect.any(String),
    });
  });

  it('are tried again after 75 and the exit codes of the graph, and after no others', async () => {
    const [temporary, listed, other] = await Promise.all(
      [75, 4, 5].map((code) => failure('picky', { script: `exit ${code}` })),
    );
    expect([temporary, listed, other].map((executions) => executions!.length)).toEqual([2, 2, 1]);
  });

  it('leave no process behind when they are stopped', async () => {
    const pids = at('stopped.pids');
    const script = `trap '' TERM; (trap '' TERM; sleep 300) & echo $$ $! > ${pids}; setsid sh -c 'trap "" TERM; echo $$ >> ${pids}; sleep 300' & wait; sleep 300`;
    const task = await submit('lab', { script });
    await running(task);
    await expect
      .poll(async () => (await readFile(pids, 'utf8').catch(() => '')).trim().split(/\s+/).length)
      .toBe(3);
    const reply = await orchestrator.post(`${pathOf(task)}/commands`, { command: 'stop' });
    expect(reply.status).toBe(202);
    expect(await tape.ended(task)).toEqual(['cancelled']);
    for (const pid of (await readFile(pids, 'utf8')).trim().split(/\s+/))
      await expect.poll(() => startOf(Number(pid))).toBeUndefined();
  });

  it('go on while their agent is killed, and are not started twice', async () => {
    const task = await submit('lab', { script: held('agent') });
    await running(task);
    const before = (await agentOf(orchestrator.ready.data))!;
    process.kill(before.pid, 'SIGKILL');
    await expect
      .poll(async () => (await agentOf(orchestrator.ready.data))?.pid ?? before.pid)
      .not.toBe(before.pid);
    await writeFile(at('agent.go'), '{"by":"another process"}');
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.output(task, 'work')).toEqual({ by: 'another process' });
    expect(await journal('agent.journal')).toEqual(['1']);
    expect(await orchestrator.executions(task)).toHaveLength(1);
  });

  it('go on while the orchestrator is killed, and end while it is away', async () => {
    const task = await submit('lab', { script: held('away') });
    await running(task);
    const agent = await agentOf(orchestrator.ready.data);
    await orchestrator.process.end('SIGKILL');
    await writeFile(at('away.go'), '7');
    await orchestrator.restart();
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.output(task, 'work')).toEqual(7);
    expect(await journal('away.journal')).toEqual(['1']);
    expect(await agentOf(orchestrator.ready.data)).toEqual(agent);
  });

  it('may print far more than a history has room for', async () => {
    const script = `yes 'a line of forty characters, no more, no l' | head -c 200000000; echo; echo the end; echo 1 > $TUTTI_OUTPUT`;
    const task = await submit('lab', { script });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    const lines = logOf(task, 'work');
    const gap = lines.find(({ fields }) => fields.left_out_bytes !== undefined);
    expect(gap.fields).toMatchObject({ by: 'agent', of: 'stdout', size: '200000009' });
    expect(lines.at(-1).message).toBe('the end');
    const whole = await fetch(`${orchestrator.ready.http}/v1/blobs/${gap.fields.blob}`);
    let size = 0;
    for await (const piece of whole.body!) size += piece.byteLength;
    expect(size).toBe(200_000_009);
    const { pid } = (await agentOf(orchestrator.ready.data))!;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    expect(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(500_000);
  });

  it('leave no folders behind', async () => {
    const work = join(orchestrator.ready.data, 'work');
    await mkdir(work, { recursive: true });
    await expect
      .poll(async () => (await readdir(work)).filter((name) => /^[0-9a-f-]{36}$/.test(name)))
      .toEqual([]);
  });
});
