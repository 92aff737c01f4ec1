/** The engine of a cluster: what starts its commands, and how it is reached. */
import { ClusterEngine, type EngineKind } from './cluster-engine.js';
import type { Engine } from './engine.js';
import { LocalReach } from './reach/local.js';
import { SshReach } from './reach/ssh.js';

/** As the orchestrator's welcome tells it. */
export interface Reach {
  readonly name: string;
  readonly type: 'local' | 'ssh' | 'slurm' | 'torque';
  /** Absent: this machine. */
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly hostKey?: string;
  readonly identity?: string;
  readonly workdir: string;
  readonly slots: number;
}

const KINDS: Readonly<Record<Reach['type'], EngineKind>> = {
  local: 'process',
  ssh: 'process',
  slurm: 'slurm',
  torque: 'torque',
};

/** Throws `RangeError` for a cluster that cannot be as it is described. */
export function createEngine({ type, host, port, user, hostKey = '', identity, workdir }: Reach): Engine {
  const reach = host === undefined ? new LocalReach() : new SshReach({ host, port, user, hostKey, identity });
  return new ClusterEngine({ kind: KINDS[type], reach, workdir });
}
