/** The data of `tutti top`: one reading of the orchestrator, over HTTP. */
import type { Client } from '../client.js';

export interface Stats {
  readonly cursor: number;
  readonly mailbox: number;
  readonly requests: number;
  readonly nodes: Readonly<Record<'alive' | 'unresponsive' | 'dead', number>>;
  readonly slots: Readonly<Record<string, { readonly total: number; readonly used: number }>>;
  readonly work: {
    readonly unfinished: Readonly<
      Record<string, Readonly<Record<'waiting' | 'running' | 'suspended', number>>>
    >;
    readonly waiting_for_slot: Readonly<Record<string, Readonly<Record<string, number>>>>;
    readonly ended: Readonly<Record<string, number>>;
  };
}

export interface NodeLoad {
  readonly module: string;
  readonly liveness: string;
  readonly load: { readonly cpu?: number; readonly memory_bytes?: number } | null;
}

export interface RunningProblem {
  readonly problem_id: string;
  readonly graph: string;
  readonly title: string | null;
  readonly created_at: string;
}

export interface Reading {
  readonly atMs: number;
  readonly stats: Stats;
  readonly nodes: readonly NodeLoad[];
  readonly running: readonly RunningProblem[];
}

/** Of nodes: a fleet that is larger shows the load of its first so many. */
const NODES = 1000;
const RUNNING = 20;

export async function readLoad(client: Client): Promise<Reading> {
  const [stats, nodes, running] = await Promise.all([
    client.get<Stats>('/v1/stats'),
    client.get<{ items: NodeLoad[] }>('/v1/nodes', { limit: NODES }),
    client.get<{ items: RunningProblem[] }>('/v1/problems', { state: 'running', limit: RUNNING }),
  ]);
  return {
    atMs: Date.now(),
    stats: stats.value,
    nodes: nodes.value.items,
    running: running.value.items,
  };
}
