/** The engine of a cluster: what starts its commands, and how it is reached. */
import type { ClusterReach } from 'tutti/sdk';
import { ClusterEngine, type EngineKind } from './cluster-engine.js';
import type { Engine } from './engine.js';
import { LocalReach } from './reach/local.js';
import { SshReach } from './reach/ssh.js';

const KINDS: Readonly<Record<ClusterReach['type'], EngineKind>> = {
  local: 'process',
  ssh: 'process',
  slurm: 'slurm',
  torque: 'torque',
};

/** Throws `RangeError` for a cluster that cannot be as it is described. */
export function createEngine({
  type,
  host,
  port,
  user,
  hostKey = '',
  identity,
  workdir,
}: ClusterReach): Engine {
  const reach = host === undefined ? new LocalReach() : new SshReach({ host, port, user, hostKey, identity });
  return new ClusterEngine({ kind: KINDS[type], reach, workdir });
}
