import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EngineRefused } from '../../../nodes/agent/engine.js';
import { Folders } from '../../../nodes/agent/folders.js';
import { Health } from '../../../nodes/agent/health.js';
import { HEAD_LINES, TAIL_LINES } from '../../../nodes/agent/log-follower.js';
import { Watch } from '../../../nodes/agent/watch.js';
import { Work } from '../../../nodes/agent/work.js';
import { FakeEngine, fakeTask, unreachable } from './fake-engine.js';

/** An agent's work on a fake engine; `again` is the same after its process has ended. */
class Bench {
  readonly engine: FakeEngine;
  readonly dir: string;
  readonly folders: Folders;
  readonly troubles: (string | undefined)[] = [];
  readonly work: Work;

  constructor(engine = new FakeEngine(), dir = mkdtempSync(join(tmpdir(), 'tutti-work-'))) {
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    this.engine = engine;
    this.dir = dir;
    this.folders = new Folders(dir);
    const health = new Health({
      held: [],
      trouble: (error) => this.troubles.push(error?.code),
      has: () => {},
      kept: () => {},
      leave: () => {},
    });
    const watch = new Watch(engine, health, 5);
    this.work = new Work({
      ...{ engine, health, watch, folders: this.folders, workdir: '/scratch/' },
      warn: () => {},
    });
  }

  again(): Bench {
    return new Bench(this.engine, this.dir);
  }

  asked(beginning: string): string[] {
    return this.engine.calls.filter((call) => call.startsWith(beginning));
  }
}

