import { describe, expect, it } from 'vitest';
import { GIVE_UP_MS } from '../../src/sdk/session/executions.js';
import { assign, Driver, momentsOf, outputMoments, PRODUCED, welcome } from './session-driver.js';

describe('assignments', () => {
  it('are accepted and begun once, however often they come', () => {
    const driver = Driver.idle();
    driver.receive([assign('e1')]);
    driver.receive([assign('e1')]);
    driver.step({ kind: 'begun', executionId: 'e1' });
    expect(driver.effects('run')).toHaveLength(1);
    expect(driver.saidKinds()).toEqual(['ACCEPTED', 'ACCEPTED', 'RUNNING', 'node_report']);
    driver.succeed('e1');
    driver.said();
    driver.receive([assign('e1')]);
    expect(driver.saidKinds()).toContain('ACCEPTED');
    expect(driver.effects('run')).toEqual([]);
  });

  it('are ignored when they come after the execution has ended', () => {
    const driver = Driver.running('e1');
    driver.succeed('e1');
    driver.ack('e1', 1, true);
    driver.said();
    driver.receive([assign('e1')]);
    expect(driver.effects('run')).toEqual([]);
    expect(driver.said().messages).toEqual([]);
  });

  it('are rejected, retryable, when every slot is taken', () => {
    const driver = Driver.running('e1', 'e2');
    driver.receive([assign('e3')]);
    expect(driver.reports()).toMatchObject([
      {
        executionId: 'e3',
        lease: 'lease-e3',
        state: 'REJECTED',
        error: { code: 'no_free_slot', retryable: true },
      },
    ]);
    driver.succeed('e1');
    driver.receive([assign('e4')]);
    expect(driver.effects('run')).toHaveLength(1);
  });

  it('are rejected when the node is not started, or plays another module', () => {
    const driver = new Driver();
    driver.step({ kind: 'open' });
    driver.receive([welcome(), assign('e1')]);
    expect(driver.reports()).toMatchObject([
      { state: 'REJECTED', error: { code: 'not_started', retryable: true } },
    ]);
    const other = Driver.idle();
    other.receive([assign('e1', { module: 'hw_resources' })]);
    expect(other.reports()).toMatchObject([
      { state: 'REJECTED', error: { code: 'wrong_module', retryable: true } },
    ]);
  });
});

