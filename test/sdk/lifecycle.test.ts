import { describe, expect, it } from 'vitest';
import { HELLO_FIRST_MS } from '../../src/sdk/session.js';
import { assign, Driver, welcome } from './session-driver.js';

const HOOK_FAILED = { code: 'hook_failed', message: 'no GPU', retryable: true };

function failedNode(): Driver {
  const driver = new Driver();
  driver.step({ kind: 'open' });
  driver.receive([welcome()]);
  driver.command('START');
  driver.step({ kind: 'hook_done', hook: 'start', error: HOOK_FAILED });
  return driver;
}

describe('a node’s status', () => {
  it('goes INACTIVE, INITIALIZING, IDLE on START, with onStart in between, each reported', () => {
    const driver = new Driver();
    driver.step({ kind: 'open' });
    driver.said();
    driver.receive([welcome()]);
    expect(driver.session.status).toBe('INACTIVE');
    driver.command('START');
    expect(driver.effects('hook')).toEqual([{ kind: 'hook', hook: 'start' }]);
    expect(driver.saidKinds()).toEqual(['command_ack', 'node_report']);
    expect(driver.session.status).toBe('INITIALIZING');
    driver.step({ kind: 'hook_done', hook: 'start' });
    expect(driver.statuses()).toEqual(['IDLE']);
  });

  it('is RUNNING while an execution runs, and says so once a turn', () => {
    const driver = Driver.idle();
    driver.receive([assign('e1')]);
    expect(driver.statuses()).toEqual(['RUNNING']);
    driver.succeed('e1');
    expect(driver.statuses()).toEqual(['IDLE']);
    driver.receive([assign('e2')]);
    driver.succeed('e2');
    expect(driver.statuses()).toEqual([]);
  });

  it('is reported in answer to a command even where nothing changes', () => {
    const driver = Driver.idle();
    driver.command('START');
    expect(driver.said().messages).toMatchObject([
      { kind: 'command_ack', accepted: true, executionId: '' },
      { kind: 'node_report', status: 'IDLE' },
    ]);
    expect(driver.effects('hook')).toEqual([]);
  });

  it('a status that changed while the node was not registered is reported after the welcome', () => {
    const driver = Driver.running('e1');
    driver.receive([{ kind: 'refused', code: 'say_hello', message: '' }]);
    driver.pass(HELLO_FIRST_MS);
    expect(driver.said().messages).toMatchObject([{ kind: 'hello', status: 'RUNNING' }]);
    driver.succeed('e1');
    driver.receive([welcome()]);
    expect(driver.statuses()).toEqual(['IDLE']);
  });
});

describe('STOP', () => {
  it('takes nothing new, lets what runs go on, runs onStop, and ends INACTIVE', () => {
    const driver = Driver.running('e1');
    driver.command('STOP');
    expect(driver.statuses()).toEqual(['RUNNING']);
    driver.receive([assign('e2')]);
    expect(driver.reports()).toMatchObject([
      { state: 'REJECTED', error: { code: 'node_stopped', retryable: true } },
    ]);
    expect([...driver.effects('abort'), ...driver.effects('hook')]).toEqual([]);
    driver.succeed('e1');
    expect(driver.said().outputs).toHaveLength(1);
    expect(driver.effects('hook')).toEqual([{ kind: 'hook', hook: 'stop' }]);
    driver.step({ kind: 'hook_done', hook: 'stop' });
    expect(driver.statuses()).toEqual(['INACTIVE']);
    driver.receive([assign('e3')]);
    expect(driver.reports()).toMatchObject([{ error: { code: 'node_stopped' } }]);
  });

  it('is taken back by START while it drains', () => {
    const driver = Driver.running('e1');
    driver.command('STOP');
    driver.command('START');
    driver.succeed('e1');
    driver.receive([assign('e2')]);
    expect(driver.effects('hook')).toEqual([]);
    expect(driver.effects('run')).toHaveLength(1);
  });

  it('during onStart runs onStop after it, and a START during onStop starts anew', () => {
    const driver = new Driver();
    driver.step({ kind: 'open' });
    driver.receive([welcome()]);
    driver.command('START');
    driver.command('STOP');
    driver.step({ kind: 'hook_done', hook: 'start' });
    expect(driver.effects('hook').map(({ hook }) => hook)).toEqual(['start', 'stop']);
    driver.command('START');
    expect(driver.effects('hook')).toEqual([]);
    driver.step({ kind: 'hook_done', hook: 'stop' });
    expect(driver.effects('hook').map(({ hook }) => hook)).toEqual(['start']);
    driver.step({ kind: 'hook_done', hook: 'start' });
    expect(driver.session.status).toBe('IDLE');
  });
});

