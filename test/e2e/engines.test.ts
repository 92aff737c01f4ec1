/**
 * The engines against the real thing: processes of this machine, a real Slurm and its Torque commands, each on this machine and
 * behind a real sshd.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ClusterEngine, type EngineKind } from '../../nodes/agent/cluster-engine.js';
import type { Engine } from '../../nodes/agent/engine.js';
import { LocalReach } from '../../nodes/agent/reach/local.js';
import { type SshOptions, SshReach } from '../../nodes/agent/reach/ssh.js';
import type { Reach } from '../../nodes/agent/reach.js';
import {
  act,
  end,
  engineContract,
  log,
  observe,
  type Place,
  startAndRead,
} from '../nodes/agent/engine-contract.js';
import { Scene } from '../support/processes.js';
import { hasSlurm, Slurm } from '../support/slurm.js';
import { hasSshd, type Sshd, startSshd } from '../support/sshd.js';

const scene = Scene.ofFile();
const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
const folder = once(() => scene.directory());
const slurm = once(async () => {
  const started = await Slurm.start(scene);
  // Its commands on this machine find it so.
  Object.assign(process.env, started.env);
  return started;
});
const sshd = once(async () => startSshd(scene, hasSlurm ? (await slurm()).env : {}));

function numbered(path: string): number[] {
  return readdirSync(path)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Whether a living process has this in its arguments or its environment. */
function names(pid: number, text: string): boolean {
  try {
    if (/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return false;
    return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(text));
  } catch {
    return false;
  }
}

async function openPlace(kind: EngineKind, reach: () => Promise<Reach>, name: string): Promise<Place> {
  if (kind !== 'process') await slurm();
  const root = join(await folder(), name);
  await mkdir(root);
  const journal = join(root, 'journal');
  await writeFile(journal, '');
  // A workdir with a space, which no shell may split.
  const options = { kind, workdir: join(root, 'work dir') };
  const open = async (): Promise<Engine> => {
    const engine = new ClusterEngine({ ...options, reach: await reach() });
    scene.atEnd(() => engine.close());
    return engine;
  };
  const [engine, other] = [await open(), await open()];
  return {
    engine,
    again: () => other,
    starts: async (key) =>
      (await readFile(journal, 'utf8')).split('\n').filter((line) => line === key).length,
    processes: async (key) => numbered('/proc').filter((pid) => names(pid, key)).length,
    env: { JOURNAL: journal },
  };
}

const ssh = async (options: Partial<SshOptions> = {}) => new SshReach({ ...(await sshd()), ...options });
const local = async () => new LocalReach();

for (const kind of ['process', 'slurm', 'torque'] as const) {
  describe.skipIf(kind !== 'process' && !hasSlurm)(
    `${kind}${hasSlurm ? '' : ' (needs slurm-wlm as root)'}`,
    () => {
      engineContract(`${kind} on this machine`, () => openPlace(kind, local, `${kind}-local`));
      describe.skipIf(!hasSshd)(`over ssh${hasSshd ? '' : ' (needs openssh-server as root)'}`, () => {
        const extent = kind === 'process' ? 'all' : 'through';
        engineContract(`${kind} over ssh`, () => openPlace(kind, ssh, `${kind}-ssh`), extent);
      });
    },
  );
}

describe('a process whose wrapper is gone', () => {
  it('is still running while the command runs, is lost after it, and can be stopped', async () => {
    const place = await openPlace('process', local, 'orphans');
    const launch = act(place, ['hang', 'on']);
    const { engineId } = await startOrphan(place, launch);
    expect(await observe(place.engine, launch.key)).toMatchObject({ state: 'running', engineId });
    await place.engine.stop(launch.key, 2000);
    expect(await observe(place.engine, launch.key)).toMatchObject({ state: 'ended', reason: 'stopped' });
    expect(await place.processes(launch.key)).toBe(0);

    const lost = act(place, ['hang', 'on']);
    await startOrphan(place, lost);
    for (const pid of numbered('/proc').filter((id) => names(id, lost.key))) process.kill(pid, 'SIGKILL');
    await expect
      .poll(() => observe(place.engine, lost.key))
      .toMatchObject({ state: 'ended', reason: 'lost', startedAt: expect.any(Number) });
    expect(await place.starts(lost.key)).toBe(1);
  });

  async function startOrphan(place: Place, launch: ReturnType<typeof act>): Promise<{ engineId: string }> {
    await startAndRead(place.engine, launch, 'on\n');
    const observed = await observe(place.engine, launch.key);
    if (observed.state !== 'running') throw new Error('it does not run');
    process.kill(Number(observed.engineId), 'SIGKILL');
    return observed;
  }
});

