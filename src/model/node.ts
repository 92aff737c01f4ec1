/**
 * A node's status, as it reports it, and what may follow what.
 *
 * 1. `RESET` leads from `ERROR` back to `INITIALIZING`; any status may become `ERROR`. An agent whose cluster could not be asked goes on
 *    where it was when it can be.
 * 2. `TERMINATING` ends in the process's exit only.
 */
export const NODE_STATUSES = ['INACTIVE', 'INITIALIZING', 'IDLE', 'RUNNING', 'TERMINATING', 'ERROR'] as const;
export type NodeStatus = (typeof NODE_STATUSES)[number];

export const NODE_CMDS = ['START', 'STOP', 'RESET', 'TERMINATE'] as const;
export type NodeCmd = (typeof NODE_CMDS)[number];

/** The orchestrator's judgement of a node: `unresponsive` gets no new work, `dead` loses its executions. */
export const LIVENESSES = ['alive', 'unresponsive', 'dead'] as const;
export type Liveness = (typeof LIVENESSES)[number];

/** The status that the operator wants for an instance; kept over restarts. */
export const DESIRED_STATUSES = ['started', 'stopped', 'terminated'] as const;
export type DesiredStatus = (typeof DESIRED_STATUSES)[number];

const NODE_TRANSITIONS: Readonly<Record<NodeStatus, readonly NodeStatus[]>> = {
  INACTIVE: ['INITIALIZING', 'TERMINATING', 'ERROR'],
  INITIALIZING: ['IDLE', 'INACTIVE', 'TERMINATING', 'ERROR'],
  IDLE: ['RUNNING', 'INACTIVE', 'INITIALIZING', 'TERMINATING', 'ERROR'],
  RUNNING: ['IDLE', 'INACTIVE', 'INITIALIZING', 'TERMINATING', 'ERROR'],
  TERMINATING: ['ERROR'],
  ERROR: ['INITIALIZING', 'IDLE', 'RUNNING', 'TERMINATING'],
};

/** Whether a node may go from one status to the other in one step. */
export function nodeMayBecome(from: NodeStatus, to: NodeStatus): boolean {
  return NODE_TRANSITIONS[from].includes(to);
}

/** Whether a command makes sense in a status; where not, the node refuses it with `not_in_this_state`. */
export function nodeAccepts(status: NodeStatus, cmd: NodeCmd): boolean {
  switch (cmd) {
    case 'START':
      return status !== 'TERMINATING' && status !== 'ERROR';
    case 'STOP':
      return status !== 'TERMINATING' && status !== 'ERROR';
    case 'RESET':
      return status !== 'TERMINATING';
    case 'TERMINATE':
      return true;
    default:
      return cmd satisfies never;
  }
}

const LIVENESS_TRANSITIONS: Readonly<Record<Liveness, readonly Liveness[]>> = {
  alive: ['unresponsive', 'dead'],
  unresponsive: ['alive', 'dead'],
  dead: ['alive'],
};

/** Whether the orchestrator's judgement may change so in one step. `alive → dead` is a goodbye. */
export function livenessMayBecome(from: Liveness, to: Liveness): boolean {
  return LIVENESS_TRANSITIONS[from].includes(to);
}
