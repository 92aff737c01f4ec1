/** How a state looks: a tone for its colour and a glyph, so that no state is told by colour alone. */

import type { ListedCampaignJson } from '../../../../src/contract/campaign.js';
import type { ClusterJson } from '../../../../src/contract/cluster.js';
import type { ServiceJson } from '../../../../src/contract/service.js';
import type { CampaignPhase } from '../../../../src/model/campaign.js';
import type { ComponentState, DeploymentState } from '../../../../src/model/deployment.js';
import type { ModuleState } from '../../../../src/model/execution.js';
import type { JobState } from '../../../../src/model/job.js';
import type { Liveness, NodeStatus } from '../../../../src/model/node.js';
import type { ReplicaState } from '../../../../src/model/service.js';
import type { TaskState } from '../../../../src/model/task-state.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { needsHelp, type Standing, standsStill } from '../../../../src/model/waiting.js';

/** Note heads for what is well: hollow waits, half plays, full is done. A repeat sign for what is heard again, signs for what is not well. */
export type Glyph =
  | 'hollow'
  | 'quarter'
  | 'half'
  | 'full'
  | 'cross'
  | 'square'
  | 'pause'
  | 'dash'
  | 'return'
  | 'repeat'
  | 'broken';

export interface Tone {
  readonly tone: 'quiet' | 'busy' | 'good' | 'bad' | 'held';
  readonly glyph: Glyph;
}

const TONES: Readonly<Record<TaskState | ModuleState, Tone>> = {
  waiting: { tone: 'quiet', glyph: 'hollow' },
  assigned: { tone: 'busy', glyph: 'quarter' },
  accepted: { tone: 'busy', glyph: 'quarter' },
  running: { tone: 'busy', glyph: 'half' },
  suspended: { tone: 'held', glyph: 'pause' },
  succeeded: { tone: 'good', glyph: 'full' },
  failed: { tone: 'bad', glyph: 'cross' },
  rejected: { tone: 'held', glyph: 'return' },
  lost: { tone: 'bad', glyph: 'broken' },
  preempted: { tone: 'held', glyph: 'return' },
  cancelled: { tone: 'held', glyph: 'square' },
  aborted: { tone: 'bad', glyph: 'square' },
  skipped: { tone: 'quiet', glyph: 'dash' },
  reused: { tone: 'good', glyph: 'repeat' },
};

/** What does not go on by itself. */
const HELD_UP: Tone = { tone: 'held', glyph: 'pause' };

/** Whether a module in this state has given what its dependents wait for. */
export function isDone(state: ModuleState): boolean {
  return state === 'succeeded' || state === 'reused';
}

export function toneOf(state: TaskState | ModuleState): Tone {
  return TONES[state];
}

/** A module that waits until a person does something looks like it. */
export function moduleTone({ state, waiting }: Pick<Standing, 'state' | 'waiting'>): Tone {
  return state === 'waiting' && waiting && needsHelp(waiting) ? HELD_UP : TONES[state];
}

/** How a task stands: its state, or that it cannot continue by itself. `modules`: those of it that say so. */
export function taskTone(
  state: TaskState,
  modules: readonly Pick<Standing, 'state' | 'waiting'>[],
): { readonly tone: Tone; readonly stillness: 'waits for approval' | 'cannot continue' | undefined } {
  if (taskHasEnded(state) || !standsStill(modules)) return { tone: toneOf(state), stillness: undefined };
  const isAsking = modules.some((one) => one.state === 'waiting' && one.waiting?.code === 'approval');
  return {
    tone: HELD_UP,
    stillness: isAsking ? 'waits for approval' : 'cannot continue',
  };
}

const NODE_TONES: Readonly<Record<NodeStatus, Tone>> = {
  INACTIVE: { tone: 'quiet', glyph: 'dash' },
  INITIALIZING: { tone: 'busy', glyph: 'quarter' },
  IDLE: { tone: 'good', glyph: 'hollow' },
  RUNNING: { tone: 'busy', glyph: 'half' },
  TERMINATING: { tone: 'held', glyph: 'square' },
  ERROR: { tone: 'bad', glyph: 'cross' },
};

