/** The supervisor of managed agents, with a tiny program in the place of `tutti`. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { ManagedAgents, type ManagedAgentsDeps } from '../../src/server/agents.js';
import { startOf } from '../../src/store/process-info.js';

/** Says what it was started with, notes itself as an agent does once it may, and stays, unless the file `fail` is there. */
const PROGRAM = `
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
const [dir] = process.argv[1].split('/program.mjs');
const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
const stat = readFileSync('/proc/self/stat', 'utf8');
const started = boot + '.' + stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
const note = { pid: process.pid, started, control: process.env.TUTTI_CONTROL };
const noteLater = setInterval(() => {
  if (existsSync(dir + '/wait')) return;
  writeFileSync(process.argv[6] + '/agent.json', JSON.stringify(note));
  clearInterval(noteLater);
}, 5);
appendFileSync(dir + '/starts', JSON.stringify({ pid: process.pid, args: process.argv.slice(2),
  control: process.env.TUTTI_CONTROL, token: process.env.TUTTI_TOKEN, module: process.env.TUTTI_MODULE }) + '\\n');
if (existsSync(dir + '/fail')) process.exit(7);
setInterval(() => {}, 1000);
`;

interface Start {
  readonly pid: number;
  readonly args: readonly string[];
  readonly control: string;
  readonly token?: string;
}

class Bench {
  readonly dir = mkdtempSync(join(tmpdir(), 'tutti-agents-'));
  wanted: readonly string[] = ['local'];
  readonly #all: ManagedAgents[] = [];

  constructor() {
    writeFileSync(join(this.dir, 'program.mjs'), PROGRAM);
    onTestFinished(async () => {
      for (const each of this.#all) await each.stop();
      for (const { pid } of this.starts) if (await startOf(pid)) process.kill(pid, 'SIGKILL');
      rmSync(this.dir, { recursive: true, force: true });
    });
  }

  get starts(): readonly Start[] {
    const file = join(this.dir, 'starts');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Start);
  }

  supervise(over: Partial<ManagedAgentsDeps> = {}): ManagedAgents {
    const agents = new ManagedAgents({
      dir: join(this.dir, 'agents'),
      program: join(this.dir, 'program.mjs'),
      control: 'tcp://127.0.0.1:7400',
      token: 'secret',
      wanted: async () => this.wanted,
      logger: silentLogger,
      ...over,
    });
    this.#all.push(agents);
    agents.check();
    return agents;
  }

  async started(count: number): Promise<Start> {
    await expect.poll(() => this.starts.length).toBe(count);
    const start = this.starts.at(-1)!;
    const note = join(this.dir, 'agents', start.args[2]!, 'state/agent.json');
    await expect.poll(() => existsSync(note) && JSON.parse(readFileSync(note, 'utf8')).pid).toBe(start.pid);
    return start;
  }
}

const isRunning = async ({ pid }: Start) => (await startOf(pid)) !== undefined;

describe('the supervisor of managed agents', () => {
  it('starts an agent for each cluster, with the address and the token, and without what belongs to this process', async () => {
    const bench = new Bench();
    process.env.TUTTI_MODULE = 'mine';
    onTestFinished(() => {
      delete process.env.TUTTI_MODULE;
    });
    bench.supervise();
    const start = await bench.started(1);
    expect(start).toEqual({
      pid: start.pid,
      args: ['agent', '--cluster', 'local', '--state', join(bench.dir, 'agents/local/state')],
      control: 'tcp://127.0.0.1:7400',
      token: 'secret',
    });
  });

  it('starts an agent that ended again', async () => {
    const bench = new Bench();
    bench.supervise();
    const first = await bench.started(1);
    process.kill(first.pid, 'SIGKILL');
    const second = await bench.started(2);
    expect(second.pid).not.toBe(first.pid);
  });

  it('finds the agent of its predecessor, and replaces one that dials another address', async () => {
    const bench = new Bench();
    const predecessor = bench.supervise();
    const first = await bench.started(1);
    writeFileSync(join(bench.dir, 'agents/local/state/x.execution'), '');
    await predecessor.stop();
    expect(await isRunning(first)).toBe(true);

    const successor = bench.supervise();
    process.kill(first.pid, 'SIGKILL');
    const second = await bench.started(2);
    await successor.stop();
    expect(await isRunning(second)).toBe(true);

    bench.supervise({ control: 'tcp://127.0.0.1:9999' });
    const third = await bench.started(3);
    expect(third.control).toBe('tcp://127.0.0.1:9999');
    expect(await isRunning(second)).toBe(false);
  });

  it('finds an agent that its predecessor did not live to see begin', async () => {
    const bench = new Bench();
    writeFileSync(join(bench.dir, 'wait'), '');
    const predecessor = bench.supervise();
    await expect.poll(() => bench.starts.length).toBe(1);
    const [first] = bench.starts;
    writeFileSync(join(bench.dir, 'agents/local/state/x.execution'), '');
    await predecessor.stop();
    rmSync(join(bench.dir, 'wait'));
    await bench.started(1);

    const said: unknown[] = [];
    const info = (...words: unknown[]): void => void said.push(words.at(-1));
    bench.supervise({ logger: Object.assign(Object.create(silentLogger), { info }) });
    await expect.poll(() => said).toEqual(['the agent of cluster local is still there']);
    expect(bench.starts).toHaveLength(1);
    expect(await isRunning(first!)).toBe(true);
  });

  it('ends an agent without work that has not begun yet when it stops', async () => {
    const bench = new Bench();
    writeFileSync(join(bench.dir, 'wait'), '');
    const agents = bench.supervise();
    await expect.poll(() => bench.starts.length).toBe(1);
    await agents.stop();
    expect(await isRunning(bench.starts[0]!)).toBe(false);
  });

  it('leaves an agent that has work when it stops, and ends one that has none', async () => {
    const bench = new Bench();
    bench.wanted = ['busy', 'idle'];
    const agents = bench.supervise();
    await expect.poll(() => bench.starts.length).toBe(2);
    const of = (name: string) => bench.starts.find(({ args }) => args[2] === name)!;
    for (const name of bench.wanted)
      await expect.poll(() => existsSync(join(bench.dir, 'agents', name, 'state/agent.json'))).toBe(true);
    writeFileSync(join(bench.dir, 'agents/busy/state/x.execution'), '');
    await agents.stop();
    expect(await isRunning(of('busy'))).toBe(true);
    expect(await isRunning(of('idle'))).toBe(false);
  });

  it('ends the agent of a cluster that is gone, and removes its folder', async () => {
    const bench = new Bench();
    const agents = bench.supervise();
    const start = await bench.started(1);
    bench.wanted = [];
    agents.check();
    await expect.poll(() => existsSync(join(bench.dir, 'agents/local'))).toBe(false);
    expect(await isRunning(start)).toBe(false);
  });

  it('waits longer each time before it starts an agent that cannot stay', async () => {
    const bench = new Bench();
    writeFileSync(join(bench.dir, 'fail'), '');
    const begun = performance.now();
    bench.supervise();
    await expect.poll(() => bench.starts.length).toBe(3);
    expect(performance.now() - begun).toBeGreaterThan(1_400);
  });
});
