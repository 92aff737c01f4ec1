/** The agents that an orchestrator keeps running, and when they may be others. */
import { describe, expect, it } from 'vitest';
import type { EventType, PublicFact } from '../../src/model/facts.js';
import { eventJson } from '../../src/orchestrator/core/event-json.js';
import type { PageRequest, StreamEvent, View, Workspace } from '../../src/orchestrator/port.js';
import { WantedAgents } from '../../src/server/wanted-agents.js';

/** Only what the supervisor asks; lists come in pages of two. */
function coordinatorOf(clusters: readonly View[]) {
  let listener: ((events: readonly StreamEvent[]) => void) | undefined;
  const coordinator = {
    queries: {
      clusters: async ({ cursor = '0' }: PageRequest) => {
        const from = Number(cursor);
        const next = from + 2 < clusters.length ? String(from + 2) : null;
        const value = { items: clusters.slice(from, from + 2), next_cursor: next };
        return { cursor: 1, value, json: new Uint8Array() };
      },
    },
    events: {
      onCommitted: (given: typeof listener) => {
        listener = given;
        return () => {
          listener = undefined;
        };
      },
    },
  } as unknown as Pick<Workspace, 'queries' | 'events'>;
  const tell = (type: EventType, problemId?: string) => {
    const about = { type, ...(problemId !== undefined && { problem_id: problemId }) };
    const json = eventJson(1, '2026-12-04T04:00:00.000Z', about as PublicFact);
    listener?.([{ seq: 1, problemId, project: undefined, json }]);
  };
  return { coordinator, tell };
}

const LOCAL = { name: 'local', agent: 'managed', agent_state: 'not_needed' };
const CLUSTERS = [
  { name: 'far', agent: 'remote', agent_state: 'online' },
  { name: 'hpc', agent: 'managed', agent_state: 'offline' },
  { name: 'lab', agent: 'managed', agent_state: 'online' },
];

describe('the agents that are wanted', () => {
  it('are those of managed clusters, without this machine as long as it is not needed', async () => {
    const { coordinator } = coordinatorOf([...CLUSTERS, LOCAL]);
    expect(await new WantedAgents(coordinator, false).names()).toEqual(['hpc', 'lab']);
  });

  it('are also that of this machine from the moment it is needed, or where it was started before', async () => {
    const clusters: View[] = [...CLUSTERS, LOCAL];
    const { coordinator } = coordinatorOf(clusters);
    expect(await new WantedAgents(coordinator, true).names()).toEqual(['hpc', 'lab', 'local']);
    const wanted = new WantedAgents(coordinator, false);
    clusters[3] = { ...LOCAL, agent_state: 'offline' };
    expect(await wanted.names()).toEqual(['hpc', 'lab', 'local']);
    clusters[3] = LOCAL;
    expect(await wanted.names()).toEqual(['hpc', 'lab', 'local']);
  });

  it('are to be asked for anew when a graph is stored or a cluster is another one', () => {
    const { coordinator, tell } = coordinatorOf(CLUSTERS);
    let changes = 0;
    const unsubscribe = new WantedAgents(coordinator, false).onChange(() => {
      changes += 1;
    });
    tell('execution.log');
    expect(changes).toBe(0);
    tell('graph.stored');
    tell('cluster.added');
    expect(changes).toBe(2);
    unsubscribe();
    tell('cluster.added');
    expect(changes).toBe(2);
  });

  it('are to be asked for anew also when the graph belongs to one problem, as that of a deployment does', () => {
    const { coordinator, tell } = coordinatorOf(CLUSTERS);
    let changes = 0;
    new WantedAgents(coordinator, false).onChange(() => {
      changes += 1;
    });
    tell('graph.stored', 'p');
    expect(changes).toBe(1);
  });
});
