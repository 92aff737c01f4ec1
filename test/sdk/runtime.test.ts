import { describe, expect, it } from 'vitest';
import type { Input } from '../../src/model/protocol.js';
import { NonRetryableError, TaskAbortedError, TuttiError } from '../../src/sdk/index.js';
import { type FakeOrchestrator, settled } from './fake-orchestrator.js';
import { type AnyHandler, Ground } from './ground.js';
import { assign, PROBLEM_ID, welcome } from './session-driver.js';

const E1 = '0197a000-0000-7000-8000-0000000000e1';
const E2 = '0197a000-0000-7000-8000-0000000000e2';

function json(name: string, value: unknown, previous = false): Input {
  const bytes = Buffer.from(JSON.stringify(value));
  return { name, type: 'json', value: { kind: 'inline', bytes }, previous };
}

function gate<T = void>(): { readonly opened: Promise<T>; open(value: T): void } {
  let open!: (value: T) => void;
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** The bytes of an inline output, as JSON. */
function jsonOf(output: Awaited<ReturnType<FakeOrchestrator['nextOutput']>>): unknown {
  if (output.payload.kind !== 'inline') throw new Error('it went by blob');
  return JSON.parse(Buffer.from(output.payload.bytes).toString());
}

/** How an execution ends whose handler is this one. */
async function endOf(
  handler: AnyHandler,
  outputType = 'json',
): Promise<{ code: string; message: string; retryable: boolean }> {
  const ground = new Ground();
  await ground.idle(handler, {}, { outputType });
  ground.orchestrator.send(assign(E1));
  const { error } = await ground.orchestrator.report('FAILED');
  return error!;
}

describe('a handler', () => {
  it('gets its task, decoded, and gives the output', async () => {
    const ground = new Ground();
    const seen: object[] = [];
    await ground.idle(({ id, module, attempt, executionId, inputs, previous, signal }) => {
      seen.push({ id, module, attempt, executionId, inputs, previous, aborted: signal.aborted });
      return { answer: inputs.user_input.question * 2 };
    });
    ground.orchestrator.send(
      assign(E1, {
        attempt: 2,
        inputs: [json('user_input', { question: 21 }), json('ml_model', 'older', true)],
      }),
    );
    const output = await ground.orchestrator.nextOutput();
    expect(seen).toEqual([
      {
        id: `${PROBLEM_ID}/1`,
        module: 'ml_model',
        attempt: 2,
        executionId: E1,
        inputs: { user_input: { question: 21 } },
        previous: { ml_model: 'older' },
        aborted: false,
      },
    ]);
    expect(output).toMatchObject({ executionId: E1, lease: `lease-${E1}`, seq: 1, last: true, type: 'json' });
    expect(jsonOf(output)).toEqual({ answer: 42 });
  });

  it('may be without an input whose module failed and is ignored', async () => {
    const ground = new Ground();
    await ground.idle(({ inputs }) => Object.keys(inputs));
    ground.orchestrator.send(assign(E1, { inputs: [json('a', 1)] }));
    expect(jsonOf(await ground.orchestrator.nextOutput())).toEqual(['a']);
  });

  it('a handler that returns nothing gives null if the type is json', async () => {
    const ground = new Ground();
    await ground.idle(() => undefined);
    ground.orchestrator.send(assign(E1));
    expect(jsonOf(await ground.orchestrator.nextOutput())).toBeNull();
  });

  it('deals in bytes as they are', async () => {
    const ground = new Ground();
    await ground.idle(({ inputs }) => Uint8Array.from(inputs.raw).reverse(), {}, { outputType: 'bytes' });
    const bytes = Uint8Array.of(1, 2, 255);
    ground.orchestrator.send(
      assign(E1, {
        inputs: [{ name: 'raw', type: 'bytes', value: { kind: 'inline', bytes }, previous: false }],
      }),
    );
    expect((await ground.orchestrator.nextOutput()).payload).toMatchObject({ bytes: Buffer.of(255, 2, 1) });
  });

  it('a handler that throws fails its execution, retryable, with the error’s own code if that is snake_case', async () => {
    const plain = await endOf(() => {
      throw new Error('it broke');
    });
    expect(plain).toMatchObject({ code: 'handler_error', message: 'it broke', retryable: true });
    const coded = await endOf(async () => {
      throw new TuttiError('grid_unknown', 'no grid');
    });
    expect(coded).toMatchObject({ code: 'grid_unknown', message: 'no grid', retryable: true });
    const system = await endOf(() => {
      throw Object.assign(new Error('no file'), { code: 'ENOENT' });
    });
    expect(system).toMatchObject({ code: 'handler_error', message: 'no file', retryable: true });
    const odd = await endOf(() => {
      throw 'a text';
    });
    expect(odd).toMatchObject({ code: 'handler_error', message: 'a text', retryable: true });
  });

  it('a handler that throws a NonRetryableError fails its module at once', async () => {
    const error = await endOf(() => {
      throw new NonRetryableError('no_such_region', 'Atlantis');
    });
    expect(error).toMatchObject({ code: 'no_such_region', message: 'Atlantis', retryable: false });
  });

  it('a handler whose output the type cannot carry fails with bad_output, naming the fields', async () => {
    const error = await endOf(() => ({ big: 1n }));
    expect(error).toMatchObject({ code: 'bad_output', retryable: true });
    const bytes = await endOf(() => ({ not: 'bytes' }), 'bytes');
    expect(bytes).toMatchObject({ code: 'bad_output', retryable: true });
    expect(bytes.message).toContain('bytes');
  });

  it('a handler that fails leaves the node alive for the next', async () => {
    const ground = new Ground();
    await ground.idle(({ attempt }) => {
      if (attempt === 1) throw new Error('it broke');
      return 'fine';
    });
    ground.orchestrator.send(assign(E1));
    await ground.orchestrator.report('FAILED');
    ground.orchestrator.send(assign(E2, { attempt: 2 }));
    expect(jsonOf(await ground.orchestrator.nextOutput())).toBe('fine');
  });

  it('runs once for an assignment that arrives three times', async () => {
    const ground = new Ground();
    const end = gate<string>();
    let runs = 0;
    await ground.idle(() => {
      runs += 1;
      return end.opened;
    });
    ground.orchestrator.send(assign(E1), assign(E1));
    ground.orchestrator.send(assign(E1));
    for (let each = 0; each < 3; each += 1) await ground.orchestrator.report('ACCEPTED');
    end.open('done');
    await ground.orchestrator.nextOutput();
    expect(runs).toBe(1);
  });

  it('has its signal aborted with a coded reason and the text that was given', async () => {
    const ground = new Ground();
    const reasons: unknown[] = [];
    await ground.idle(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          });
        }),
    );
    ground.orchestrator.send(assign(E1));
    await ground.orchestrator.report('RUNNING');
    const reason = 'changed my mind';
    ground.orchestrator.send({
      ...{ kind: 'task_command', commandId: E2, cmd: 'STOP', executionId: E1, reason, graceMs: 5_000 },
    });
    expect(await ground.orchestrator.report('CANCELLED')).toMatchObject({ lastSeq: 0, message: reason });
    expect(reasons[0]).toBeInstanceOf(TaskAbortedError);
    expect(reasons[0]).toMatchObject({ code: 'stopped', message: reason });
  });

  it('a handler that takes too long is aborted and reported by the node’s own clock', async () => {
    const ground = new Ground();
    const aborted = gate<unknown>();
    await ground.idle(
      ({ signal }) => new Promise(() => signal.addEventListener('abort', () => aborted.open(signal.reason))),
    );
    ground.orchestrator.send(assign(E1, { timeoutMs: 2_000 }));
    await ground.orchestrator.report('RUNNING');
    ground.time.pass(2_000);
    expect(await aborted.opened).toMatchObject({ code: 'timeout' });
    expect(await ground.orchestrator.report('FAILED')).toMatchObject({
      error: { code: 'timeout', retryable: true },
    });
  });

  it('tells progress and log lines, with the fields as texts', async () => {
    const ground = new Ground();
    await ground.idle((task) => {
      task.progress(7, 'beyond');
      task.progress(Number.NaN);
      task.log.warn('looked up', { region: 'FR', grams: 56, nested: { a: [1] }, missing: undefined });
      return 1;
    });
    ground.orchestrator.send(assign(E1));
    expect(await ground.orchestrator.report('PROGRESS')).toMatchObject({ progress: 1, message: 'beyond' });
    expect(await ground.orchestrator.next('log')).toEqual({
      ...{ kind: 'log', executionId: E1, lease: `lease-${E1}`, at: ground.time.wallMs(), level: 'warn' },
      message: 'looked up',
      fields: { region: 'FR', grams: '56', nested: '{"a":[1]}', missing: 'undefined' },
    });
  });
});

