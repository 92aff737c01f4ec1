/** Who waits for a slot, and for how many others first: what no fact records, since it changes with every other task. */
import { isPrivateGraph } from '../../../model/private-graph.js';
import { playedBy } from '../../../model/run.js';
import { slotClassOf, type Task } from '../../../model/task.js';
import type { Waiter } from '../../../scheduling/slot-queue.js';
import type { View } from '../../port.js';
import type { State } from '../state.js';

/** Of one task: each module that waits for a slot, with those of other tasks that come before it in its queue. */
export function queueOfTask(state: State, task: Task): View[] {
  return task.graph.modules.flatMap((module, position): View[] => {
    if (task.runs[position]?.queued !== true) return [];
    const ahead = state.slotQueue.ahead(playedBy(module.spec), slotClassOf(task, position), task, (waiter) =>
      waits(state, waiter),
    );
    return [{ module: module.spec.name, ahead }];
  });
}

/** Each module of the newest graphs, all run modules as one: the nodes that take work for it, their slots, and how many executions wait for one. */
export function queuesOf(state: State): View[] {
  const graphs = new Map<string, Set<string>>();
  for (const [name, versions] of state.graphs) {
    for (const { spec } of versions.at(-1)?.compiled.modules ?? []) {
      if (spec.approve || spec.serve) continue;
      const player = playedBy(spec);
      const names = graphs.get(player) ?? new Set();
      graphs.set(player, isPrivateGraph(name) ? names : names.add(name));
    }
  }
  return [...graphs].map(([module, names]): View => {
    const nodes = [...(state.nodesByModule.get(module) ?? [])].filter((node) => node.isPlaceable);
    return {
      module,
      graphs: [...names],
      nodes: nodes.length,
      slots: nodes.reduce((sum, node) => sum + node.capacity, 0),
      taken: nodes.reduce((sum, node) => sum + node.taken, 0),
      waiting: state.slotQueue.waiting(module, (waiter) => waits(state, waiter)),
    };
  });
}

function waits(state: State, { task, position }: Waiter<Task>): boolean {
  return state.tasks.get(task.key) === task && task.runs[position]?.queued === true;
}