describe('an execution of a run module', () => {
  it('gives what the command left in its output file, and its log on the way', async () => {
    const bench = new Bench();
    const { engine } = bench;
    engine.onLaunch = () => {
      engine.run('e1', { stdout: 'one\ntwo\n', stderr: 'careful\n' });
      engine.end('e1', {}, '{"n":1}');
    };
    const { task, told, fields, notes } = fakeTask();
    const result = await bench.work.run(task);
    expect(result).toEqual({ ok: true, text: Buffer.from('{"n":1}') });
    expect(Object.assign({}, ...notes)).toEqual({
      ...{ argv: ['true'], engineId: 'id-e1', host: 'here', startedAt: 1_000, endedAt: 3_500, exitCode: 0 },
    });
    expect(told).toEqual([
      'the cluster has taken the command as id-e1',
      'begun',
      ...['stdout: one', 'stdout: two', 'stderr: careful'],
    ]);
    expect(fields[0]).toEqual({ by: 'agent', engine_id: 'id-e1' });
  });

  it('is told line by line while it runs, and begins when its command does', async () => {
    const bench = new Bench();
    const { engine } = bench;
    const { task, told } = fakeTask();
    const result = bench.work.run(task);
    await expect.poll(() => bench.asked('observe').length).toBeGreaterThan(1);
    expect(told).not.toContain('begun');
    engine.run('e1', { stdout: 'first\nhalf' });
    await expect.poll(() => told).toContain('stdout: first');
    expect(told).toContain('begun');
    expect(told).not.toContain('stdout: half');
    engine.run('e1', { stdout: 'first\nhalf a line\n' });
    engine.end('e1', {}, '1');
    await result;
    expect(told.slice(1)).toEqual(['begun', 'stdout: first', 'stdout: half a line']);
  });

  it.each([
    ['stdout', { text: Buffer.from('{"a":1}\n') }],
    ['none', { value: { exit_code: 0, signal: null, seconds: 2.5, host: 'here' } }],
  ] as const)('takes its result from %s where the graph says so', async (result, given) => {
    const bench = new Bench();
    const { engine } = bench;
    engine.onLaunch = () => {
      engine.run('e1', { stdout: '{"a":1}\n' });
      engine.end('e1');
    };
    expect(await bench.work.run(fakeTask({ result }).task)).toEqual({ ok: true, ...given });
  });

  it.each([
    [undefined, { ok: true, value: {} }],
    ['', { ok: true, value: {} }],
    ['{"address":"a"}', { ok: true, value: { address: 'a' } }],
    ['[1]', { ok: false, error: { code: 'bad_result', retryable: false } }],
    ['{', { ok: false, error: { code: 'bad_result', retryable: false } }],
    [
      JSON.stringify({ a: 'x'.repeat(16 * 1024) }),
      { ok: false, error: { code: 'bad_result', retryable: false } },
    ],
  ])(
    'has attributes where an object is left for it, and none where nothing is (%#)',
    async (left, result) => {
      const bench = new Bench();
      bench.engine.onLaunch = () => {
        bench.engine.run('e1', {});
        bench.engine.end('e1', {}, left);
      };
      expect(await bench.work.run(fakeTask({ result: 'attributes' }).task)).toMatchObject(result);
    },
  );

  it('fails with no_result where the command has left none, and with the end of its stderr where it failed', async () => {
    const bench = new Bench();
    const { engine } = bench;
    engine.onLaunch = () => engine.end('e1');
    expect(await bench.work.run(fakeTask().task)).toMatchObject({ ok: false, error: { code: 'no_result' } });
    engine.onLaunch = () => {
      engine.run('e2', { stderr: `${'x'.repeat(5_000)}\nlast words\n` });
      engine.end('e2', { exitCode: 3 });
    };
    const failed = await bench.work.run(fakeTask({}, {}, { executionId: 'e2' }).task);
    expect(failed).toMatchObject({
      error: { code: 'exit_code', details: { exit_code: '3', stderr: 'last words' } },
    });
  });

  it('starts nothing where a reference leads nowhere', async () => {
    const bench = new Bench();
    const { task } = fakeTask({ work: { kind: 'command', argv: ['x', `\${no.such}`] } });
    expect(await bench.work.run(task)).toMatchObject({
      error: { code: 'bad_reference', retryable: false },
    });
    expect(bench.engine.calls).toEqual([]);
  });

  it('fails for good where the cluster refuses the command', async () => {
    const bench = new Bench();
    bench.engine.refusal = new EngineRefused('no such partition');
    expect(await bench.work.run(fakeTask().task)).toEqual({
      ok: false,
      error: { code: 'engine_failed', message: 'no such partition', retryable: false },
    });
  });

  it('waits for a cluster that cannot be asked, and says so', async () => {
    const bench = new Bench();
    const { engine } = bench;
    engine.unavailable = unreachable();
    const { task } = fakeTask();
    const result = bench.work.run(task);
    await expect.poll(() => bench.troubles).toEqual(['cluster_unreachable']);
    engine.unavailable = undefined;
    await expect.poll(() => bench.engine.commands.size).toBe(1);
    expect(bench.troubles).toEqual(['cluster_unreachable', undefined]);
    engine.unavailable = unreachable();
    await expect.poll(() => bench.troubles.length).toBe(3);
    engine.end('e1', {}, '5');
    engine.unavailable = undefined;
    expect(await result).toEqual({ ok: true, text: Buffer.from('5') });
  });

  it('stops its command when it is aborted, so long before the end of the grace that nothing is left then', async () => {
    const bench = new Bench();
    const { task, abort } = fakeTask();
    const result = bench.work.run(task);
    await expect.poll(() => bench.engine.commands.size).toBe(1);
    abort(5_000);
    expect(await result).toMatchObject({ ok: false });
    expect(bench.asked('stop')).toEqual(['stop e1 4500']);
  });

  it('is not done with a stop before the cluster has answered', async () => {
    const bench = new Bench();
    const { task, abort } = fakeTask();
    const result = bench.work.run(task);
    await expect.poll(() => bench.engine.commands.size).toBe(1);
    bench.engine.unavailable = unreachable();
    abort(0);
    await expect.poll(() => bench.asked('stop').length).toBeGreaterThan(1);
    expect(bench.engine.commands.get('e1')!.observed.state).not.toBe('ended');
    bench.engine.unavailable = undefined;
    await result;
    expect(bench.engine.commands.get('e1')!.observed.state).toBe('ended');
  });
});

describe('an agent that was killed', () => {
  it('adopts its command, and goes on in the log where it was', async () => {
    const first = new Bench();
    const { engine } = first;
    const before = fakeTask();
    void first.work.run(before.task);
    await expect.poll(() => engine.commands.size).toBe(1);
    engine.run('e1', { stdout: 'one\n' });
    await expect.poll(() => before.told).toContain('stdout: one');
    engine.run('e1', { stdout: 'one\ntwo\n' });
    await expect.poll(() => before.told).toContain('stdout: two');

    const after = fakeTask({}, {}, { isResumed: true });
    const result = first.again().work.run(after.task);
    engine.run('e1', { stdout: 'one\ntwo\nthree\n' });
    engine.end('e1', {}, '3');
    expect(await result).toEqual({ ok: true, text: Buffer.from('3') });
    expect(engine.commands.size).toBe(1);
    expect(after.told.filter((line) => line.startsWith('stdout'))).toEqual(['stdout: two', 'stdout: three']);
    expect(after.told).not.toContain('the cluster has taken the command as id-e1');
  });

  it('ends what it is not to go on with', async () => {
    const first = new Bench();
    void first.work.run(fakeTask().task);
    await expect.poll(() => first.engine.commands.size).toBe(1);
    const after = fakeTask({}, {}, { isResumed: true });
    after.abort(0);
    await first.again().work.run(after.task);
    expect(first.asked('stop')).toEqual(['stop e1 0']);
  });

  it('removes the folders that its former process has left behind', async () => {
    const first = new Bench();
    first.engine.onLaunch = ({ key }) => first.engine.end(key, {}, '1');
    await first.work.run(fakeTask().task);
    await first.work.run(fakeTask({}, {}, { executionId: 'e2' }).task);
    expect(first.folders.keys().sort()).toEqual(['e1', 'e2']);
    const second = first.again();
    await second.work.removeLeftovers(['e2']);
    expect([...first.engine.commands.keys()]).toEqual(['e2']);
    expect(second.folders.keys()).toEqual(['e2']);
  });
});