describe('a hook that throws', () => {
  it('leads to ERROR with hook_failed, where no work is taken and only RESET helps', () => {
    const driver = failedNode();
    expect(driver.said().messages.at(-1)).toEqual({
      kind: 'node_report',
      status: 'ERROR',
      error: HOOK_FAILED,
    });
    driver.receive([assign('e1')]);
    expect(driver.reports()).toMatchObject([{ state: 'REJECTED', error: { code: 'not_started' } }]);
    driver.command('START');
    driver.command('STOP');
    const acks = driver.said().messages.filter(({ kind }) => kind === 'command_ack');
    expect(acks).toMatchObject([
      { accepted: false, error: { code: 'not_in_this_state' } },
      { accepted: false, error: { code: 'not_in_this_state' } },
    ]);
    driver.effects('hook');
    driver.command('RESET');
    expect(driver.statuses()).toEqual(['INITIALIZING']);
    expect(driver.effects('hook').map(({ hook }) => hook)).toEqual(['start']);
    driver.step({ kind: 'hook_done', hook: 'start' });
    expect(driver.statuses()).toEqual(['IDLE']);
  });

  it('is told again after every welcome', () => {
    const driver = failedNode();
    driver.receive([{ kind: 'refused', code: 'say_hello', message: '' }]);
    driver.pass(HELLO_FIRST_MS);
    driver.said();
    driver.receive([welcome()]);
    expect(driver.said().messages).toEqual([{ kind: 'node_report', status: 'ERROR', error: HOOK_FAILED }]);
  });
});

describe('RESET', () => {
  it('gives all work back as PREEMPTED, and goes through onStop and onStart to IDLE', () => {
    const driver = Driver.running('e1', 'e2');
    driver.command('RESET');
    expect(driver.statuses()).toEqual(['INITIALIZING']);
    expect(driver.effects('abort')).toMatchObject([{ code: 'node_reset' }, { code: 'node_reset' }]);
    driver.fail('e1');
    expect(driver.effects('hook')).toEqual([]);
    driver.succeed('e2');
    const { messages, outputs } = driver.said();
    expect(messages).toMatchObject([{ state: 'PREEMPTED' }, { state: 'PREEMPTED' }]);
    expect(outputs).toEqual([]);
    driver.step({ kind: 'hook_done', hook: 'stop' });
    expect(driver.session.status).toBe('INITIALIZING');
    driver.step({ kind: 'hook_done', hook: 'start' });
    expect(driver.effects('hook').map(({ hook }) => hook)).toEqual(['stop', 'start']);
    expect(driver.statuses()).toEqual(['IDLE']);
  });

  it('does not wait longer than its grace for a handler that ignores its signal', () => {
    const driver = Driver.running('e1');
    driver.command('RESET', 500);
    driver.said();
    driver.pass(500);
    expect(driver.reports()).toMatchObject([{ executionId: 'e1', state: 'PREEMPTED' }]);
    expect(driver.effects('hook').map(({ hook }) => hook)).toEqual(['stop']);
    driver.step({ kind: 'hook_done', hook: 'stop' });
    driver.step({ kind: 'hook_done', hook: 'start' });
    expect(driver.session.status).toBe('RUNNING');
    expect(driver.running()).toEqual(['e1']);
  });
});

