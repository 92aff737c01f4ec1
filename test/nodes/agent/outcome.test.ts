import { describe, expect, it } from 'vitest';
import { type Ended, failureOf, summaryOf } from '../../../nodes/agent/outcome.js';

const ended = (over: Partial<Ended>): Ended => ({
  ...{ state: 'ended', engineId: '42', startedAt: 1_000, endedAt: 3_500, host: 'n1' },
  ...{ logs: { stdout: 0, stderr: 0 }, ...over },
});
const terms = { retryExitCodes: undefined, walltimeMs: 90_000 };

describe('the end of a command', () => {
  it('exit code 0 is not a failure', () => {
    expect(failureOf(ended({ exitCode: 0 }), terms, '')).toBeUndefined();
  });

  it('another exit code is exit_code, with the last lines of stderr', () => {
    expect(failureOf(ended({ exitCode: 3 }), terms, 'boom')).toEqual({
      code: 'exit_code',
      message: 'the command ended with exit code 3',
      retryable: true,
      details: { exit_code: '3', stderr: 'boom' },
    });
  });

  it('an end by a signal names the signal', () => {
    expect(failureOf(ended({ exitCode: 137, signal: 'SIGKILL' }), terms, '')).toMatchObject({
      message: 'the command was ended by SIGKILL',
      details: { exit_code: '137', signal: 'SIGKILL' },
    });
  });

  it('says what a shell means by 126 and 127', () => {
    expect(failureOf(ended({ exitCode: 126 }), terms, '')?.message).toContain('it cannot be executed');
    expect(failureOf(ended({ exitCode: 127 }), terms, '')?.message).toContain('there is no such program');
  });

  it.each([
    [3, undefined, true],
    [3, [4], false],
    [4, [4], true],
    [75, [4], true],
    [75, [], true],
    [1, [], false],
  ])('%i with retry_exit_codes %j is retryable: %s', (exitCode, retryExitCodes, retryable) => {
    expect(failureOf(ended({ exitCode }), { ...terms, retryExitCodes }, '')).toMatchObject({ retryable });
  });

  it.each([
    ['walltime', 'walltime', 'its walltime of 90 s', true],
    ['cancelled_outside', 'cancelled_outside', 'the command (42) was cancelled on the cluster', false],
    ['lost', 'engine_failed', 'does not know how it ended', true],
    ['stopped', 'engine_failed', 'the command (42) was stopped', true],
  ] as const)('an end because of %s is %s', (reason, code, message, retryable) => {
    const failure = failureOf(ended({ exitCode: 143, signal: 'SIGTERM', reason }), terms, '');
    expect(failure).toMatchObject({ code, retryable, message: expect.stringContaining(message) });
  });

  it('is told as exit code, signal, seconds and host', () => {
    expect(summaryOf(ended({ exitCode: 0 }))).toEqual({
      exit_code: 0,
      signal: null,
      seconds: 2.5,
      host: 'n1',
    });
  });
});