const LIVENESS_TONES: Readonly<Record<Exclude<Liveness, 'alive'>, Tone>> = {
  unresponsive: { tone: 'held', glyph: 'pause' },
  dead: { tone: 'bad', glyph: 'broken' },
};

/** A node's liveness, where it is in doubt, says more than the status that it last reported. */
export function nodeTone(status: NodeStatus, liveness: Liveness): Tone {
  return liveness === 'alive' ? NODE_TONES[status] : LIVENESS_TONES[liveness];
}

const JOB_TONES: Readonly<Record<JobState, Tone>> = {
  PENDING: { tone: 'quiet', glyph: 'hollow' },
  SUBMITTED: { tone: 'busy', glyph: 'quarter' },
  RUNNING: { tone: 'busy', glyph: 'half' },
  COMPLETED: { tone: 'good', glyph: 'full' },
  FAILED: { tone: 'bad', glyph: 'cross' },
  CANCELLED: { tone: 'held', glyph: 'square' },
};

export function jobTone(state: JobState): Tone {
  return JOB_TONES[state];
}

const REPLICA_TONES: Readonly<Record<ReplicaState, Tone>> = {
  pending: { tone: 'quiet', glyph: 'hollow' },
  starting: { tone: 'busy', glyph: 'quarter' },
  running: { tone: 'busy', glyph: 'half' },
  ready: { tone: 'good', glyph: 'full' },
  completed: { tone: 'good', glyph: 'full' },
  failed: { tone: 'bad', glyph: 'cross' },
  stopped: { tone: 'held', glyph: 'square' },
  lost: { tone: 'bad', glyph: 'broken' },
};

export function replicaTone(observed: ReplicaState): Tone {
  return REPLICA_TONES[observed];
}

export function serviceTone({ desired, health }: Pick<ServiceJson, 'desired' | 'health'>): Tone {
  if (desired !== 'running') return { tone: 'held', glyph: 'square' };
  return health === 'ok' ? { tone: 'good', glyph: 'full' } : HELD_UP;
}

const DEPLOYMENT_TONES: Readonly<Record<DeploymentState | ComponentState, Tone>> = {
  pending: { tone: 'quiet', glyph: 'hollow' },
  deploying: { tone: 'busy', glyph: 'half' },
  deployed: { tone: 'good', glyph: 'full' },
  updating: { tone: 'busy', glyph: 'half' },
  undeploying: { tone: 'busy', glyph: 'half' },
  undeployed: { tone: 'quiet', glyph: 'dash' },
  failed: { tone: 'bad', glyph: 'cross' },
};

/** What is deployed and does not do well, by the services that it has, is held up. */
export function deploymentTone(state: DeploymentState | ComponentState, health: 'ok' | 'degraded'): Tone {
  return state === 'deployed' && health === 'degraded' ? HELD_UP : DEPLOYMENT_TONES[state];
}

const CAMPAIGN_TONES: Readonly<Record<CampaignPhase, Tone>> = {
  initializing: { tone: 'busy', glyph: 'hollow' },
  running: { tone: 'busy', glyph: 'half' },
  finalizing: { tone: 'busy', glyph: 'half' },
  completed: { tone: 'good', glyph: 'full' },
  aborted: { tone: 'quiet', glyph: 'dash' },
  errored: { tone: 'bad', glyph: 'cross' },
};

export function campaignTone({ phase, paused }: ListedCampaignJson): Tone {
  return paused ? HELD_UP : CAMPAIGN_TONES[phase];
}

/** What keeps a cluster from work comes first. */
export function clusterTone({ status, agent_state, agent_error }: ClusterJson): Tone {
  if (agent_error) return { tone: 'bad', glyph: 'cross' };
  if (status !== 'active') return { tone: 'held', glyph: status === 'draining' ? 'return' : 'pause' };
  return agent_state === 'online' ? { tone: 'good', glyph: 'hollow' } : { tone: 'quiet', glyph: 'dash' };
}
