/** All of a state, durable or not, in a form in which two of them can be compared. */
import type { ModuleRun } from '../../src/model/task.js';
import type { FleetNode, State } from '../../src/orchestrator/core/state.js';
import { campaignToRow } from '../../src/orchestrator/tables/campaign-row.js';
import { commandToRow } from '../../src/orchestrator/tables/command-row.js';
import { nodeToRow } from '../../src/orchestrator/tables/node-row.js';
import { taskToRow } from '../../src/orchestrator/tables/task-row.js';

/** Errors are counted on purpose, also where nothing else is left of a step. */
const OF_ERRORS = ['internal_errors', 'evaluations_failed'];

/** `ignored`: fields by their names. */
export function portraitOf(state: State, ignored: readonly string[] = []): unknown {
  const { broker, serviceBroker, campaignBroker, timers, undo: _, ...rest } = state;
  const { cursor, queuedAt, assignments, freed, beingRemoved, tasks, executions, problems } = rest;
  const counters = [...state.counters.entries()].filter(([name, n]) => n !== 0 && !OF_ERRORS.includes(name));
  return JSON.parse(
    JSON.stringify({
      ...{ cursor, queuedAt, assignments, freed: [...freed].sort(), beingRemoved: [...beingRemoved] },
      graphs: [...state.graphs].map(([name, versions]) => [name, versions.length]),
      tasks: sorted(
        [...tasks.values()].map((task) => [
          task.key,
          taskToRow(task),
          task.runs.flatMap((run) => (run ? [runOf(run)] : [])),
        ]),
      ),
      executions: [...executions.keys()].sort(),
      problems: sorted([...problems.values()]),
      nodes: sorted([...state.nodes.values()].map(nodeOf)),
      routes: sorted([...state.nodesByRoute].map(([route, { nodeId }]) => [route, nodeId])),
      modules: sorted([...state.nodesByModule].map(([module, { size }]) => [module, size])),
      clusters: sorted([...state.clusters.values()]),
      commands: sorted([...state.allCommands()].map(commandToRow)),
      configurations: [...state.configurations.values()],
      services: sorted([...state.services.values()]),
      replicas: sorted([...state.replicas.values()]),
      runs: sorted([...state.runs]),
      campaigns: sorted([...state.campaigns.values()].map(campaignToRow)),
      campaignLookUps: [...state.campaignLookUps.keys()].sort(),
      awaiting: [...state.awaiting].sort(),
      broker: [broker.depth, broker.delayed, broker.nextDueMs()],
      serviceBroker: [serviceBroker.depth, serviceBroker.delayed, serviceBroker.nextDueMs()],
      campaignBroker: [campaignBroker.depth, campaignBroker.delayed, campaignBroker.nextDueMs()],
      timers: [timers.size, timers.nextMs()],
      counters: sorted(counters),
    }),
    (name, value: unknown) => (ignored.includes(name) ? undefined : value),
  );
}

function runOf({ queued, executions }: ModuleRun): unknown {
  return [queued, executions.map(({ missedBeats, awaitedLines }) => [missedBeats, awaitedLines])];
}

function nodeOf(node: FleetNode): unknown {
  const {
    responsiveness,
    load,
    route,
    connectionEnded,
    contestedUntilMs,
    conflict,
    heardMs,
    heardAt,
    lastUsed,
  } = node;
  return [
    nodeToRow(node),
    { responsiveness, load, route, connectionEnded, contestedUntilMs, conflict, heardMs, heardAt, lastUsed },
    [...node.executions].map(({ id }) => id).sort(),
    [...node.stopping].sort(),
    sorted([...node.settled]),
    [...node.toldTypes].sort(),
  ];
}

function sorted<T>(items: T[]): T[] {
  const text = (item: T): string => JSON.stringify(item);
  return items.sort((a, b) => (text(a) < text(b) ? -1 : 1));
}
