import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Assign, Input } from '../../src/model/protocol.js';
import type { AssignedRun } from '../../src/model/run.js';
import { AgentRun } from '../../src/sdk/agent-run.js';
import type { AgentPlay, RunResult, RunTask } from '../../src/sdk/index.js';
import { TaskAbortedError } from '../../src/sdk/index.js';
import type { SessionEvent } from '../../src/sdk/session/events.js';
import { GIVE_UP_MS } from '../../src/sdk/session/executions.js';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { MemoryBlobs } from './ground.js';
import { ManualTime } from './manual-time.js';
import { assign, Driver, welcome } from './session-driver.js';

const RUN: AssignedRun = {
  work: { kind: 'command', argv: ['true'] },
  files: [],
  env: {},
  secrets: {},
  resources: { cpus: 1 },
  result: 'file',
  keep: 'never',
  retryExitCodes: undefined,
};
const AGENT = { module: 'tutti.agent', instance: 'local', capacity: 1 };
const toRun = (executionId: string) => assign(executionId, { module: 'simulate', timeoutMs: 0, run: RUN });

describe('the session of an agent', () => {
  it('takes run modules of any name, as many as it is given, and no other modules', () => {
    const driver = Driver.idle(AGENT);
    driver.receive([toRun('e1'), toRun('e2'), assign('e3', { module: 'simulate' })]);
    expect(driver.reports()).toMatchObject([
      { executionId: 'e1', state: 'ACCEPTED' },
      { executionId: 'e2', state: 'ACCEPTED' },
      { executionId: 'e3', state: 'REJECTED', error: { code: 'wrong_module' } },
    ]);
  });

  it('shows ERROR with the reason while its cluster cannot be asked, and goes on with what it has and is given', () => {
    const driver = Driver.idle(AGENT);
    driver.receive([toRun('e1')]);
    driver.step({ kind: 'begun', executionId: 'e1' });
    driver.said();
    const error = { code: 'cluster_unreachable', message: 'no route to host', retryable: true };
    driver.step({ kind: 'trouble', error });
    driver.receive([toRun('e2')]);
    const { messages } = driver.said();
    expect(messages).toMatchObject([
      { kind: 'execution_report', executionId: 'e2', state: 'ACCEPTED' },
      { kind: 'node_report', status: 'ERROR', error },
    ]);
    driver.step({ kind: 'trouble' });
    expect(driver.said().messages).toMatchObject([{ kind: 'node_report', status: 'RUNNING' }]);
    expect(driver.effects('abort')).toEqual([]);
  });

  it('takes an assignment that was on its way when it was killed, before it is told to start', () => {
    const driver = new Driver(AGENT);
    driver.step({ kind: 'open' });
    driver.said();
    driver.receive([welcome(), toRun('e1')]);
    expect(driver.reports()).toMatchObject([{ executionId: 'e1', state: 'ACCEPTED' }]);
  });

  it('can be told to start while its cluster cannot be asked', () => {
    const driver = Driver.idle(AGENT);
    driver.step({ kind: 'trouble', error: { code: 'cluster_silent', message: 'silent', retryable: true } });
    driver.receive([{ kind: 'node_command', commandId: 'again', cmd: 'START', reason: '', graceMs: 0 }]);
    expect(driver.said().messages).toContainEqual(
      expect.objectContaining({ kind: 'command_ack', commandId: 'again', accepted: true }),
    );
  });

  it('says what its cluster has with a further hello', () => {
    const driver = Driver.idle(AGENT);
    driver.pass(1_000);
    driver.said();
    driver.step({ kind: 'resources', resources: { cpus: 8, memoryBytes: 64 } });
    driver.pass(300);
    const hello = driver.said().messages.find(({ kind }) => kind === 'hello');
    expect(hello).toMatchObject({ resources: { cpus: 8, memoryBytes: 64 } });
    driver.receive([welcome()]);
    driver.said();
    driver.step({ kind: 'resources', resources: { cpus: 8, memoryBytes: 64 } });
    driver.receive([toRun('e1')]);
    expect(driver.reports()).toMatchObject([{ state: 'ACCEPTED' }]);
  });

  it('does not give a stop up that takes long, and names the execution until it is done', () => {
    const driver = Driver.idle(AGENT);
    driver.receive([toRun('e1')]);
    driver.task('STOP', 'e1');
    expect(driver.effects('abort')).toMatchObject([{ executionId: 'e1', graceMs: 500 }]);
    driver.pass(5_000);
    expect(driver.reports().map(({ state }) => state)).toContain('CANCELLED');
    driver.receive([{ kind: 'output_acks', acks: [{ executionId: 'e1', seq: 0, ended: true }] }]);
    driver.pass(2 * GIVE_UP_MS);
    driver.said();
    expect(driver.running()).toEqual(['e1']);
    driver.fail('e1');
    expect(driver.running()).toEqual([]);
    expect(driver.effects('released')).toHaveLength(1);
  });
});

