/** What the operators can read off a running orchestrator: sizes of everything that may grow, and counts of what happened. */
import type { BusGauges } from '../bus/bus.js';
import type { State } from './decide/state.js';

export interface Gauges {
  readonly mailbox: number;
  readonly requests: number;
  readonly tasks: number;
  readonly executions: number;
  readonly nodes: Readonly<Record<'alive' | 'unresponsive' | 'dead', number>>;
  readonly evaluations: { readonly pending: number; readonly delayed: number };
  readonly commands: number;
  readonly timers: number;
  readonly cursor: number;
  /** Of the control socket. */
  readonly control: {
    readonly connections: number;
    readonly queued_frames: number;
    readonly held_bytes: number;
  };
  readonly assignments: number;
  /** How long the process itself did not run. */
  readonly paused_ms: number;
  readonly counters: Readonly<Record<string, number>>;
}

export function gaugesOf(
  state: State,
  loop: {
    readonly mailbox: number;
    readonly requests: number;
    readonly pausedMs: number;
    readonly bus: BusGauges;
  },
): Gauges {
  const nodes = { alive: 0, unresponsive: 0, dead: 0 };
  for (const node of state.nodes.values()) nodes[node.liveness] += 1;
  return {
    mailbox: loop.mailbox,
    requests: loop.requests,
    tasks: state.tasks.size,
    executions: state.executions.size,
    nodes,
    evaluations: { pending: state.broker.depth, delayed: state.broker.delayed },
    commands: state.commands.size,
    timers: state.timers.size,
    cursor: state.cursor,
    control: {
      connections: loop.bus.connections,
      queued_frames: loop.bus.queuedFrames,
      held_bytes: loop.bus.heldBytes,
    },
    assignments: state.assignments,
    paused_ms: Math.round(loop.pausedMs),
    counters: Object.fromEntries(state.counters.entries()),
  };
}