describe('partial outputs', () => {
  it('come before the last one, in order, and publish waits while the output window is full', async () => {
    const ground = new Ground();
    let published = 0;
    await ground.idle(
      async (task) => {
        for (let each = 1; each <= 3; each += 1) {
          await task.publish(each);
          published = each;
        }
        return 'last';
      },
      {},
      { outputWindow: 2 },
    );
    ground.orchestrator.send(assign(E1));
    expect([
      jsonOf(await ground.orchestrator.nextOutput()),
      jsonOf(await ground.orchestrator.nextOutput()),
    ]).toEqual([1, 2]);
    await settled();
    expect(published).toBe(2);
    ground.orchestrator.send({ kind: 'output_acks', acks: [{ executionId: E1, seq: 2, ended: false }] });
    expect(jsonOf(await ground.orchestrator.nextOutput())).toBe(3);
    const last = await ground.orchestrator.nextOutput();
    expect([jsonOf(last), last.seq, last.last]).toEqual(['last', 4, true]);
  });

  it('keep their order where one of them is uploaded first', async () => {
    const ground = new Ground();
    await ground.idle(
      (task) => {
        void task.publish('x'.repeat(100));
        void task.publish('small');
        return 'last';
      },
      {},
      { inlineMaxBytes: 50 },
    );
    ground.orchestrator.send(assign(E1));
    const outputs = [];
    for (let each = 0; each < 3; each += 1) outputs.push(await ground.orchestrator.nextOutput());
    expect(outputs.map(({ seq, payload }) => [seq, payload.kind])).toEqual([
      [1, 'blob'],
      [2, 'inline'],
      [3, 'inline'],
    ]);
  });

  it('reject with bad_output, and fail the execution, awaited or not', async () => {
    const error = await endOf((task) => {
      void task.publish(1n);
      return 'fine';
    });
    expect(error).toMatchObject({ code: 'bad_output', retryable: true });
  });

  it('reject with the signal’s reason once the task is stopped', async () => {
    const ground = new Ground();
    const rejected = gate<unknown>();
    await ground.idle(
      async (task) => {
        await task.publish(1);
        await task.publish(2).catch(rejected.open);
        await task.publish(3);
      },
      {},
      { outputWindow: 1 },
    );
    ground.orchestrator.send(assign(E1));
    await ground.orchestrator.nextOutput();
    await settled();
    ground.orchestrator.send({
      ...{ kind: 'task_command', commandId: E2, cmd: 'STOP', executionId: E1, reason: '', graceMs: 5_000 },
    });
    expect(await rejected.opened).toMatchObject({ code: 'stopped' });
    await ground.orchestrator.report('CANCELLED');
  });
});

