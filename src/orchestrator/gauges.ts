/** The gauges of a running orchestrator: sizes of everything that may grow, and counts of events. */
import type { BusGauges } from '../bus/bus.js';
import { type ServiceGauges, serviceGauges } from './core/services/service-gauges.js';
import type { State } from './core/state.js';
import type { QueryGauges } from './queries/service/service.js';
import type { WebhookGauges } from './webhooks/couriers.js';

export interface Gauges {
  readonly mailbox: number;
  readonly mailbox_bytes: number;
  readonly payload_cache_bytes: number;
  readonly requests: number;
  readonly tasks: number;
  readonly executions: number;
  readonly nodes: Readonly<Record<'alive' | 'unresponsive' | 'dead', number>>;
  /** By module, of its nodes that are not dead: how many executions they take at once, and how many they have. */
  readonly slots: Readonly<Record<string, { readonly total: number; readonly used: number }>>;
  readonly evaluations: { readonly pending: number; readonly delayed: number };
  readonly commands: number;
  readonly timers: number;
  readonly cursor: number;
  readonly control: {
    readonly connections: number;
    /** Those among them that have not registered. */
    readonly unregistered: number;
    readonly queued_frames: number;
    readonly held_bytes: number;
  };
  readonly outputs: {
    readonly connections: number;
    readonly unregistered: number;
    readonly held_bytes: number;
  };
  readonly events: {
    readonly connections: number;
    readonly queued_frames: number;
    readonly subscriptions: number;
    /** A count since the start. */
    readonly missed_frames: number;
  };
  readonly assignments: number;
  /** How long the process itself did not run. */
  readonly paused_ms: number;
  /** Whether nothing is removed for its age, since the wall clock has leapt. */
  readonly ages_held: boolean;
  /** The readers of short and of long queries. */
  readonly queries: QueryGauges;
  /** By their names. */
  readonly services: Readonly<Record<string, ServiceGauges>>;
  /** By their names. */
  readonly webhooks: Readonly<Record<string, WebhookGauges>>;
  readonly counters: Readonly<Record<string, number>>;
}

export function gaugesOf(
  state: State,
  loop: {
    readonly mailbox: number;
    readonly mailboxBytes: number;
    readonly payloadCacheBytes: number;
    readonly requests: number;
    readonly pausedMs: number;
    readonly agesHeld: boolean;
    readonly bus: BusGauges;
    readonly queries: QueryGauges;
    readonly webhooks: Gauges['webhooks'];
  },
): Gauges {
  const nodes = { alive: 0, unresponsive: 0, dead: 0 };
  const { control, outputs, events } = loop.bus;
  const slots = new Map<string, { total: number; used: number }>();
  for (const node of state.nodes.values()) {
    nodes[node.liveness] += 1;
    if (node.liveness === 'dead') continue;
    const { total, used } = slots.get(node.module) ?? { total: 0, used: 0 };
    slots.set(node.module, { total: total + node.capacity, used: used + node.taken });
  }
  return {
    mailbox: loop.mailbox,
    mailbox_bytes: loop.mailboxBytes,
    payload_cache_bytes: loop.payloadCacheBytes,
    requests: loop.requests,
    tasks: state.tasks.size,
    executions: state.executions.size,
    nodes,
    slots: Object.fromEntries(slots),
    evaluations: { pending: state.broker.depth, delayed: state.broker.delayed },
    commands: state.commands.size,
    timers: state.timers.size,
    cursor: state.cursor,
    control: {
      connections: control.connections,
      unregistered: control.unregistered,
      queued_frames: control.queuedFrames,
      held_bytes: control.heldBytes,
    },
    outputs: {
      connections: outputs.connections,
      unregistered: outputs.unregistered,
      held_bytes: outputs.heldBytes,
    },
    events: {
      connections: events.connections,
      queued_frames: events.queuedFrames,
      subscriptions: events.subscriptions,
      missed_frames: events.missedFrames,
    },
    assignments: state.assignments,
    paused_ms: Math.round(loop.pausedMs),
    ages_held: loop.agesHeld,
    queries: loop.queries,
    services: serviceGauges(state),
    webhooks: loop.webhooks,
    counters: Object.fromEntries(state.counters.entries()),
  };
}