describe('the folder of an attempt', () => {
  it.each([
    ['never', 0, true],
    ['never', 3, true],
    ['on_failure', 0, true],
    ['on_failure', 3, false],
    ['always', 0, false],
  ] as const)(
    'a folder with keep: %s after exit code %i is removed: %s',
    async (keep, exitCode, isRemoved) => {
      const bench = new Bench();
      bench.engine.onLaunch = () => bench.engine.end('e1', { exitCode }, '1');
      await bench.work.run(fakeTask({ keep }).task);
      expect(bench.engine.commands.size).toBe(1);
      await bench.work.release('e1');
      expect(bench.engine.commands.size).toBe(isRemoved ? 0 : 1);
      expect(bench.folders.keys()).toEqual([]);
      const later = bench.again();
      expect(later.folders.kept()).toEqual(isRemoved ? [] : [{ executionId: 'e1', lease: 'lease' }]);
      await later.work.removeLeftovers([]);
      expect(bench.engine.commands.size).toBe(isRemoved ? 0 : 1);
      await later.work.forget(['e0', 'e1']);
      expect([bench.engine.commands.size, later.folders.kept()]).toEqual([0, []]);
    },
  );
});

describe('a log that is too long for the history', () => {
  const LINE = `${'x'.repeat(999)}\n`;

  it('is told with its head and its tail; the line between them says how much is missing and where all of it is', async () => {
    const bench = new Bench();
    const { engine } = bench;
    const whole = Buffer.from(`${LINE.repeat(20_000)}the end\n`);
    engine.onLaunch = () => {
      engine.run('e1', { stdout: whole });
      engine.end('e1', {}, '1');
    };
    const copies: string[] = [];
    const { task, told, fields } = fakeTask(
      {},
      {},
      {
        keep: async (path) => {
          copies.push(readFileSync(path, 'latin1'));
          return { sha256: 'ab'.repeat(32), size: 7 };
        },
      },
    );
    await bench.work.run(task);
    const bytesTold = told
      .filter((line) => line.startsWith('stdout: '))
      .reduce((sum, line) => sum + line.length - 'stdout: '.length + 1, 0);
    expect(told.filter((line) => line.includes('left out'))).toHaveLength(1);
    expect(fields.find((each) => 'left_out_bytes' in each)).toEqual({
      by: 'agent',
      // The head ends within a line.
      left_out_bytes: whole.byteLength - bytesTold + 1,
      of: 'stdout',
      blob: 'ab'.repeat(32),
      size: 7,
    });
    expect(bytesTold).toBeLessThan(9 * 1024 * 1024);
    expect(bytesTold).toBeGreaterThan(4 * 1024 * 1024);
    expect(told.at(-1)).toBe('stdout: the end');
    expect(copies).toEqual([whole.toString('latin1')]);
    await bench.work.release('e1');
    expect(existsSync(bench.folders.logPath('e1'))).toBe(false);
  });

  it('has no more lines than the history takes, however short they are', async () => {
    const bench = new Bench();
    const { engine } = bench;
    engine.onLaunch = () => {
      engine.run('e1', { stdout: `${'x\n'.repeat(150_000)}the end\n` });
      engine.end('e1', {}, '1');
    };
    const { task, told } = fakeTask();
    await bench.work.run(task);
    expect(told.filter((line) => line === 'stdout: x')).toHaveLength(HEAD_LINES + TAIL_LINES - 1);
    expect(told.at(-1)).toBe('stdout: the end');
  });

  it('says why where the whole of it could not be kept', async () => {
    const bench = new Bench();
    const { engine } = bench;
    engine.onLaunch = () => {
      engine.run('e1', { stderr: LINE.repeat(20_000) });
      engine.end('e1', {}, '1');
    };
    const { task, told } = fakeTask(
      {},
      {},
      {
        keep: async () => {
          throw new Error('too large');
        },
      },
    );
    expect(await bench.work.run(task)).toMatchObject({ ok: true });
    expect(told.find((line) => line.includes('left out'))).toContain('the whole was not kept: too large');
  });
});
