import { describe, expect, it } from 'vitest';
import { WantedAgents } from '../../../src/cli/up/wanted-agents.js';
import type { Coordinator, PageRequest, StreamEvent, View } from '../../../src/orchestrator/port.js';

/** Only what the supervisor asks; lists come in pages of two. */
function coordinatorOf(clusters: readonly View[], graphs: Record<string, View>) {
  let listener: ((events: readonly StreamEvent[]) => void) | undefined;
  const asked = { graphs: 0 };
  const found = (value: View) => ({ cursor: 1, value, json: new Uint8Array() });
  const page = (items: readonly View[], { cursor = '0' }: PageRequest) => {
    const from = Number(cursor);
    const next = from + 2 < items.length ? String(from + 2) : null;
    return found({ items: items.slice(from, from + 2), next_cursor: next });
  };
  const coordinator = {
    queries: {
      clusters: async (request: PageRequest) => page(clusters, request),
      graphs: async (request: PageRequest) =>
        page(
          Object.keys(graphs).map((name) => ({ name })),
          request,
        ),
      graph: async (name: string) => {
        asked.graphs += 1;
        return found(graphs[name]!);
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
  } as unknown as Pick<Coordinator, 'queries' | 'events'>;
  const tell = (type: string) =>
    listener?.([{ seq: 1, problemId: undefined, json: JSON.stringify({ seq: 1, type }) }]);
  return { coordinator, tell, asked };
}

const CLUSTERS = [
  { name: 'far', agent: 'remote' },
  { name: 'hpc', agent: 'managed' },
  { name: 'lab', agent: 'managed' },
  { name: 'local', agent: 'managed' },
];
const NODES = { modules: { a: { inputs: [] } } };
const COMMANDS = { modules: { a: { inputs: [] }, b: { run: { command: ['true'] } } } };

describe('the agents that are wanted', () => {
  it('are those of managed clusters, without this machine as long as no graph has a command', async () => {
    const { coordinator } = coordinatorOf(CLUSTERS, { one: NODES });
    expect(await new WantedAgents(coordinator, false).names()).toEqual(['hpc', 'lab']);
  });

  it('are also that of this machine once a graph has a command, or where it was started before', async () => {
    const graphs: Record<string, View> = { one: NODES, two: NODES };
    const { coordinator, tell, asked } = coordinatorOf(CLUSTERS, graphs);
    const wanted = new WantedAgents(coordinator, false);
    let changes = 0;
    const unsubscribe = wanted.onChange(() => {
      changes += 1;
    });
    await wanted.names();
    await wanted.names();
    expect(asked.graphs).toBe(2);
    graphs.three = COMMANDS;
    tell('execution.log');
    expect(changes).toBe(0);
    tell('graph.stored');
    expect(changes).toBe(1);
    expect(await wanted.names()).toEqual(['hpc', 'lab', 'local']);
    unsubscribe();
    tell('cluster.added');
    expect(changes).toBe(1);

    const other = coordinatorOf(CLUSTERS, { one: NODES });
    expect(await new WantedAgents(other.coordinator, true).names()).toContain('local');
  });
});