it('does not take a process that got the same number for the command', async () => {
  const place = await openPlace('process', local, 'reused');
  const launch = act(place, ['exit', '0']);
  await place.engine.launch(launch);
  await end(place.engine, launch.key);
  // The record of a wrapper with the number of this process, and a start that is not its own.
  const attempt = join(await folder(), 'reused', 'work dir', launch.key);
  const [id, host, , , boot, begun] = (await readFile(join(attempt, 'claim'), 'utf8')).trim().split(' ');
  await rename(join(attempt, 'end'), join(attempt, 'end.away'));
  await writeFile(join(attempt, 'claim'), `${id} ${host} ${process.pid} 1 ${boot} ${begun}\n`);
  await writeFile(join(attempt, 'command'), `${process.pid} 1\n`);
  expect(await observe(place.engine, launch.key)).toMatchObject({ state: 'ended', reason: 'lost' });
  await place.engine.stop(launch.key, 100);
  expect(await observe(place.engine, launch.key)).toMatchObject({ state: 'ended', reason: 'stopped' });
});

it('gives no command the settings of the agent', async () => {
  const place = await openPlace('process', local, 'settings');
  process.env.TUTTI_TOKEN = 'secret';
  const launch = act(place, ['variables', 'TUTTI_TOKEN']);
  await place.engine.launch(launch);
  delete process.env.TUTTI_TOKEN;
  await end(place.engine, launch.key);
  expect(await log(place.engine, launch.key)).toBe('\0');
});

it('says which program is missing', async () => {
  const bin = join(await folder(), 'bin');
  await mkdir(bin);
  const path = process.env.PATH!;
  for (const name of [
    'sh',
    'head',
    'mkdir',
    'setsid',
    'tar',
    'awk',
    'grep',
    'cut',
    'date',
    'mktemp',
    'tail',
    'stat',
    'timeout',
    'ln',
  ]) {
    const found = path.split(delimiter).find((directory) => existsSync(join(directory, name)));
    await symlink(join(found!, name), join(bin, name));
  }
  const engine = new ClusterEngine({ kind: 'slurm', reach: new LocalReach(), workdir: bin });
  process.env.PATH = bin;
  try {
    await expect(engine.probe()).rejects.toMatchObject({
      name: 'EngineUnavailable',
      code: 'missing_command',
      message: expect.stringContaining('sbatch'),
    });
  } finally {
    process.env.PATH = path;
  }
});

it('says that it cannot write the workdir', async () => {
  const engine = new ClusterEngine({ kind: 'process', reach: new LocalReach(), workdir: '/proc/tutti' });
  await expect(engine.probe()).rejects.toMatchObject({ name: 'EngineUnavailable', code: 'workdir' });
});