describe('large payloads', () => {
  it('are fetched from the host that the node dialled, and decoded like any other', async () => {
    const ground = new Ground();
    const blob = ground.blobs.keep(Buffer.from('{"large":true}'));
    await ground.idle(({ inputs }) => inputs.user_input, { control: 'tcp://10.0.0.2:7400' });
    const value = { kind: 'blob', blob, url: `http://*:7480/v1/blobs/${blob.sha256}` } as const;
    ground.orchestrator.send(
      assign(E1, { inputs: [{ name: 'user_input', type: 'json', value, previous: false }] }),
    );
    expect(jsonOf(await ground.orchestrator.nextOutput())).toEqual({ large: true });
    expect(ground.blobs.urls).toEqual([`http://10.0.0.2:7480/v1/blobs/${blob.sha256}`]);
    expect(ground.blobs.base).toBe('http://10.0.0.2:7480/v1/blobs');
  });

  it('are uploaded first and then published by reference, and uploaded again when they are missing', async () => {
    const ground = new Ground();
    await ground.idle(() => 'x'.repeat(100), {}, { inlineMaxBytes: 50 });
    ground.orchestrator.send(assign(E1));
    const { payload } = await ground.orchestrator.nextOutput();
    if (payload.kind !== 'blob') throw new Error('it went inline');
    expect(ground.blobs.kept.get(payload.blob.sha256)?.byteLength).toBe(payload.blob.size);
    ground.orchestrator.send({ kind: 'refused', code: 'blob_missing', message: '', executionId: E1, seq: 1 });
    expect((await ground.orchestrator.nextOutput()).payload).toEqual(payload);
    expect(ground.blobs.puts).toBe(2);
  });

  it('payloads that cannot be uploaded fail the execution', async () => {
    const ground = new Ground();
    ground.blobs.refusal = new NonRetryableError('blob_refused', 'HTTP 413');
    await ground.idle(() => 'x'.repeat(100), {}, { inlineMaxBytes: 50 });
    ground.orchestrator.send(assign(E1));
    expect(await ground.orchestrator.report('FAILED')).toMatchObject({
      lastSeq: 0,
      error: { code: 'blob_refused', retryable: false },
    });
  });
});

