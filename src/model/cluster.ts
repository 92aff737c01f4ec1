/** Clusters: the places where commands run, as they are stored. */

/** The engine: `local` and `ssh` start processes, `slurm` and `torque` submit batch jobs. */
export const CLUSTER_TYPES = ['local', 'ssh', 'slurm', 'torque'] as const;
export type ClusterType = (typeof CLUSTER_TYPES)[number];

/** `inactive` and `draining` clusters get no new work; what runs there goes on. */
export const CLUSTER_STATUSES = ['active', 'inactive', 'draining'] as const;
export type ClusterStatus = (typeof CLUSTER_STATUSES)[number];

/** `managed`: the orchestrator keeps the agent running. `remote`: somebody starts it, and it dials out. */
export const AGENT_KINDS = ['managed', 'remote'] as const;
export type AgentKind = (typeof AGENT_KINDS)[number];

/**
 * `not_needed`: this machine's agent, which the orchestrator starts with the first graph that has a command; there is none yet.
 */
export const AGENT_STATES = ['online', 'offline', 'not_needed'] as const;
export type AgentState = (typeof AGENT_STATES)[number];

/** The cluster that exists from the start: this machine. */
export const LOCAL_CLUSTER = 'local';

/** The total amount of each resource; an absent one is not limited. */
export interface ClusterResources {
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly gpus?: number;
}

export interface Cluster {
  /** It is also the instance of the cluster's agent. */
  readonly name: string;
  readonly type: ClusterType;
  readonly status: ClusterStatus;
  /** Absent: the agent's own machine. */
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  /** A line in OpenSSH's format: `ssh-ed25519 AAAA…`. */
  readonly hostKey?: string;
  /** A path on the agent's machine. */
  readonly identity?: string;
  /** The folder below which executions have their working folders; a relative one is in the user's home. */
  readonly workdir: string;
  /** Executions at the same time. */
  readonly slots: number;
  /** Absent: as the agent finds them. */
  readonly resources?: ClusterResources;
  readonly labels: Readonly<Record<string, string>>;
  readonly agent: AgentKind;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** As much of a cluster as its agent needs to get to it. */
export type ClusterReach = Pick<
  Cluster,
  'name' | 'type' | 'host' | 'port' | 'user' | 'hostKey' | 'identity' | 'workdir' | 'slots'
>;

/** A cluster in the words of the public surface. */
export interface ClusterFields {
  readonly name: string;
  readonly type: ClusterType;
  readonly status: ClusterStatus;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly host_key?: string | undefined;
  readonly identity?: string | undefined;
  readonly workdir: string;
  readonly slots: number;
  readonly resources?: ResourceFields | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly agent: AgentKind;
}

/** `memory` in bytes. */
export interface ResourceFields {
  readonly cpus?: number | undefined;
  readonly memory?: number | undefined;
  readonly gpus?: number | undefined;
}

export function clusterFields(cluster: Omit<Cluster, 'createdAt'>): ClusterFields {
  const { name, type, status, host, port, user, hostKey, identity } = cluster;
  const { workdir, slots, resources, labels, agent } = cluster;
  return {
    ...{ name, type, status },
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(user !== undefined && { user }),
    ...(hostKey !== undefined && { host_key: hostKey }),
    ...(identity !== undefined && { identity }),
    ...{ workdir, slots },
    ...(resources && { resources: resourceFields(resources) }),
    ...{ labels, agent },
  };
}

export function clusterFromFields(fields: ClusterFields): Omit<Cluster, 'createdAt'> {
  const { name, type, status, host, port, user, host_key: hostKey, identity } = fields;
  const { workdir, slots, resources, labels, agent } = fields;
  return {
    ...{ name, type, status },
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(user !== undefined && { user }),
    ...(hostKey !== undefined && { hostKey }),
    ...(identity !== undefined && { identity }),
    ...{ workdir, slots },
    ...(resources && { resources: resourcesFromFields(resources) }),
    ...{ labels, agent },
  };
}

export function resourceFields({ cpus, memoryBytes, gpus }: ClusterResources): ResourceFields {
  return {
    ...(cpus !== undefined && { cpus }),
    ...(memoryBytes !== undefined && { memory: memoryBytes }),
    ...(gpus !== undefined && { gpus }),
  };
}

function resourcesFromFields({ cpus, memory, gpus }: ResourceFields): ClusterResources {
  return {
    ...(cpus !== undefined && { cpus }),
    ...(memory !== undefined && { memoryBytes: memory }),
    ...(gpus !== undefined && { gpus }),
  };
}

export function reachOf(cluster: Cluster): ClusterReach {
  const {
    status: _,
    labels: _labels,
    agent: _agent,
    resources: _resources,
    createdAt: _at,
    ...reach
  } = cluster;
  return reach;
}

/** The labels of its agent: its own, its name and its engine. */
export function labelsOf({ name, type, labels }: Cluster): Record<string, string> {
  return { ...labels, cluster: name, engine: type };
}
