/** What every engine promises, whatever runs the commands and however it is reached; the twin in memory too. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine, Launch, LogStream, Observed } from '../../../nodes/agent/engine.js';

/** A cluster with engines for it. */
export interface Place {
  readonly engine: Engine;
  /** A second engine for the same cluster, as the next process of an agent has it. */
  again(): Engine;
  /** How often the command of a key was started, by its own journal. */
  starts(key: string): Promise<number>;
  /** How many processes of a key there are. */
  processes(key: string): Promise<number>;
  /** Goes into the environment of each command. */
  readonly env: Readonly<Record<string, string>>;
}

const ACT = readFileSync(new URL('act.sh', import.meta.url));
let serial = 0;

/** A command of `act.sh`; its environment names its key. */
export function act(place: Place, argv: readonly string[], more: Partial<Launch> = {}): Launch {
  serial += 1;
  const key = more.key ?? `t${process.pid}-${serial}`;
  return {
    argv: ['./act.sh', ...argv],
    pathEnv: { TUTTI_OUTPUT: 'output', TUTTI_INPUTS: 'inputs' },
    ...more,
    key,
    env: { ...place.env, KEY: key, ...more.env },
    files: [{ path: 'act.sh', bytes: ACT, executable: true }, ...(more.files ?? [])],
  };
}

type Ended = Extract<Observed, { state: 'ended' }>;

export async function observe(engine: Engine, key: string): Promise<Observed> {
  return (await engine.observe([key])).get(key)!;
}

export async function end(engine: Engine, key: string): Promise<Ended> {
  for (;;) {
    await engine.waitForEnd([key], 20_000);
    const observed = await observe(engine, key);
    if (observed.state === 'ended') return observed;
  }
}

export async function log(
  engine: Engine,
  key: string,
  stream: LogStream = 'stdout',
  offset = 0,
): Promise<string> {
  const bytes = await engine.readLog(key, stream, { offset, maxBytes: 1_000_000 });
  return Buffer.from(bytes ?? []).toString('utf8');
}

/** Once it holds. Not `expect.poll`: it knows its test only where one runs at a time. */
const soon = (holds: () => Promise<void>): Promise<void> =>
  vi.waitFor(holds, { timeout: 20_000, interval: 50 });

/** Launches a command and resolves once it has written this. */
export async function startAndRead(engine: Engine, launch: Launch, text: string): Promise<void> {
  await engine.launch(launch);
  await soon(async () => expect(await log(engine, launch.key)).toContain(text));
}

const ODD = [
  "it's",
  'two words',
  '"quoted"',
  '$(id)',
  '`id`',
  '$HOME',
  'a\nb\n',
  '\\n\\',
  '*',
  '',
  '-n',
  'ü ☃',
  '; exit 9',
];

