import { describe, expect, it } from 'vitest';
import { MAX_HELLO_BYTES } from '../../src/model/limits.js';
import { REFUSALS } from '../../src/model/protocol.js';
import { HELLO_FIRST_MS } from '../../src/sdk/session.js';
import { encodeToOrchestrator } from '../../src/wire/codec.js';
import { assign, Driver, IDENTITY, momentsOf, outputMoments, welcome } from './session-driver.js';

describe('registering', () => {
  it('says hello at once, and again after 250 ms, 500 ms, 1 s and every 2 s until it is welcomed', () => {
    const driver = new Driver();
    driver.step({ kind: 'open' });
    expect(momentsOf(driver, 8_000, (kind) => kind === 'hello')).toEqual([
      0, 250, 750, 1_750, 3_750, 5_750, 7_750,
    ]);
    driver.receive([welcome()]);
    driver.said();
    expect(momentsOf(driver, 8_000, (kind) => kind === 'hello')).toEqual([]);
  });

  it('says once what it waits for where no graph has its module, and not that nobody answers', () => {
    const driver = new Driver();
    driver.step({ kind: 'open' });
    const notes: string[] = [];
    for (let hello = 0; hello < 8; hello += 1) {
      driver.receive([{ kind: 'refused', code: 'unknown_module', message: 'no graph has it' }]);
      driver.pass(2_000);
      driver.said();
      notes.push(...driver.effects('note').map(({ message }) => message));
    }
    expect(notes).toEqual(['waits for a graph to be stored: no graph has it']);
  });

  it('says who it is and what it holds in every hello', () => {
    const driver = Driver.running('e1');
    driver.receive([assign('e2')]);
    driver.receive([{ kind: 'refused', code: 'say_hello', message: 'who are you?', incarnation: 3 }]);
    driver.pass(HELLO_FIRST_MS);
    expect(driver.said().messages).toEqual([
      {
        kind: 'hello',
        ...IDENTITY,
        status: 'RUNNING',
        held: [
          { executionId: 'e1', lease: 'lease-e1', state: 'RUNNING' },
          { executionId: 'e2', lease: 'lease-e2', state: 'ACCEPTED' },
        ],
      },
    ]);
  });

  it('says a hello that has room in what the orchestrator takes of a new connection, however much it holds', () => {
    const driver = Driver.idle({ capacity: 2000 });
    const id = (number: number) => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`;
    for (let number = 0; number < 2000; number += 1)
      driver.receive([{ ...assign(id(number)), lease: `${'s'.repeat(32)}.1000.${id(number)}` }]);
    for (const number of [0, 1999]) driver.step({ kind: 'begun', executionId: id(number) });
    driver.said();
    driver.receive([{ kind: 'refused', code: 'say_hello', message: 'who are you?', incarnation: 3 }]);
    driver.pass(HELLO_FIRST_MS);
    const { messages } = driver.said();
    const frame = encodeToOrchestrator({ protocolVersion: 1, nodeId: 'n', incarnation: 3, messages });
    expect(frame.byteLength).toBeLessThan(MAX_HELLO_BYTES);
    const [hello] = messages;
    expect(hello).toMatchObject({ kind: 'hello', heldInAll: 2000 });
    expect(hello?.kind === 'hello' && hello.held.length).toBe(400);
    // The heartbeat that follows the welcome at once names all.
    driver.receive([welcome()]);
    const said = driver.said().messages;
    const beats = said.filter((message) => message.kind === 'heartbeat');
    expect(beats.map(({ running }) => running.length)).toEqual([2000]);
    // So does each one that has begun and was left out: its first word may have been lost.
    const reports = said.filter((message) => message.kind === 'execution_report');
    expect(reports.map(({ executionId, state }) => [executionId, state])).toEqual([[id(1999), 'RUNNING']]);
  });

  it('says again that an execution has begun which began between hello and welcome', () => {
    const driver = Driver.running('e1');
    driver.receive([assign('e2')]);
    driver.receive([{ kind: 'refused', code: 'say_hello', message: '', incarnation: 3 }]);
    driver.pass(HELLO_FIRST_MS);
    driver.said();
    driver.step({ kind: 'begun', executionId: 'e2' });
    expect(driver.said().messages).toEqual([]);
    driver.receive([welcome()]);
    const reports = driver.said().messages.filter((message) => message.kind === 'execution_report');
    expect(reports.map(({ executionId, state }) => [executionId, state])).toEqual([['e2', 'RUNNING']]);
  });

  it('says nothing else between hello and welcome, and hears nothing else', () => {
    const driver = Driver.running('e1');
    driver.publish('e1');
    driver.said();
    driver.receive([{ kind: 'refused', code: 'say_hello', message: '', incarnation: 3 }]);
    driver.publish('e1', 2);
    driver.step({ kind: 'progress', executionId: 'e1', fraction: 0.5, message: '' });
    driver.receive([assign('e2')]);
    driver.command('STOP');
    for (let ms = 0; ms < 5_000; ms += 50) {
      const { messages, outputs } = driver.said();
      expect(messages.filter(({ kind }) => kind !== 'hello')).toEqual([]);
      expect(outputs).toEqual([]);
      driver.pass(50);
    }
    expect(driver.effects('run')).toEqual([]);
  });

  it('carries the node_id and the incarnation of its welcome in every frame', () => {
    const driver = new Driver();
    driver.step({ kind: 'open' });
    expect(driver.session.take().control).toMatchObject({ nodeId: '', incarnation: 0, protocolVersion: 1 });
    driver.receive([welcome()]);
    driver.pass(1_000);
    expect(driver.session.take().control).toMatchObject({ nodeId: welcome().nodeId, incarnation: 3 });
    expect(driver.session.nodeId).toBe(welcome().nodeId);
  });

  it.each(Object.entries(REFUSALS).filter(([, remedy]) => remedy === 'final'))(
    'ends with the code of the final refusal %s, before and after its welcome',
    (code) => {
      for (const driver of [new Driver(), Driver.running('e1')]) {
        driver.step({ kind: 'open' });
        driver.said();
        driver.receive([{ kind: 'refused', code, message: 'no', hint: 'do this' }]);
        expect(driver.effects('end')).toMatchObject([{ error: { code, message: 'no', hint: 'do this' } }]);
        driver.pass(60_000);
        expect(driver.said()).toEqual({ messages: [], outputs: [] });
      }
    },
  );

  it('aborts what runs when it is replaced', () => {
    const driver = Driver.running('e1');
    driver.receive([{ kind: 'refused', code: 'replaced', message: 'a newer process plays ml-1' }]);
    expect(driver.effects('abort')).toMatchObject([{ executionId: 'e1', code: 'abandoned' }]);
  });

  it('tells a person once when nobody answers', () => {
    const driver = new Driver();
    driver.step({ kind: 'open' });
    driver.pass(60_000);
    expect(driver.effects('note')).toHaveLength(1);
  });

  it('does not say hello more than four times a second, however often it is asked to', () => {
    const driver = Driver.idle();
    let hellos = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      driver.receive([{ kind: 'refused', code: 'say_hello', message: '' }]);
      for (const { kind } of driver.said().messages) {
        if (kind !== 'hello') continue;
        hellos += 1;
        driver.receive([welcome()]);
      }
      driver.pass(10);
    }
    expect(hellos).toBeGreaterThan(30);
    expect(hellos).toBeLessThanOrEqual(41);
  });
});

describe('being welcomed again', () => {
  it('keeps what it holds, without starting it again, when the orchestrator has restarted', () => {
    const driver = Driver.running('e1');
    driver.receive([{ kind: 'refused', code: 'say_hello', message: '' }], { epoch: 2 });
    driver.pass(HELLO_FIRST_MS);
    driver.said();
    driver.receive(
      [welcome(), { kind: 'node_command', commandId: 'start-2', cmd: 'START', reason: '', graceMs: 0 }],
      { epoch: 2 },
    );
    expect(driver.saidKinds()).toEqual(['command_ack', 'node_report']);
    driver.receive([assign('e1')], { epoch: 2 });
    expect(driver.saidKinds()).toEqual(['ACCEPTED']);
    expect([...driver.effects('run'), ...driver.effects('abort'), ...driver.effects('hook')]).toEqual([]);
    driver.succeed('e1');
    expect(driver.said().outputs).toMatchObject([{ executionId: 'e1', seq: 1, last: true }]);
  });

  it('sends everything that is not acknowledged again, with the backoff of the first time', () => {
    const driver = Driver.running('e1', 'e2');
    driver.succeed('e1');
    driver.fail('e2');
    driver.pass(20_000);
    driver.said();
    driver.receive([{ kind: 'refused', code: 'say_hello', message: '' }]);
    driver.said();
    driver.receive([welcome()]);
    const { messages, outputs } = driver.said();
    expect(outputs.map(({ seq }) => seq)).toEqual([1]);
    expect(messages).toMatchObject([{ kind: 'execution_report', state: 'FAILED' }]);
    expect(outputMoments(driver, 3_000)).toEqual([1_000, 3_000]);
  });

  it('abandons what the welcome drops', () => {
    const driver = Driver.running('e1', 'e2');
    driver.succeed('e2');
    driver.receive([welcome({ drop: ['e1', 'e2'] })]);
    expect(driver.effects('abort')).toMatchObject([{ executionId: 'e1', code: 'abandoned' }]);
    expect(driver.running()).toEqual(['e1']);
    driver.succeed('e1');
    expect(driver.said().outputs).toEqual([]);
    expect(driver.running()).toEqual([]);
  });

  it('is not thrown back by the welcome of a hello that it said twice', () => {
    const driver = Driver.running('e1');
    driver.succeed('e1');
    driver.said();
    driver.receive([welcome()]);
    expect(driver.said()).toEqual({ messages: [], outputs: [] });
  });

  it('ignores the late welcome of an older incarnation', () => {
    const driver = Driver.idle();
    driver.receive([welcome({ incarnation: 2, outputWindow: 1 })]);
    expect(driver.effects('welcomed')).toEqual([]);
    expect(driver.session.take().control).toBeUndefined();
    driver.pass(1_000);
    expect(driver.session.take().control).toMatchObject({ incarnation: 3 });
  });

  it('takes a lower incarnation, and an ended execution anew, from another store', () => {
    const driver = Driver.running('e1');
    driver.succeed('e1');
    driver.ack('e1', 1, true);
    driver.receive([welcome({ incarnation: 1, storeId: 'restored' })], { incarnation: 1 });
    driver.said();
    driver.receive([assign('e1')], { incarnation: 1 });
    expect(driver.saidKinds()).toContain('ACCEPTED');
    expect(driver.effects('run')).toHaveLength(1);
  });
});

describe('stale frames', () => {
  it('ignores what another incarnation or an older epoch is told', () => {
    const driver = Driver.idle();
    driver.receive([welcome()], { epoch: 5 });
    driver.said();
    driver.receive([assign('e1')], { incarnation: 2, epoch: 5 });
    driver.receive([assign('e2')], { incarnation: 4, epoch: 5 });
    driver.receive([assign('e3')], { epoch: 4 });
    expect(driver.effects('run')).toEqual([]);
    expect(driver.said().messages).toEqual([]);
  });

  it('hears a refusal in a frame of any incarnation, but ignores one that answers an older one than its own', () => {
    const driver = Driver.running('e1');
    const refused = (incarnation: number) =>
      driver.receive([{ kind: 'refused', code: 'stale_incarnation', message: '', incarnation }], {
        incarnation,
      });
    refused(2);
    expect(driver.running()).toEqual(['e1']);
    refused(3);
    driver.pass(HELLO_FIRST_MS);
    expect(driver.saidKinds()).toEqual(['hello']);
  });
});

describe('heartbeats', () => {
  it('say what the process costs, and how many executions are at work', () => {
    const driver = Driver.running('e1');
    driver.pass(1_000);
    const { control } = driver.session.take(() => ({ cpu: 0.5, memoryBytes: 1_000 }));
    expect(control?.messages).toContainEqual({
      kind: 'heartbeat',
      status: 'RUNNING',
      running: ['e1'],
      load: { cpu: 0.5, memoryBytes: 1_000, executing: 1 },
    });
  });

  it('come every heartbeat_interval_ms, idle or busy, and name everything that is held', () => {
    const driver = Driver.idle();
    expect(momentsOf(driver, 3_000, (kind) => kind === 'heartbeat')).toEqual([1_000, 2_000, 3_000]);
    driver.receive([assign('e1'), assign('e2')]);
    driver.fail('e2');
    expect(driver.running()).toEqual(['e1', 'e2']);
    driver.succeed('e1');
    driver.ack('e1', 1);
    expect(driver.running()).toEqual(['e1', 'e2']);
    driver.ack('e1', 1, true);
    driver.ack('e2', 0, true);
    expect(driver.running()).toEqual([]);
  });
});

describe('configuration', () => {
  it('is asked of the hook once, and its answer repeated', () => {
    const driver = Driver.idle();
    const request = { kind: 'config_request', transactionId: 't1', configuration: 'x=1' } as const;
    driver.receive([request]);
    driver.receive([request]);
    expect(driver.effects('configure')).toHaveLength(1);
    expect(driver.said().messages).toEqual([]);
    driver.step({ kind: 'configured', transactionId: 't1', configuration: 'x=1 y=2' });
    driver.receive([request]);
    const reply = { kind: 'config_reply', transactionId: 't1', success: true, configuration: 'x=1 y=2' };
    expect(driver.said().messages).toEqual([reply, reply]);
  });

  it('a refused configuration carries the error', () => {
    const driver = Driver.idle();
    driver.receive([{ kind: 'config_request', transactionId: 't1', configuration: 'x=1' }]);
    const error = { code: 'no_such_option', message: 'x', retryable: true };
    driver.step({ kind: 'configured', transactionId: 't1', configuration: 'x=1', error });
    expect(driver.said().messages).toMatchObject([{ kind: 'config_reply', success: false, error }]);
  });
});
