/** A log that cannot be written, in every way that a system knows: the orchestrator, a node and the command line go on. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { graphFile, type Ready, TUTTI } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { tutti } from '../support/tutti.js';

const PORTS = ['http', 'control', 'outputs', 'events'].flatMap((name) => [`--${name}-port`, '0']);

interface Up {
  readonly child: ChildProcess;
  readonly ready: Ready;
}

/** An orchestrator whose stderr is what the shell's `redirection` makes of it; `before` is said to the shell first. */
async function up(scene: Scene, redirection: string, before = '', data?: string): Promise<Up> {
  const args = [
    'up',
    '--data',
    data ?? (await scene.directory()),
    '--graph',
    graphFile('one'),
    '--log-level',
    'trace',
  ];
  const command = [process.execPath, TUTTI, ...args, ...PORTS].map((each) => `'${each}'`).join(' ');
  const child = spawn('bash', ['-c', `${before}exec ${command} ${redirection}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  scene.atEnd(async () => {
    child.kill('SIGKILL');
    child.stderr!.resume();
    await exited;
  });
  for await (const line of createInterface({ input: child.stdout! }))
    if (line.startsWith('ready ')) return { child, ready: JSON.parse(line.slice('ready '.length)) as Ready };
  throw new Error('it ended without being ready');
}

/** One request that is not HTTP: it is refused, which is a line in the log. */
async function nonsense(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.end('nonsense\r\n\r\n');
  let answer = '';
  for await (const piece of socket) answer += String(piece);
  return answer;
}

/** A file system in memory, of its own. */
async function mounted(scene: Scene, options: string): Promise<string> {
  const folder = await scene.directory();
  await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', options, 'tutti-test', folder]);
  // Lazily: what still has a file open there is ended by the scene, too.
  scene.atEnd(() => promisify(execFile)('umount', ['-l', folder]));
  return folder;
}

/** Of the files that it writes, in bytes. */
async function limit({ child }: Up, bytes: number | 'unlimited'): Promise<void> {
  await promisify(execFile)('prlimit', [`--fsize=${bytes}:`, '--pid', String(child.pid)]);
}

/** The last of a file. */
async function tail(path: string): Promise<string> {
  const file = await open(path);
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(10_000), 0, 10_000, size - 10_000);
  await file.close();
  return buffer.subarray(0, bytesRead).toString();
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

async function worksAndEnds({ child, ready }: Up): Promise<void> {
  expect(await nonsense(ready.http)).toContain('bad_request');
  const unknown = await fetch(`${ready.http}/v1/problems/x`);
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({ error: { code: expect.any(String) } });
  const body = JSON.stringify({ graph: 'one', input: {} });
  const headers = { 'content-type': 'application/json' };
  expect((await fetch(`${ready.http}/v1/problems`, { method: 'POST', body, headers })).status).toBe(201);
  expect((await fetch(`${ready.http}/readyz`)).status).toBe(200);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
}

describe('a log that cannot be written', () => {
  it.each([
    ['a full disk', '2>/dev/full', ''],
    ['closed', '2>&-', ''],
    ['a pipe whose reader is gone', '2> >(exec true)', ''],
    ['opened for reading only', '2</dev/null', ''],
    ['a directory', '2</tmp', ''],
  ])('takes nothing down when it is %s', async (_name, redirection, before) => {
    await worksAndEnds(await up(Scene.ofTest(), redirection, before));
  });

  it('is counted, and takes nothing down, when its file has reached the size that a limit allows', async () => {
    const scene = Scene.ofTest();
    const file = join(await scene.directory(), 'log');
    // Larger than the store, which the limit is not about here.
    await writeFile(file, '');
    await truncate(file, 256 * 1024 * 1024);
    const started = await up(scene, `2>>'${file}'`);
    await limit(started, (await stat(file)).size + 10);
    await nonsense(started.ready.http);
    await expect.poll(() => metric(started.ready.http, 'tutti_log_write_errors_total')).toBeGreaterThan(0);
    await limit(started, 'unlimited');
    await expect.poll(() => tail(file)).toContain('"refused"');
    await worksAndEnds(started);
  });

  it('may be a pipe that nobody reads: what does not fit is dropped, counted and mentioned', async () => {
    const scene = Scene.ofTest();
    const started = await up(scene, '');
    const { http } = started.ready;
    // Debug lines: one for each request, and each as long as its address.
    const address = `${http}/v1/${'x'.repeat(7_000)}`;
    while ((await metric(http, 'tutti_log_lines_dropped_total')) === 0)
      await Promise.all(Array.from({ length: 100 }, () => fetch(address).then((reply) => reply.text())));
    expect((await fetch(`${http}/livez`)).status).toBe(200);
    let text = '';
    started.child.stderr!.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    await expect.poll(() => text, { timeout: 30_000 }).toMatch(/"lines_dropped":[1-9]/);
    await worksAndEnds(started);
  }, 240_000);

  it('may be a socket, as under a service manager: every line arrives', async () => {
    const scene = Scene.ofTest();
    const started = await up(scene, '');
    let text = '';
    started.child.stderr!.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    await worksAndEnds(started);
    await expect.poll(() => text).toContain('"refused"');
  });

  it('may share a full disk with the data: what is stored is read, requests get 503, and all goes on once there is room', async (ctx) => {
    if (process.getuid?.() !== 0) return ctx.skip('needs root, to mount a small file system');
    const scene = Scene.ofTest();
    const disk = await mounted(scene, 'size=96m');
    const started = await up(scene, `2>>'${join(disk, 'log')}'`, '', join(disk, 'data'));
    const { http } = started.ready;
    const filling = await open(join(disk, 'filling'), 'w');
    while ((await filling.write(Buffer.alloc(65_536)).catch(() => undefined)) !== undefined);
    await filling.close();
    const body = JSON.stringify({ graph: 'one', input: { filling: 'x'.repeat(60_000) } });
    const headers = { 'content-type': 'application/json' };
    const submit = () =>
      fetch(`${http}/v1/problems`, { method: 'POST', body, headers, signal: AbortSignal.timeout(5_000) });
    let refused: Response | undefined;
    while (refused === undefined) {
      const reply = await submit().catch(() => undefined);
      if (reply?.status === 503) refused = reply;
      expect(await nonsense(http)).toContain('bad_request');
    }
    expect(await refused.json()).toMatchObject({ error: { code: 'store_full' } });
    expect((await fetch(`${http}/v1/problems`)).status).toBe(200);
    await expect.poll(() => metric(http, 'tutti_log_write_errors_total')).toBeGreaterThan(0);
    await rm(join(disk, 'filling'));
    await expect.poll(async () => (await fetch(`${http}/readyz`)).status, { timeout: 30_000 }).toBe(200);
    await expect.poll(() => tail(join(disk, 'log'))).toContain('the store works again');
    await worksAndEnds(started);
  });

  it('a log and data on a read-only disk are refused with a code', async (ctx) => {
    if (process.getuid?.() !== 0) return ctx.skip('needs root, to mount a small file system');
    const scene = Scene.ofTest();
    const disk = await mounted(scene, 'size=96m');
    const { child, ready } = await up(scene, '2>/dev/null', '', join(disk, 'data'));
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    await promisify(execFile)('mount', ['-o', 'remount,ro', disk]);
    const again = await tutti(scene, ['up', '--data', ready.data, ...PORTS]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/\((data_dir|store)_unusable\)/)]);
    expect(await tutti(scene, ['check', ready.data])).toMatchObject({ code: 0 });
  });

  it('takes no node down', async () => {
    const scene = Scene.ofTest();
    const full = openSync('/dev/full', 'w');
    scene.atEnd(() => closeSync(full));
    const script = `
      import { node } from 'tutti/sdk';
      const running = await node('m', () => ({}), { instance: 'i', control: 'tcp://127.0.0.1:1' });
      void running.start().catch(() => {});
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), 500);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: join(import.meta.dirname, '../..'),
      stdio: ['ignore', 'ignore', full],
    });
    scene.atEnd(() => child.kill('SIGKILL'));
    // Ended by its signal handler: a failed write would have ended it with 1 before.
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('the output of a command', () => {
  it('command output that cannot be written is a failure with a code', async () => {
    const child = spawn('bash', ['-c', `'${process.execPath}' '${TUTTI}' doctor --json >/dev/full`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(1);
    expect(text).toContain('(output_failed)');
  });

  it('ends no orchestrator that cannot say that it is ready', async () => {
    const scene = Scene.ofTest();
    const data = await scene.directory();
    const command = [process.execPath, TUTTI, 'up', '--data', data, ...PORTS].map((each) => `'${each}'`);
    const child = spawn('bash', ['-c', `exec ${command.join(' ')} >/dev/full`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(child, 'exit');
    scene.atEnd(async () => {
      child.kill('SIGKILL');
      await exited;
    });
    for await (const line of createInterface({ input: child.stderr! }))
      if (line.includes('output_failed')) break;
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