describe('outputs and ends', () => {
  it('are sent again after 1 s, 2 s, 4 s … 30 s until they are acknowledged', () => {
    const driver = Driver.running('e1');
    driver.succeed('e1');
    expect(outputMoments(driver, 100_000)).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000]);
    driver.ack('e1', 1);
    expect(outputMoments(driver, 100_000)).toEqual([]);
  });

  it('a final report is sent again in the same way until the end is acknowledged', () => {
    const driver = Driver.running('e1');
    driver.publish('e1');
    driver.fail('e1');
    const isReport = (kind: string) => kind === 'FAILED';
    expect(momentsOf(driver, 65_000, isReport)).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000]);
    driver.ack('e1', 1);
    expect(momentsOf(driver, 40_000, isReport)).toHaveLength(1);
    driver.ack('e1', 1, true);
    expect(momentsOf(driver, 100_000, isReport)).toEqual([]);
  });

  it('number the outputs from 1, mark the last, and count them in the final report', () => {
    const driver = Driver.running('e1', 'e2');
    driver.publish('e1');
    driver.publish('e2');
    driver.succeed('e1');
    driver.fail('e2');
    const { messages, outputs } = driver.said();
    expect(outputs.map(({ executionId, seq, last }) => [executionId, seq, last])).toEqual([
      ['e1', 1, false],
      ['e2', 1, false],
      ['e1', 2, true],
    ]);
    expect(messages).toContainEqual(
      expect.objectContaining({ executionId: 'e2', state: 'FAILED', lastSeq: 1, lease: 'lease-e2' }),
    );
  });

  it('keep at most output_window outputs on their way, over all executions, and tell publishers when there is room', () => {
    const driver = Driver.running('e1', 'e2');
    for (let ticket = 1; ticket <= 3; ticket += 1) driver.publish('e1', ticket);
    for (let ticket = 4; ticket <= 6; ticket += 1) driver.publish('e2', ticket);
    expect(driver.effects('admitted').map(({ ticket }) => ticket)).toEqual([1, 2, 3, 4]);
    expect(driver.said().outputs).toHaveLength(4);
    driver.ack('e1', 2);
    expect(driver.effects('admitted').map(({ ticket }) => ticket)).toEqual([5, 6]);
    expect(driver.said().outputs.map(({ seq }) => seq)).toEqual([2, 3]);
    driver.succeed('e1');
    expect(driver.said().outputs).toEqual([]);
    driver.ack('e2', 3);
    expect(driver.said().outputs).toMatchObject([{ executionId: 'e1', seq: 4, last: true }]);
  });

  it('an output that the orchestrator refuses for what it is fails its execution, not retryable', () => {
    for (const code of ['bad_payload', 'too_large', 'bad_frame']) {
      const driver = Driver.running('e1');
      driver.publish('e1');
      driver.publish('e1', 2);
      driver.ack('e1', 1);
      driver.said();
      driver.receive([{ kind: 'refused', code, message: 'not that', executionId: 'e1', seq: 2 }]);
      expect(driver.reports()).toMatchObject([
        { state: 'FAILED', lastSeq: 1, error: { code, message: 'not that', retryable: false } },
      ]);
      expect(driver.effects('abort')).toMatchObject([{ executionId: 'e1', code: 'abandoned' }]);
      expect(outputMoments(driver, 60_000)).toEqual([]);
    }
  });

  it('an execution that the orchestrator does not know or has replaced is forgotten', () => {
    for (const code of ['unknown_execution', 'stale_execution']) {
      const driver = Driver.running('e1', 'e2');
      driver.succeed('e1');
      driver.publish('e2');
      driver.said();
      driver.receive([
        { kind: 'refused', code, message: 'replaced by e9', executionId: 'e1' },
        { kind: 'refused', code, message: 'replaced by e9', executionId: 'e2', seq: 1 },
      ]);
      expect(driver.effects('abort')).toMatchObject([
        { executionId: 'e2', code: 'abandoned', reason: 'replaced by e9' },
      ]);
      expect(driver.running()).toEqual(['e2']);
      driver.fail('e2');
      expect(driver.running()).toEqual([]);
      expect(outputMoments(driver, 60_000)).toEqual([]);
    }
  });

  it('too_many and codes of a newer orchestrator change nothing: the repeats go on', () => {
    const driver = Driver.running('e1');
    driver.succeed('e1');
    driver.said();
    for (const code of ['too_many', 'something_new']) {
      driver.receive([{ kind: 'refused', code, message: '', executionId: 'e1', seq: 1 }]);
    }
    driver.pass(1_000);
    expect(driver.said().outputs).toHaveLength(1);
  });

  it('a blob that the orchestrator misses is uploaded, and its output goes again then', () => {
    const driver = Driver.running('e1');
    const blob = { sha256: 'ab'.repeat(32), size: 3 };
    const source = Buffer.from('abc');
    driver.step({
      kind: 'returned',
      executionId: 'e1',
      result: { ok: true, produced: { type: 'bytes', payload: { kind: 'blob', blob }, source } },
    });
    driver.said();
    const missing = {
      kind: 'refused',
      code: 'blob_missing',
      message: '',
      executionId: 'e1',
      seq: 1,
    } as const;
    driver.receive([missing, missing]);
    expect(driver.effects('upload')).toEqual([
      { kind: 'upload', executionId: 'e1', seq: 1, blob, bytes: source },
    ]);
    expect(outputMoments(driver, 5_000)).toEqual([]);
    driver.step({ kind: 'uploaded', executionId: 'e1', seq: 1 });
    expect(driver.said().outputs).toMatchObject([{ seq: 1, payload: { kind: 'blob', blob } }]);
  });
});