/** `through` the reach: only what passes through it in another way for another engine; the rest has been shown of both. */
export function engineContract(
  name: string,
  open: () => Promise<Place>,
  extent: 'all' | 'through' = 'all',
): void {
  describe.concurrent(name, () => {
    let place: Place;
    let engine: Engine;
    beforeAll(async () => {
      place = await open();
      engine = place.engine;
    }, 60_000);

    it('tells what the cluster has', async () => {
      expect((await engine.probe()).cpus).toBeGreaterThan(0);
    });

    it('keeps exit codes and signals, and observes many commands at once', async () => {
      const [good, bad, killed] = [
        act(place, ['exit', '0']),
        act(place, ['exit', '3']),
        act(place, ['die', 'KILL']),
      ];
      const missing = act(place, [], { argv: ['./there-is-no-such-program'] });
      const plain = act(place, [], {
        argv: ['./plain.txt'],
        files: [{ path: 'plain.txt', bytes: Buffer.from('no') }],
      });
      const all = [good, bad, killed, missing, plain];
      const ids = await Promise.all(all.map((launch) => engine.launch(launch)));
      await Promise.all(all.map(({ key }) => end(engine, key)));
      const observed = await engine.observe([...all.map(({ key }) => key), 'never-launched']);
      expect(all.map(({ key }) => observed.get(key)!)).toMatchObject(
        [
          { exitCode: 0 },
          { exitCode: 3 },
          { exitCode: 137, signal: 'SIGKILL' },
          { exitCode: 127 },
          { exitCode: 126 },
        ].map((code, index) => ({ state: 'ended', engineId: ids[index]!.engineId, ...code })),
      );
      for (const { key } of all) expect(observed.get(key)).not.toHaveProperty('reason');
      expect(observed.get('never-launched')).toEqual({ state: 'unknown' });
      const { startedAt, endedAt } = observed.get(good.key) as Ended;
      expect(Math.abs(Date.now() - endedAt!)).toBeLessThan(60_000);
      expect(endedAt).toBeGreaterThanOrEqual(startedAt!);
    });

    it('hands over arguments and variables exactly as they are', async () => {
      const said = act(place, ['say', ...ODD]);
      const variables = Object.fromEntries(ODD.map((value, index) => [`ODD_${index}`, value]));
      const told = act(place, ['variables', ...Object.keys(variables)], { env: variables });
      await Promise.all([engine.launch(said), engine.launch(told)]);
      await Promise.all([end(engine, said.key), end(engine, told.key)]);
      const expected = ODD.map((value) => `${value}\0`).join('');
      expect(await log(engine, said.key)).toBe(expected);
      expect(await log(engine, told.key)).toBe(expected);
    });

    it('puts files below the working folder and reads results from there', async () => {
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
      const launch = act(place, ['copy', 'deep/er/in put'], {
        files: [{ path: 'inputs/deep/er/in put', bytes }],
      });
      await engine.launch(launch);
      expect(await end(engine, launch.key)).toMatchObject({ exitCode: 0 });
      const whole = await engine.readFile(launch.key, 'output', { maxBytes: 1_000_000 });
      expect(bytes.equals(whole!)).toBe(true);
      const part = await engine.readFile(launch.key, 'output', { offset: 299_990, maxBytes: 6 });
      expect(bytes.subarray(299_990, 299_996).equals(part!)).toBe(true);
      expect(await engine.readFile(launch.key, 'no-such-file', { maxBytes: 10 })).toBeUndefined();
      expect(await engine.readFile(launch.key, 'inputs', { maxBytes: 10 })).toBeUndefined();
    });

    it('starts a command once when the first launch was cut off at any moment', async () => {
      const cutAndRepeat = async (cutAfterMs: number) => {
        const launch = act(place, ['count', '3']);
        const cut = new AbortController();
        const first = engine.launch(launch, cut.signal).catch(() => {});
        const timer = setTimeout(() => cut.abort(), cutAfterMs);
        await first;
        clearTimeout(timer);
        await place.again().launch(launch);
        expect(await end(engine, launch.key)).toMatchObject({ exitCode: 0, logs: { stdout: 6 } });
        expect(await place.starts(launch.key)).toBe(1);
      };
      await Promise.all([0, 20, 60, 150, 300].map(cutAndRepeat));
    });

    it('stops every process of a command, also those that moved to a session of their own', async () => {
      const launch = act(place, ['family']);
      await startAndRead(engine, launch, 'ready');
      await soon(async () => expect(await place.processes(launch.key)).toBeGreaterThanOrEqual(4));
      await place.again().stop(launch.key, 300);
      expect(await observe(engine, launch.key)).toMatchObject({
        state: 'ended',
        reason: 'stopped',
        exitCode: 137,
        signal: 'SIGKILL',
      });
      await soon(async () => expect(await place.processes(launch.key)).toBe(0));
      // Once more, it is harmless.
      await engine.stop(launch.key, 300);
    });

    if (extent === 'through') return;

    it('shows the log of a running command, and each stream for itself', async () => {
      const launch = act(place, ['hang', 'first line']);
      await startAndRead(engine, launch, 'first line\n');
      expect(await observe(engine, launch.key)).toMatchObject({
        state: 'running',
        logs: { stdout: 11, stderr: 0 },
      });
      expect(await log(engine, launch.key, 'stdout', 6)).toBe('line\n');
      expect(await log(engine, launch.key, 'stdout', 11)).toBe('');
      await engine.stop(launch.key, 2000);
      const complaint = act(place, ['complain', 'alas']);
      await engine.launch(complaint);
      expect(await end(engine, complaint.key)).toMatchObject({ logs: { stdout: 0, stderr: 5 } });
      expect(await log(engine, complaint.key, 'stderr')).toBe('alas\n');
    });

    it('starts a command once, however often and from wherever it is launched', async () => {
      const launch = act(place, ['hang', 'once']);
      const [first, second, third] = await Promise.all([
        engine.launch(launch),
        place.again().launch(launch),
        place.again().launch(launch),
      ]);
      await soon(async () => expect(await log(engine, launch.key)).toBe('once\n'));
      const running = await observe(place.again(), launch.key);
      expect(running).toMatchObject({ state: 'running' });
      expect([first, second, third].map(({ engineId }) => engineId)).toContain((running as Ended).engineId);
      await engine.stop(launch.key, 2000);
      expect(await engine.launch(launch)).toEqual({ engineId: (running as Ended).engineId });
      expect(await observe(engine, launch.key)).toMatchObject({ state: 'ended', reason: 'stopped' });
      expect(await place.starts(launch.key)).toBe(1);
    });

    it('leaves nothing behind of a command that ended by itself', async () => {
      const launch = act(place, ['abandon']);
      await engine.launch(launch);
      expect(await end(engine, launch.key)).toMatchObject({ exitCode: 0 });
      await soon(async () => expect(await place.processes(launch.key)).toBe(0));
    });

    it('starts nothing after a stop that came first', async () => {
      const launch = act(place, ['exit', '0']);
      await engine.stop(launch.key, 1000);
      expect(await engine.launch(launch)).toEqual({ engineId: '' });
      const observed = await observe(engine, launch.key);
      expect(observed).toMatchObject({ state: 'ended', engineId: '', reason: 'stopped' });
      expect(observed).not.toHaveProperty('exitCode');
      expect(await place.starts(launch.key)).toBe(0);
    });

    it('stops a command when its walltime is over, and wakes those who wait for its end', async () => {
      const launch = act(place, ['hang', 'too long'], { resources: { cpus: 1, walltimeMs: 700 } });
      await engine.launch(launch);
      const observed = await end(engine, launch.key);
      expect(observed).toMatchObject({ reason: 'walltime', exitCode: 143, signal: 'SIGTERM' });
      expect(observed.endedAt! - observed.startedAt!).toBeGreaterThanOrEqual(690);
    });

    it('gives up a wait with the signal and after the time', async () => {
      const launch = act(place, ['hang', 'on']);
      await engine.launch(launch);
      await engine.waitForEnd([launch.key], 50);
      const enough = new AbortController();
      const waiting = engine.waitForEnd([launch.key], 20_000, enough.signal);
      enough.abort();
      await waiting;
      await engine.stop(launch.key, 1000);
    });

    it('forgets what is removed', async () => {
      const launch = act(place, ['exit', '0']);
      await engine.launch(launch);
      await end(engine, launch.key);
      await engine.remove(launch.key);
      expect(await observe(engine, launch.key)).toEqual({ state: 'unknown' });
      expect(await engine.readLog(launch.key, 'stdout', { maxBytes: 10 })).toBeUndefined();
      await engine.remove(launch.key);
    });

    it('refuses what cannot be a launch before anything runs', async () => {
      const broken: [Partial<Launch>, string][] = [
        [{ key: '../x' }, 'key'],
        [{ argv: [''] }, 'program'],
        [{ argv: ['x', 'a\0b'] }, 'NUL'],
        [{ env: { 'A B': '1' } }, 'variable'],
        [{ files: [{ path: '../up', bytes: ACT }] }, '../up'],
        [{ pathEnv: { X: '/etc' } }, '/etc'],
        [{ resources: { cpus: 1.5 } }, 'cpus'],
      ];
      for (const [fault, named] of broken) {
        await expect(engine.launch({ ...act(place, ['exit', '0']), ...fault })).rejects.toThrow(named);
      }
      await expect(engine.readFile('k', '../claim', { maxBytes: 1 })).rejects.toThrow(RangeError);
    });
  });
}