/** One run with a work that gives this; what happened to it. */
async function play(
  over: Partial<Assign>,
  run: (task: RunTask) => Promise<RunResult>,
  { outputType = 'json', isResumed = false, abort = false } = {},
): Promise<{ events: SessionEvent[]; blobs: MemoryBlobs }> {
  const events: SessionEvent[] = [];
  const blobs = new MemoryBlobs();
  const types = typesFromDescriptors(new Uint8Array());
  const own: AgentPlay = {
    run,
    welcomed: () => {},
    ready: async () => {},
    released: () => {},
    forget: () => {},
    ended: async () => {},
  };
  const execution = new AgentRun({ ...toRun('e1'), ...over }, own, {
    ...{ isResumed, blobs, control: 'tcp://127.0.0.1:1', captureOutput: false },
    rules: () => ({ types, outputType, inlineMaxBytes: 64 }),
    newerRules: async () => {},
    clock: new ManualTime(),
    logger: { error: () => {} },
    emit: (event) => events.push(event),
  });
  if (abort) execution.abort('stopped', 'not wanted', 1_000);
  await execution.run();
  return { events, blobs };
}

const input = (name: string, type: string, text: string): Input => ({
  ...{ name, type, previous: false },
  value: { kind: 'inline', bytes: Buffer.from(text) },
});
const returned = (events: readonly SessionEvent[]) =>
  events.find((event) => event.kind === 'returned') as SessionEvent & { kind: 'returned' };
const bytesOf = (events: readonly SessionEvent[]) => {
  const { result } = returned(events);
  return result.ok && result.produced.payload.kind === 'inline'
    ? Buffer.from(result.produced.payload.bytes).toString()
    : result;
};

describe('an execution on an agent', () => {
  it('has its inputs as they are stored, and values in them as they are written', async () => {
    const seen: unknown[] = [];
    const text = '{"n":1.0,"big":1E2,"name":"a","list":[{"x":null}]}';
    await play(
      { inputs: [input('request', 'json', text), input('image', 'bytes', '\u0001')] },
      async ({ inputs: [request, image] }) => {
        const paths = ['n', 'big', 'name', 'list.0.x', 'list', 'list.length', 'name.0', 'none'];
        seen.push(paths.map((path) => request!.textAt(path.split('.'))));
        seen.push(request!.json, request!.textAt([]), image!.json, image!.textAt([]));
        return { ok: true, value: null };
      },
    );
    expect(seen).toEqual([
      ['1.0', '1E2', 'a', 'null', '[{"x":null}]', undefined, undefined, undefined],
      ...[text, text, undefined, undefined],
    ]);
  });

  it.each([
    ['json', '{"n": 1.0}', '{"n": 1.0}'],
    ['json', ' [1]\n', '[1]'],
    ['bytes', '\u0000x', '\u0000x'],
  ])('gives a result of type %s as it is', async (outputType, text, given) => {
    const { events } = await play({}, async () => ({ ok: true, text: Buffer.from(text) }), { outputType });
    expect(String(bytesOf(events)).trim()).toBe(given);
  });

  it.each([
    ['', 'it is empty'],
    ['{"n":', 'JSON'],
    ['{"a":1,"a":2}', 'a'],
  ])('fails with bad_result where %j is to be JSON', async (text, why) => {
    const { events } = await play({}, async () => ({ ok: true, text: Buffer.from(text) }));
    expect(returned(events).result).toMatchObject({
      ok: false,
      error: { code: 'bad_result', message: expect.stringContaining(why), retryable: true },
    });
  });

  it('stores a large result as a blob', async () => {
    const { events, blobs } = await play({}, async () => ({ ok: true, value: 'x'.repeat(100) }));
    expect(returned(events).result).toMatchObject({ ok: true, produced: { payload: { kind: 'blob' } } });
    expect(blobs.kept.size).toBe(1);
  });

  it('fails with the error that the work gives', async () => {
    const error = {
      code: 'exit_code',
      message: 'it ended with 3',
      retryable: false,
      details: { exit_code: '3' },
    };
    const { events } = await play({}, async () => ({ ok: false, error }));
    expect(returned(events).result).toEqual({ ok: false, error });
  });

  it('tells each line that the command wrote, also an empty one, with its stream', async () => {
    const { events } = await play({}, async (task) => {
      task.begun();
      task.print('stdout', Buffer.from('one\n\ntw'));
      task.print('stdout', Buffer.from('o\n'));
      task.print('stderr', Buffer.from('half'));
      return { ok: true, value: 1 };
    });
    const lines = events.flatMap((event) =>
      event.kind === 'log' ? [[event.fields.stream, event.message]] : [],
    );
    expect(lines).toEqual([
      ['stdout', 'one'],
      ['stdout', ''],
      ['stdout', 'two'],
      ['stderr', 'half'],
    ]);
    expect(events[0]).toEqual({ kind: 'begun', executionId: 'e1' });
  });

  it('does not reach the work where it is stopped before, unless an earlier process may have started its command', async () => {
    const reached: unknown[] = [];
    const run = async (task: RunTask): Promise<RunResult> => {
      reached.push(task.signal.reason);
      return { ok: false, error: { code: 'stopped', message: '', retryable: true } };
    };
    await play({}, run, { abort: true });
    expect(reached).toEqual([]);
    await play({}, run, { abort: true, isResumed: true });
    expect(reached).toEqual([expect.any(TaskAbortedError)]);
    expect(reached).toMatchObject([{ code: 'stopped', graceMs: 1_000 }]);
  });

  it('keeps a file as a blob', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tutti-keep-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, 'log'), 'all of it');
    let kept: unknown;
    const { blobs } = await play({}, async (task) => {
      kept = await task.keep(join(dir, 'log'));
      return { ok: true, value: 1 };
    });
    expect(kept).toMatchObject({ size: 9 });
    expect([...blobs.kept.values()].map(String)).toEqual(['all of it']);
  });
});
