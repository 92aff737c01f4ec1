/** A real Slurm of one node on loopback, with its Torque commands; without munge, cgroups, systemd and accounting. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './sshd.js';

const run = promisify(execFile);
/** How long its commands wait for a controller that does not answer: as long as a busy machine may take. */
const PATIENCE_S = 5;
const READY_MS = 30_000;
const AGAIN_MS = 50;

/** What a test has started: a `Scene`, or what stands for it outside of vitest. */
export interface Stage {
  atEnd(undo: () => unknown): void;
  spawn(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    cwd: string | undefined,
    program: string,
  ): { end(signal: NodeJS.Signals): Promise<unknown> };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (
    const deadline = performance.now() + READY_MS;
    !(await holds().catch(() => false));
    await delay(AGAIN_MS)
  )
    if (performance.now() > deadline) throw new Error('Slurm is not ready in time');
}

/** slurmd only runs as root. */
export const hasSlurm: boolean =
  ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/sbatch', '/usr/bin/qsub'].every(existsSync) &&
  process.getuid?.() === 0;

function endIfOf(pid: number, folder: string): void {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    if (pid !== process.pid && environment.includes(`SLURM_CONF=${join(folder, 'slurm.conf')}`))
      process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}

export class Slurm {
  /** What its commands need in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The same for commands that are to find out soon that the controller is away. */
  readonly impatient: Readonly<Record<string, string>>;
  readonly #stage: Stage;
  #controller: ReturnType<Stage['spawn']> | undefined;

  private constructor(stage: Stage, folder: string) {
    this.#stage = stage;
    this.env = { SLURM_CONF: join(folder, 'slurm.conf') };
    this.impatient = { SLURM_CONF: join(folder, 'impatient.conf') };
  }

  static async start(stage: Stage): Promise<Slurm> {
    const folder = await mkdtemp(join(tmpdir(), 'tutti-slurm-'));
    stage.atEnd(() => rm(folder, { recursive: true, force: true }));
    // Jobs outlive slurmd: what still carries the folder of this Slurm in its environment belongs to it.
    stage.atEnd(() => {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
        endIfOf(Number(pid), folder);
    });
    for (const name of ['state', 'spool']) await mkdir(join(folder, name));
    const node = hostname().split('.')[0]!;
    const [controllerPort, nodePort] = [await freePort(), await freePort()];
    const configuration = [
      ...['ClusterName=tutti', `SlurmctldHost=${node}(127.0.0.1)`, 'SlurmUser=root', 'SlurmdUser=root'],
      ...[
        `SlurmctldPort=${controllerPort}`,
        `SlurmdPort=${nodePort}`,
        'AuthType=auth/none',
        'CredType=cred/none',
      ],
      ...[`StateSaveLocation=${join(folder, 'state')}`, `SlurmdSpoolDir=${join(folder, 'spool')}`],
      ...[`SlurmctldPidFile=${join(folder, 'slurmctld.pid')}`, `SlurmdPidFile=${join(folder, 'slurmd.pid')}`],
      ...[
        'ProctrackType=proctrack/linuxproc',
        'TaskPlugin=task/none',
        'JobAcctGatherType=jobacct_gather/none',
      ],
      ...['SelectType=select/cons_tres', 'SelectTypeParameters=CR_CPU', 'SlurmdParameters=config_overrides'],
      ...['MpiDefault=none', 'MailProg=/bin/true', 'ReturnToService=2', 'KillWait=5', 'InactiveLimit=0'],
      // Jobs start and end at once, and a silent controller is noticed soon.
      ...[
        'SchedulerParameters=sched_min_interval=1,batch_sched_delay=0',
        `MessageTimeout=${PATIENCE_S}`,
        'CompleteWait=0',
      ],
      `NodeName=${node} NodeAddr=127.0.0.1 CPUs=8 RealMemory=1000 State=UNKNOWN`,
      'PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverTimeLimit=1',
    ].join('\n');
    await writeFile(join(folder, 'slurm.conf'), configuration);
    await writeFile(
      join(folder, 'impatient.conf'),
      configuration.replace(`MessageTimeout=${PATIENCE_S}`, 'MessageTimeout=1'),
    );
    const slurm = new Slurm(stage, folder);
    await slurm.startController();
    stage.spawn(['-D', '-N', node], slurm.env, undefined, '/usr/sbin/slurmd');
    await until(async () => (await slurm.command('sinfo', '-h', '-o', '%t')).trim() === 'idle');
    return slurm;
  }

  /** Runs one of its commands and returns what it printed. */
  async command(program: string, ...args: string[]): Promise<string> {
    return (await run(program, args, { env: { ...process.env, ...this.env } })).stdout;
  }

  async startController(): Promise<void> {
    this.#controller = this.#stage.spawn(['-D'], this.env, undefined, '/usr/sbin/slurmctld');
    await until(async () => (await this.command('scontrol', 'ping')) !== '');
  }

  /** As `systemctl stop slurmctld` does: jobs run on. */
  async stopController(): Promise<void> {
    await this.#controller?.end('SIGTERM');
  }
}