describe.skipIf(!hasSshd)(`ssh${hasSshd ? '' : ' (needs openssh-server as root)'}`, () => {
  const probe = async (options: (server: Sshd) => Partial<SshOptions>) => {
    const reach = await ssh(options(await sshd()));
    const engine = new ClusterEngine({ kind: 'process', reach, workdir: join(await folder(), 'probed') });
    return engine.probe().finally(() => engine.close());
  };

  it('refuses a host with another key than the pinned one', async () => {
    await expect(probe(({ stranger }) => ({ hostKey: stranger.hostKey }))).rejects.toMatchObject({
      code: 'host_key',
    });
  });

  it('says that the login is refused', async () => {
    await expect(probe(({ stranger }) => ({ identity: stranger.identity }))).rejects.toMatchObject({
      code: 'login_refused',
    });
  });

  it('says that there is no connection', async () => {
    await expect(probe(() => ({ port: 1 }))).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('logs in once for many requests at a time, and again after the connection was cut', async () => {
    const server = await sshd();
    const logins = () => server.process.stderr.split('Accepted publickey').length - 1;
    const before = logins();
    const reach = await ssh();
    const engine = new ClusterEngine({ kind: 'process', reach, workdir: join(await folder(), 'many') });
    scene.atEnd(() => engine.close());
    await Promise.all(Array.from({ length: 20 }, () => engine.observe(['nobody'])));
    expect(logins() - before).toBe(1);
    await reach.close();
    await engine.observe(['nobody']);
    expect(logins() - before).toBe(2);
  });

  it('leaves no connection behind when its process is killed', async () => {
    const module = new URL('../../dist/nodes/agent/reach/ssh.js', import.meta.url).href;
    const program = `
      const { SshReach } = await import(${JSON.stringify(module)});
      const reach = new SshReach(${JSON.stringify({ ...(await sshd()), process: undefined })});
      const shell = await reach.start('echo here; cat');
      shell.stdout.pipe(process.stdout);`;
    const mark = { SSH_TEST_MARK: join(await folder(), 'killed') };
    const killed = scene.spawn(['--input-type=module', '-e', program], mark);
    await killed.line('here');
    const clients = () => numbered('/proc').filter((pid) => names(pid, mark.SSH_TEST_MARK));
    expect(clients().length).toBeGreaterThan(1);
    await killed.end('SIGKILL');
    await expect.poll(clients).toEqual([]);
  });
});

describe.skipIf(!hasSlurm)(`Slurm${hasSlurm ? '' : ' (needs slurm-wlm as root)'}`, () => {
  it('ends nothing while the controller is away, and goes on when it is back', async () => {
    const controller = await slurm();
    const places = await Promise.all(
      (['slurm', 'torque'] as const).map((kind) => openPlace(kind, local, `${kind}-away`)),
    );
    const both = <T>(deed: (place: Place, index: number) => Promise<T>): Promise<T[]> =>
      Promise.all(places.map(deed));
    const commands = places.map((place) => ({
      runs: act(place, ['hang', 'on']),
      ends: act(place, ['exit', '4']),
      late: act(place, ['exit', '5']),
    }));
    await both(async ({ engine }, index) => {
      const { runs, ends } = commands[index]!;
      await startAndRead(engine, runs, 'on\n');
      await engine.launch(ends);
      await end(engine, ends.key);
    });
    await controller.stopController();
    Object.assign(process.env, controller.impatient);
    // Its shells have the settings of now.
    await both(async ({ again }, index) => {
      const engine = again();
      const { runs, ends, late } = commands[index]!;
      await Promise.all([
        expect(engine.observe([runs.key])).rejects.toMatchObject({ code: 'silent' }),
        expect(engine.launch(late)).rejects.toMatchObject({ code: 'silent' }),
      ]);
      // What has written its end needs no controller.
      expect(await observe(engine, ends.key)).toMatchObject({ state: 'ended', exitCode: 4 });
    });
    await controller.startController();
    Object.assign(process.env, controller.env);
    await both(async (place, index) => {
      const { engine } = place;
      const { runs, late } = commands[index]!;
      await expect.poll(() => observe(engine, runs.key).catch(String)).toMatchObject({ state: 'running' });
      await engine.launch(late);
      expect(await end(engine, late.key)).toMatchObject({ exitCode: 5 });
      await engine.stop(runs.key, 1000);
      expect([await place.starts(late.key), await place.starts(runs.key)]).toEqual([1, 1]);
    });
  });

  for (const kind of ['slurm', 'torque'] as const) {
    it(`${kind} tells a job that somebody else cancelled, and one that can never run`, async () => {
      const place = await openPlace(kind, local, `${kind}-outside`);
      const launch = act(place, ['hang', 'on']);
      await startAndRead(place.engine, launch, 'on\n');
      const observed = await observe(place.engine, launch.key);
      if (observed.state !== 'running') throw new Error('it does not run');
      await (await slurm()).command(kind === 'slurm' ? 'scancel' : 'qdel', observed.engineId);
      await expect
        .poll(() => observe(place.engine, launch.key), { timeout: 20_000 })
        .toMatchObject({ state: 'ended', reason: 'cancelled_outside' });
      await expect(
        place.engine.launch(act(place, ['exit', '0'], { resources: { gpus: 4 } })),
      ).rejects.toMatchObject({ name: 'EngineRefused' });
    });

    it(`${kind} has a queue, and a job in it can be stopped`, async () => {
      const place = await openPlace(kind, local, `${kind}-queue`);
      const [holds, waits] = [
        act(place, ['hang', 'on'], { resources: { cpus: 8 } }),
        act(place, ['exit', '0'], { resources: { cpus: 8 } }),
      ];
      await startAndRead(place.engine, holds, 'on\n');
      const { engineId } = await place.engine.launch(waits);
      expect(await observe(place.engine, waits.key)).toEqual({ state: 'submitted', engineId });
      await place.engine.stop(waits.key, 1000);
      expect(await observe(place.engine, waits.key)).toMatchObject({
        state: 'ended',
        engineId,
        reason: 'stopped',
      });
      await place.engine.stop(holds.key, 1000);
      expect(await place.starts(waits.key)).toBe(0);
    });
  }
});