describe('TERMINATE', () => {
  it('gives work back, runs onStop, waits for what is not acknowledged, says goodbye, and ends', () => {
    const driver = Driver.running('e1', 'e2');
    driver.succeed('e2');
    driver.said();
    driver.command('TERMINATE');
    expect(driver.saidKinds()).toEqual(['command_ack', 'node_report']);
    expect(driver.session.status).toBe('TERMINATING');
    expect(driver.effects('abort')).toMatchObject([{ executionId: 'e1', code: 'node_stopping' }]);
    driver.receive([assign('e3')]);
    expect(driver.reports()).toMatchObject([{ state: 'REJECTED', error: { code: 'node_stopped' } }]);
    driver.fail('e1');
    expect(driver.reports()).toMatchObject([{ executionId: 'e1', state: 'PREEMPTED' }]);
    expect(driver.effects('hook').map(({ hook }) => hook)).toEqual(['stop']);
    driver.step({ kind: 'hook_done', hook: 'stop' });
    driver.ack('e1', 0, true);
    expect(driver.effects('end')).toEqual([]);
    driver.ack('e2', 1, true);
    expect(driver.effects('end')).toEqual([{ kind: 'end' }]);
    expect(driver.saidKinds()).toEqual(['goodbye']);
    driver.pass(60_000);
    expect(driver.said()).toEqual({ messages: [], outputs: [] });
  });

  it('TERMINATE for an idle node is acknowledged, reported, and followed by the goodbye', () => {
    const driver = new Driver();
    driver.step({ kind: 'open' });
    driver.said();
    driver.receive([welcome()]);
    driver.command('TERMINATE');
    expect(driver.said().messages).toMatchObject([
      { kind: 'command_ack', accepted: true },
      { kind: 'node_report', status: 'TERMINATING' },
      { kind: 'goodbye' },
    ]);
    expect(driver.effects('end')).toEqual([{ kind: 'end' }]);
  });

  it('ends in bounded time whatever the handler, the hook and the orchestrator do', () => {
    const driver = Driver.running('e1');
    driver.command('TERMINATE', 500);
    driver.pass(499);
    expect(driver.effects('hook')).toEqual([]);
    driver.pass(1);
    expect(driver.effects('hook').map(({ hook }) => hook)).toEqual(['stop']);
    driver.pass(4_999);
    expect(driver.effects('end')).toEqual([]);
    driver.pass(1);
    expect(driver.effects('end')).toEqual([{ kind: 'end' }]);
  });
});

describe('the end of the process', () => {
  it('preempts what runs, so that it runs elsewhere, and is over at once when nothing is left', () => {
    const driver = Driver.running('e1');
    driver.step({ kind: 'shutdown', reason: 'SIGTERM', graceMs: 5_000, flushMs: 5_000 });
    expect(driver.effects('abort')).toMatchObject([{ code: 'node_stopping', reason: 'SIGTERM' }]);
    driver.fail('e1');
    driver.step({ kind: 'hook_done', hook: 'stop' });
    driver.said();
    driver.ack('e1', 0, true);
    expect(driver.effects('end')).toHaveLength(1);
    expect(driver.saidKinds()).toEqual(['goodbye']);
  });

  it('is over at once, without a word, for a node that was never welcomed', () => {
    const driver = new Driver();
    driver.step({ kind: 'open' });
    driver.said();
    driver.step({ kind: 'shutdown', reason: 'SIGTERM', graceMs: 5_000, flushMs: 5_000 });
    expect(driver.effects('end')).toHaveLength(1);
    expect(driver.said().messages).toEqual([]);
  });

  it('goes on asking for a registration as long as it owes results', () => {
    const driver = Driver.running('e1');
    driver.succeed('e1');
    driver.receive([{ kind: 'refused', code: 'say_hello', message: '' }]);
    driver.step({ kind: 'shutdown', reason: 'SIGTERM', graceMs: 1_000, flushMs: 5_000 });
    driver.step({ kind: 'hook_done', hook: 'stop' });
    driver.pass(HELLO_FIRST_MS);
    expect(driver.saidKinds()).toEqual(['hello']);
    driver.receive([welcome()]);
    expect(driver.said().outputs).toHaveLength(1);
    driver.ack('e1', 1, true);
    expect(driver.effects('end')).toHaveLength(1);
  });
});