describe('types', () => {
  const odd: Input = {
    name: 'user_input',
    type: 'my.Type',
    value: { kind: 'inline', bytes: Buffer.alloc(0) },
    previous: false,
  };

  it('unknown types are requested by a new hello, and fail the execution if that does not bring them', async () => {
    const ground = new Ground();
    await ground.idle(() => 1);
    ground.orchestrator.send(assign(E1, { inputs: [odd] }));
    await settled();
    ground.time.pass(250);
    expect(await ground.orchestrator.next('hello')).toMatchObject({
      held: [{ executionId: E1, state: 'ACCEPTED' }],
    });
    ground.orchestrator.send(welcome());
    expect(await ground.orchestrator.report('FAILED')).toMatchObject({
      error: { code: 'unknown_type', retryable: false },
    });
  });

  it('an input that is not of its type fails the execution with bad_input', async () => {
    const ground = new Ground();
    await ground.idle(() => 1);
    const value = { kind: 'inline', bytes: Buffer.from('{') } as const;
    ground.orchestrator.send(assign(E1, { inputs: [{ ...odd, type: 'json', value }] }));
    expect(await ground.orchestrator.report('FAILED')).toMatchObject({
      error: { code: 'bad_input', retryable: false },
    });
  });
});

describe('the shell', () => {
  it('sends what one turn has to say in one frame, control and outputs alike', async () => {
    const ground = new Ground();
    await ground.idle(() => 1, { capacity: 20 });
    const before = ground.orchestrator.frames.length;
    const ids = Array.from({ length: 20 }, (_, index) => E1.slice(0, -2) + (10 + index));
    ground.orchestrator.send(...ids.map((id) => assign(id)));
    await settled();
    const frames = ground.orchestrator.frames.slice(before);
    expect(frames.length).toBeLessThanOrEqual(2);
    expect(ground.orchestrator.outputFrames.map((outputs) => outputs.length)).toEqual([4]);
    const said = (state: string) =>
      frames[0]?.messages.filter((each) => each.kind === 'execution_report' && each.state === state);
    expect(said('ACCEPTED')).toHaveLength(20);
    // The four outputs say for themselves that their executions run.
    expect(said('RUNNING')).toHaveLength(16);
  });

  it('splits a turn whose frame would be larger than the orchestrator takes', async () => {
    const ground = new Ground();
    await ground.idle(() => 'x'.repeat(3_000), { capacity: 4 }, { maxFrameBytes: 16_384 });
    ground.orchestrator.send(...['1', '2', '3', '4'].map((digit) => assign(E1.slice(0, -1) + digit)));
    await settled();
    expect(ground.orchestrator.outputFrames.map((outputs) => outputs.length)).toEqual([2, 2]);
  });

  it('notes a frame that it cannot read, once in a while, ignores it, and goes on', async () => {
    const ground = new Ground();
    await ground.idle(() => 1);
    const { bus, route } = ground.orchestrator;
    for (let each = 0; each < 100; each += 1) bus.send(route, Buffer.from([255, each, 7, 1]));
    await settled();
    expect(ground.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    ground.orchestrator.send(assign(E1));
    await ground.orchestrator.nextOutput();
  });

  it('survives an orchestrator restart without the handler noticing', async () => {
    const ground = new Ground();
    const end = gate<string>();
    let runs = 0;
    const node = await ground.idle((task) => {
      runs += 1;
      task.signal.addEventListener('abort', () => end.open('aborted'));
      return end.opened;
    });
    ground.orchestrator.send(assign(E1));
    await ground.orchestrator.report('RUNNING');
    await ground.restartOrchestrator();
    ground.time.pass(1_000);
    await ground.orchestrator.next('heartbeat');
    ground.orchestrator.send({ kind: 'refused', code: 'say_hello', message: 'who are you?', incarnation: 3 });
    await settled();
    ground.time.pass(250);
    await ground.orchestrator.welcomeNode();
    end.open('done');
    expect(jsonOf(await ground.orchestrator.nextOutput())).toBe('done');
    expect([runs, node.status]).toEqual([1, 'IDLE']);
  });

  it('publishes a lost output again until it is acknowledged', async () => {
    const ground = new Ground();
    await ground.idle(() => 'done');
    let lost = 0;
    ground.deliver = (delivery) => {
      if (delivery.plane === 'outputs' && lost < 3) lost += 1;
      else delivery.deliver();
    };
    ground.orchestrator.send(assign(E1));
    await settled();
    for (const ms of [1_000, 2_000, 4_000]) {
      ground.time.pass(ms);
      await settled();
    }
    expect(jsonOf(await ground.orchestrator.nextOutput())).toBe('done');
    expect(lost).toBe(3);
  });

  it('runs its hooks in order, and tells the error of one that throws', async () => {
    const ground = new Ground();
    const ran: string[] = [];
    await ground.idle(() => 1, {
      onStart: async () => {
        ran.push('onStart');
      },
      onStop: () => {
        ran.push('onStop');
        throw new Error('stuck');
      },
    });
    const command = { kind: 'node_command', commandId: E2, cmd: 'STOP', reason: '', graceMs: 0 } as const;
    ground.orchestrator.send(command);
    const report = await ground.orchestrator.next('node_report', ({ status }) => status === 'ERROR');
    expect(report.error).toMatchObject({ code: 'hook_failed', message: 'onStop: stuck', retryable: true });
    expect(ran).toEqual(['onStart', 'onStop']);
  });

  it('asks onConfigure, and answers with what then holds, or with what it threw', async () => {
    const ground = new Ground();
    await ground.idle(() => 1, {
      onConfigure: async (text) => {
        if (text === 'bad') throw new TuttiError('no_such_option', 'bad');
        return text === 'same' ? undefined : `${text}!`;
      },
    });
    const ask = (configuration: string) => {
      ground.orchestrator.send({ kind: 'config_request', transactionId: configuration, configuration });
      return ground.orchestrator.next('config_reply');
    };
    expect(await ask('loud')).toMatchObject({ success: true, configuration: 'loud!' });
    expect(await ask('same')).toMatchObject({ success: true, configuration: 'same' });
    expect(await ask('bad')).toMatchObject({ success: false, error: { code: 'no_such_option' } });
    const plain = new Ground();
    await plain.idle(() => 1);
    plain.orchestrator.send({ kind: 'config_request', transactionId: 't', configuration: '' });
    expect(await plain.orchestrator.next('config_reply')).toMatchObject({
      success: false,
      error: { code: 'not_configurable' },
    });
  });
});

describe('starting and ending', () => {
  it('start() goes on asking while nobody answers, and settles with the first welcome', async () => {
    const ground = new Ground();
    const starting = ground.start(() => 1);
    await settled();
    ground.time.pass(30_000);
    await ground.orchestrator.start();
    await settled();
    ground.time.pass(2_000);
    await ground.orchestrator.welcomeNode();
    const node = await starting;
    await settled();
    expect([node.nodeId, node.status]).toEqual(['0197a000-0000-7000-8000-0000000000a0', 'IDLE']);
  });

  it('start() rejects with the code of a final refusal', async () => {
    const ground = new Ground();
    await ground.orchestrator.start();
    const starting = ground.start(() => 1, { exitOnTerminate: true });
    await ground.orchestrator.next('hello');
    ground.orchestrator.send({
      kind: 'refused',
      code: 'schema_mismatch',
      message: 'the graph means something else',
      hint: 'load it',
    });
    await expect(starting).rejects.toMatchObject({ code: 'schema_mismatch', hint: 'load it' });
    expect([ground.host.isListening, ground.host.exits, ground.time.waiting]).toEqual([false, [], 0]);
  });

  it('stopped rejects with a final refusal after that, and a process that the node owns exits with 1', async () => {
    const ground = new Ground();
    const node = await ground.idle(() => 1, { exitOnTerminate: true });
    ground.orchestrator.send({ kind: 'refused', code: 'replaced', message: 'a newer process plays ml-1' });
    await expect(node.stopped).rejects.toMatchObject({ code: 'replaced' });
    expect(ground.host.exits).toEqual([1]);
    expect(ground.lines.at(-1)).toMatchObject({ level: 'error', fields: { code: 'replaced' } });
  });

  it('stop() preempts what runs, says goodbye and leaves no timer behind', async () => {
    const ground = new Ground();
    const node = await ground.idle(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    ground.orchestrator.send(assign(E1));
    await ground.orchestrator.report('RUNNING');
    const stopping = node.stop('enough');
    expect(await ground.orchestrator.report('PREEMPTED')).toMatchObject({ message: 'enough' });
    ground.orchestrator.send({ kind: 'output_acks', acks: [{ executionId: E1, seq: 0, ended: true }] });
    await ground.orchestrator.next('goodbye');
    await stopping;
    await node.stop();
    expect([ground.time.waiting, ground.host.exits]).toEqual([0, []]);
  });

  it.each(['SIGTERM', 'SIGINT'])(
    '%s ends a node that owns its process cleanly, with exit code 0',
    async (signal) => {
      const ground = new Ground();
      const stopped: string[] = [];
      const node = await ground.idle(() => 1, {
        exitOnTerminate: true,
        onStop: () => void stopped.push('onStop'),
      });
      ground.host.signal(signal);
      await ground.orchestrator.next('goodbye');
      await node.stopped;
      await settled();
      expect([stopped, ground.host.exits]).toEqual([['onStop'], [0]]);
    },
  );

  it('TERMINATE does the same; a node that does not own its process leaves the exit to its caller', async () => {
    for (const exitOnTerminate of [true, false]) {
      const ground = new Ground();
      const node = await ground.idle(() => 1, { exitOnTerminate });
      ground.orchestrator.send({
        kind: 'node_command',
        commandId: E2,
        cmd: 'TERMINATE',
        reason: '',
        graceMs: 0,
      });
      await ground.orchestrator.next('goodbye');
      await node.stopped;
      await settled();
      expect(ground.host.exits).toEqual(exitOnTerminate ? [0] : []);
    }
  });

  it('SIGTERM before the first welcome ends the process at once', async () => {
    const ground = new Ground();
    const starting = ground.start(() => 1, { exitOnTerminate: true });
    await settled();
    ground.host.signal('SIGTERM');
    await expect(starting).rejects.toMatchObject({ code: 'node_stopped' });
    await settled();
    expect(ground.host.exits).toEqual([0]);
  });
});

describe('a handler of a module with named outputs', () => {
  const outputs = [
    { name: 'model', type: 'bytes' },
    { name: 'report', type: 'bytes:text/markdown' },
    { name: 'score', type: 'json' },
  ];
  /** What it publishes, and its error where it fails. */
  async function play(handler: AnyHandler, count: number) {
    const ground = new Ground();
    await ground.idle(handler, {}, { outputType: '' });
    ground.orchestrator.send(assign(E1, { outputs }));
    const published: unknown[] = [];
    for (let seq = 1; seq <= count; seq += 1) {
      const { name, type, last, payload } = await ground.orchestrator.nextOutput();
      const text = payload.kind === 'inline' ? Buffer.from(payload.bytes).toString() : 'a blob';
      published.push([name, type, last, text]);
    }
    return { ground, published };
  }
  const errorOf = async (handler: AnyHandler): Promise<{ code: string; message: string }> => {
    const { ground } = await play(handler, 0);
    const { code, message, retryable } = (await ground.orchestrator.report('FAILED')).error!;
    expect(retryable).toBe(false);
    return { code, message };
  };

  it('returns them by their names, and each goes as its own type', async () => {
    const handler = () => ({ score: { loss: 0.5 }, report: '# Good', model: Buffer.from('weights') });
    expect((await play(handler, 3)).published).toEqual([
      ['model', 'bytes', false, 'weights'],
      ['report', 'bytes:text/markdown', false, '# Good'],
      ['score', 'json', true, '{"loss":0.5}'],
    ]);
  });

  it('gives one before it returns the others', async () => {
    const returns = gate();
    const playing = play(async (task) => {
      await task.output('score', 1);
      await returns.opened;
      return { model: Buffer.from('weights'), report: 'good' };
    }, 3);
    returns.open();
    expect((await playing).published.map((one) => (one as unknown[]).slice(0, 3))).toEqual([
      ['score', 'json', false],
      ['model', 'bytes', false],
      ['report', 'bytes:text/markdown', true],
    ]);
  });

  it('may give all of them early: the one that completes them is the last, once it has returned', async () => {
    const { published } = await play(async (task) => {
      await task.output('score', 1);
      await task.output('model', Buffer.of(1));
      await task.output('report', 'good');
    }, 3);
    expect(published.map((one) => (one as unknown[])[2])).toEqual([false, false, true]);
  });

  it('fails with what is missing, unknown, given twice or without a name', async () => {
    const model = Buffer.of(1);
    expect(await errorOf(() => ({ model, score: 1 }))).toEqual({
      code: 'missing_output',
      message: 'ml_model has not published report: the graph declares model, report, score',
    });
    expect(await errorOf(() => ({ model, score: 1, reprot: '' }))).toEqual({
      code: 'unknown_output',
      message:
        '"reprot" is not an output of ml_model (did you mean report?): the graph declares model, report, score',
    });
    const twice = await errorOf(async (task) => {
      await task.output('score', 1);
      return { model, report: '', score: 2 };
    });
    expect(twice).toEqual({
      code: 'duplicate_output',
      message: 'the output score of ml_model was already published',
    });
    expect((await errorOf((task) => task.publish(1))).code).toBe('unknown_output');
    expect((await errorOf(() => 'text')).code).toBe('bad_output');
  });

  it('fails with the name of the output that its type cannot carry', async () => {
    const { ground } = await play(() => ({ model: 'text', report: '', score: 1 }), 0);
    const { error } = await ground.orchestrator.report('FAILED');
    expect(error?.message).toContain('the output model is text, not bytes');
  });

  it('is told where the module has one output only', async () => {
    const error = await endOf((task) => task.output('plot', 1));
    expect(error).toMatchObject({
      code: 'unknown_output',
      message: '"plot" is not an output of ml_model, which has one, without a name: return it',
    });
  });
});