describe('task commands', () => {
  it('STOP aborts the handler, and its coming back, in any way, is reported as CANCELLED', () => {
    for (const comeBack of ['succeed', 'fail'] as const) {
      const driver = Driver.running('e1');
      driver.task('STOP', 'e1');
      expect(driver.effects('abort')).toEqual([
        { kind: 'abort', executionId: 'e1', code: 'stopped', reason: 'the user says so', graceMs: 500 },
      ]);
      expect(driver.saidKinds()).toEqual(['command_ack']);
      driver[comeBack]('e1');
      expect(driver.reports()).toMatchObject([
        { state: 'CANCELLED', lastSeq: 0, message: 'the user says so' },
      ]);
    }
  });

  it('no output is sent after a STOP: the report counts those that are committed', () => {
    const driver = Driver.running('e1');
    for (let ticket = 1; ticket <= 6; ticket += 1) driver.publish('e1', ticket);
    driver.ack('e1', 2);
    driver.task('STOP', 'e1');
    driver.publish('e1', 7);
    driver.succeed('e1');
    const { messages, outputs } = driver.said();
    expect(outputs).toEqual([]);
    expect(messages).toContainEqual(expect.objectContaining({ state: 'CANCELLED', lastSeq: 2 }));
    expect(outputMoments(driver, 60_000)).toEqual([]);
  });

  it('a handler that ignores its signal is reported after grace_ms, but is named, and takes its slot, until it comes back', () => {
    const driver = Driver.running('e1', 'e2');
    driver.task('STOP', 'e1', 500);
    driver.said();
    driver.pass(499);
    expect(driver.reports()).toEqual([]);
    driver.pass(1);
    expect(driver.reports()).toMatchObject([{ executionId: 'e1', state: 'CANCELLED' }]);
    driver.ack('e1', 0, true);
    expect(driver.running()).toEqual(['e1', 'e2']);
    driver.receive([assign('e3')]);
    expect(driver.reports()).toMatchObject([{ state: 'REJECTED', error: { code: 'no_free_slot' } }]);
    driver.succeed('e1');
    expect(driver.said().outputs).toEqual([]);
    expect(driver.running()).toEqual(['e2']);
    driver.receive([assign('e4')]);
    expect(driver.effects('run')).toHaveLength(1);
  });

  it.each([
    ['STOP', 'stopped', 'CANCELLED'],
    ['RESET', 'reset', 'CANCELLED'],
    ['PREEMPT', 'preempted', 'PREEMPTED'],
    ['TERMINATE', 'terminated', 'CANCELLED'],
  ] as const)('%s aborts with the code %s and is reported as %s', (cmd, code, state) => {
    const driver = Driver.running('e1');
    driver.task(cmd, 'e1');
    expect(driver.effects('abort')).toMatchObject([{ code }]);
    driver.fail('e1');
    expect(driver.reports()).toMatchObject([{ state }]);
  });

  it('TERMINATE gives no grace', () => {
    const driver = Driver.running('e1');
    driver.task('TERMINATE', 'e1', 60_000);
    expect(driver.saidKinds()).toEqual(['command_ack', 'CANCELLED']);
  });

  it('STOP takes back a result, or a failure, that is not known to be committed', () => {
    const driver = Driver.running('e1', 'e2');
    driver.succeed('e1');
    driver.publish('e2');
    driver.fail('e2');
    driver.said();
    driver.task('STOP', 'e1');
    driver.task('STOP', 'e2');
    expect(driver.reports()).toMatchObject([
      { executionId: 'e1', state: 'CANCELLED', lastSeq: 0 },
      { executionId: 'e2', state: 'CANCELLED', lastSeq: 0 },
    ]);
    expect(driver.effects('abort')).toEqual([]);
  });

  it('PREEMPT after a STOP does not bring the task back', () => {
    const driver = Driver.running('e1');
    driver.task('STOP', 'e1');
    driver.task('PREEMPT', 'e1');
    driver.fail('e1');
    expect(driver.reports()).toMatchObject([{ state: 'CANCELLED' }]);
  });

  it('are acknowledged again when they are repeated, and done once', () => {
    const driver = Driver.running('e1');
    driver.task('PREEMPT', 'e1');
    driver.task('PREEMPT', 'e1');
    expect(driver.effects('abort')).toHaveLength(1);
    expect(driver.said().messages).toMatchObject([
      { kind: 'command_ack', commandId: 'PREEMPT-e1', executionId: 'e1', accepted: true },
      { kind: 'command_ack', commandId: 'PREEMPT-e1', executionId: 'e1', accepted: true },
    ]);
  });

  it('commands for an unknown execution are refused, for an ended one acknowledged', () => {
    const driver = Driver.running('e1');
    driver.succeed('e1');
    driver.ack('e1', 1, true);
    driver.said();
    driver.task('STOP', 'e1');
    driver.task('STOP', 'e9');
    expect(driver.said().messages).toMatchObject([
      { executionId: 'e1', accepted: true },
      { executionId: 'e9', accepted: false, error: { code: 'unknown_execution', retryable: false } },
    ]);
  });
});

