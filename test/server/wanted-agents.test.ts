/** When the agents that an orchestrator keeps running may be others: told by events as they are encoded. */
import { expect, it } from 'vitest';
import type { PublicFact } from '../../src/model/facts.js';
import { eventJson } from '../../src/orchestrator/core/event-json.js';
import type { StreamEvent, Workspace } from '../../src/orchestrator/port.js';
import { WantedAgents } from '../../src/server/wanted-agents.js';

/** How often the callback was called by one commit of this fact. */
function told(fact: PublicFact): number {
  let listener: ((events: readonly StreamEvent[]) => void) | undefined;
  const events = {
    onCommitted: (added: typeof listener) => {
      listener = added;
      return () => {};
    },
  } as Workspace['events'];
  let calls = 0;
  new WantedAgents({ events } as Workspace, false).onChange(() => {
    calls += 1;
  });
  const problemId = 'problem_id' in fact ? String(fact.problem_id) : undefined;
  listener!([
    { seq: 7, problemId, project: undefined, json: eventJson(7, '2026-12-04T04:00:00.000Z', fact) },
  ]);
  return calls;
}

const graph = { type: 'graph.stored', graph: 'g', graph_version: 1, yaml: 'graph: g', types: '{}' } as const;

it('is told of a graph that is stored, also where it belongs to one problem as those of deployments do', () => {
  expect([told(graph), told({ ...graph, problem_id: 'p' })]).toEqual([1, 1]);
});
