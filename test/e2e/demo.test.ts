/** The demonstration as a newcomer runs it: it leaves nothing behind, however it ends. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Scene, type Spawned } from '../support/processes.js';

const DEMO = join(import.meta.dirname, '../../dist/src/cli/demo/main.js');

interface Demo {
  readonly process: Spawned;
  /** Its processes besides itself, by what they run. */
  others(): Promise<readonly { readonly pid: number; readonly command: string }[]>;
  /** What it has left of its data. */
  files(): Promise<readonly string[]>;
}

/** Whatever it starts inherits the folder in which it keeps its data, and is known by it. */
async function demo(...args: readonly string[]): Promise<Demo> {
  const scene = Scene.ofTest();
  const folder = await scene.directory();
  const process = scene.spawn([DEMO, ...args], { TMPDIR: folder });
  const others: Demo['others'] = async () => {
    const pids = (await readdir('/proc')).filter(
      (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
    );
    const found = await Promise.all(
      pids.map(async (pid) => {
        const read = (name: string): Promise<string> =>
          readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
        const isOurs = (await read('environ')).split('\0').includes(`TMPDIR=${folder}`);
        return isOurs ? [{ pid: Number(pid), command: (await read('cmdline')).replaceAll('\0', ' ') }] : [];
      }),
    );
    return found.flat();
  };
  return { process, others, files: () => readdir(folder) };
}

const nodes = async ({ others }: Demo): Promise<number> =>
  (await others()).filter(({ command }) => /^node .*\/node\.js $/.test(command)).length;

describe('npm run demo', () => {
  it('solves its problem twice with --once, and leaves nothing behind', async () => {
    const { process, others, files } = await demo('--once');
    expect(await process.exited).toEqual({ code: 0, signal: null });
    expect(process.stdout).toMatch(/carbon_footprint .*energy/);
    expect(process.stdout).toMatch(/asked for a lower footprint and got \d+ % less/);
    expect([await others(), await files()]).toEqual([[], []]);
  });

  it('leaves nothing behind when it is interrupted at its work', async () => {
    const shown = await demo();
    await shown.process.line('Watch it live: ');
    expect(await nodes(shown)).toBe(6);
    expect(await shown.process.end('SIGINT')).toEqual({ code: 0, signal: null });
    expect(shown.process.stderr).toBe('');
    expect([await shown.others(), await shown.files()]).toEqual([[], []]);
  });

  it('leaves nothing behind when its orchestrator is killed, and says so', async () => {
    const shown = await demo();
    await shown.process.line('Watch it live: ');
    const orchestrator = (await shown.others()).find(({ command }) => / up --data /.test(command));
    process.kill(orchestrator!.pid, 'SIGKILL');
    expect(await shown.process.exited).toEqual({ code: 1, signal: null });
    expect(shown.process.stderr).toContain('error: the orchestrator ended by itself (SIGKILL)');
    expect([await shown.others(), await shown.files()]).toEqual([[], []]);
  });
});