describe('timeouts', () => {
  it('abort the attempt timeout_ms after its assignment came, and report it as FAILED, retryable', () => {
    const driver = Driver.idle();
    driver.receive([assign('e1', { timeoutMs: 2_000 })]);
    driver.said();
    driver.pass(1_999);
    expect(driver.effects('abort')).toEqual([]);
    driver.pass(1);
    expect(driver.effects('abort')).toMatchObject([{ executionId: 'e1', code: 'timeout' }]);
    expect(driver.reports()).toMatchObject([
      { state: 'FAILED', error: { code: 'timeout', retryable: true } },
    ]);
    driver.succeed('e1');
    expect(driver.said().outputs).toEqual([]);
  });
});

describe('progress and log lines', () => {
  it('sends the newest progress, ten times a second at most', () => {
    const driver = Driver.running('e1');
    const sent: number[] = [];
    for (let each = 1; each <= 100; each += 1) {
      driver.step({ kind: 'progress', executionId: 'e1', fraction: each / 100, message: '' });
      driver.pass(5);
      sent.push(...driver.reports().map(({ progress }) => progress));
    }
    expect(sent[0]).toBe(0.01);
    expect(sent.length).toBeGreaterThan(3);
    expect(sent.length).toBeLessThanOrEqual(6);
    driver.pass(100);
    sent.push(...driver.reports().map(({ progress }) => progress));
    expect(sent.at(-1)).toBe(1);
  });

  it('sends log lines before the end of what they are about', () => {
    const driver = Driver.running('e1');
    driver.fail('e1');
    driver.said();
    const again = Driver.running('e1');
    again.step({ kind: 'log', executionId: 'e1', at: 5, level: 'info', message: 'hi', fields: { a: 'b' } });
    again.fail('e1');
    expect(again.said().messages.slice(0, 2)).toMatchObject([
      {
        kind: 'log',
        executionId: 'e1',
        lease: 'lease-e1',
        at: 5,
        level: 'info',
        message: 'hi',
        fields: { a: 'b' },
      },
      { kind: 'execution_report', state: 'FAILED' },
    ]);
  });

  it('sends log lines after the acceptance of what they are about', () => {
    const driver = Driver.idle();
    driver.receive([assign('e1')]);
    driver.step({ kind: 'begun', executionId: 'e1' });
    driver.step({ kind: 'log', executionId: 'e1', at: 5, level: 'info', message: 'hi', fields: {} });
    driver.fail('e1');
    expect(driver.saidKinds().filter((kind) => kind !== 'node_report')).toEqual([
      'ACCEPTED',
      'RUNNING',
      'log',
      'FAILED',
    ]);
  });

  it('keeps log lines while it is not registered, and tells how many there was no room for', () => {
    const driver = Driver.running('e1');
    driver.receive([{ kind: 'refused', code: 'say_hello', message: '' }]);
    const message = 'x'.repeat(1_000_000);
    for (let at = 1; at <= 20; at += 1) {
      driver.step({ kind: 'log', executionId: 'e1', at, level: 'info', message, fields: {} });
    }
    expect(driver.said().messages).toEqual([]);
    driver.receive([welcome()]);
    const lines = [];
    while (driver.session.hasLogs) lines.push(...driver.said().messages.filter(({ kind }) => kind === 'log'));
    expect(lines).toHaveLength(17);
    expect(lines.at(0)).toMatchObject({ at: 1 });
    expect(lines.at(-1)).toMatchObject({ at: 20, level: 'warn', fields: { dropped: '4' } });
  });

  it('keeps its log lines for a connection that has room, and its end behind them', () => {
    const driver = Driver.running('e1');
    const line = { kind: 'log', executionId: 'e1', at: 1, level: 'info', message: 'm', fields: {} } as const;
    driver.step(line);
    driver.step({ kind: 'returned', executionId: 'e1', result: { ok: true, produced: PRODUCED } });
    const waiting = driver.session.take(undefined, false);
    expect(waiting.outputs).toEqual([]);
    expect(waiting.control?.messages.map(({ kind }) => kind)).toEqual(['node_report']);
    expect(driver.session.hasLogs).toBe(true);
    const { messages, outputs } = driver.said();
    expect(messages.map(({ kind }) => kind)).toEqual(['log']);
    expect(outputs).toMatchObject([{ executionId: 'e1', last: true }]);
    expect(driver.session.hasLogs).toBe(false);
  });

  it('tells in one line what was lost on the way', () => {
    const driver = Driver.running('e1');
    const line = {
      kind: 'log',
      lease: 'l',
      executionId: 'e1',
      at: 1,
      level: 'info',
      message: 'm',
      fields: {},
    } as const;
    driver.said();
    driver.step({ kind: 'logs_lost', lines: [line, { ...line, at: 2 }] });
    const said = driver.said().messages.filter(({ kind }) => kind === 'log');
    expect(said).toMatchObject([
      { executionId: 'e1', lease: 'l', at: 2, level: 'warn', fields: { dropped: '2' } },
    ]);
  });
});

