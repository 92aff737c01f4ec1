/** Clusters: places where commands run. */

/** What starts commands there: `local` and `ssh` start processes, `slurm` and `torque` submit batch jobs. */
export const CLUSTER_TYPES = ['local', 'ssh', 'slurm', 'torque'] as const;
export type ClusterType = (typeof CLUSTER_TYPES)[number];

/** What the agent of a cluster is told about it: how its commands get there. */
export interface ClusterReach {
  readonly name: string;
  readonly type: ClusterType;
  /** Reached over OpenSSH; absent: this machine. */
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  /** A line in OpenSSH's format, `ssh-ed25519 AAAA…`. */
  readonly hostKey?: string;
  /** A path on the agent's machine. */
  readonly identity?: string;
  /** Working folders of executions are below. */
  readonly workdir: string;
  /** Executions at once; at least 1. */
  readonly slots: number;
}