describe('an upload that fails for good', () => {
  it('fails the execution with its code', () => {
    const driver = Driver.running('e1');
    driver.step({ kind: 'returned', executionId: 'e1', result: { ok: true, produced: PRODUCED } });
    driver.said();
    const error = { code: 'blob_refused', message: 'HTTP 413', retryable: false };
    driver.step({ kind: 'upload_failed', executionId: 'e1', seq: 1, error });
    expect(driver.reports()).toMatchObject([{ state: 'FAILED', lastSeq: 0, error }]);
  });
});

describe('code of a handler that throws uncaught', () => {
  const error = { code: 'uncaught_error', message: 'a floating promise', retryable: true };

  it('fails its execution at once, and no other; the slot is free when the handler has come back', () => {
    const driver = Driver.running('e1', 'e2');
    driver.step({ kind: 'crashed', executionId: 'e1', error });
    expect(driver.reports()).toMatchObject([{ executionId: 'e1', state: 'FAILED', error }]);
    expect(driver.effects('abort')).toMatchObject([{ executionId: 'e1', code: 'abandoned' }]);
    driver.ack('e1', 0, true);
    expect(driver.running()).toEqual(['e1', 'e2']);
    driver.fail('e1');
    expect(driver.running()).toEqual(['e2']);
  });

  it('changes nothing about an execution that has ended', () => {
    const driver = Driver.running('e1');
    driver.succeed('e1');
    driver.said();
    driver.step({ kind: 'crashed', executionId: 'e1', error });
    expect(driver.reports()).toEqual([]);
  });
});

describe('a handler that never comes back after it was told to end', () => {
  it('is given up: its slot is free again, and its late return counts for nothing', () => {
    const driver = Driver.running('e1', 'e2');
    driver.task('STOP', 'e1', 500);
    driver.pass(500);
    driver.ack('e1', 0, true);
    driver.pass(GIVE_UP_MS - 2_000);
    driver.said();
    expect(driver.running()).toContain('e1');
    driver.pass(1_000);
    expect(driver.effects('note')).toMatchObject([{ level: 'warn', fields: { execution_id: 'e1' } }]);
    driver.said();
    expect(driver.running()).toEqual(['e2']);
    driver.receive([assign('e3')]);
    expect(driver.effects('run')).toHaveLength(1);
    driver.succeed('e1');
    expect(driver.said().outputs).toEqual([]);
  });
});
