/** A task that is to end, with all that runs for it. */
import { hasEnded } from '../../../model/execution.js';
import { type Execution, phaseOf, type Task } from '../../../model/task.js';
import { aboutTask } from '../about.js';
import { emit } from '../emit.js';
import { stopExecution } from '../schedule/planner.js';
import type { Turn } from '../turn.js';

export function stopTask(turn: Turn, task: Task, how: 'stop' | 'terminate', reason: string): void {
  const running = task.graph.modules.flatMap(({ position }) => executionsUnderWay(task, position));
  const desired = how === 'stop' ? 'cancelled' : 'aborted';
  emit(turn, { type: 'task.stopping', ...aboutTask(task), desired, reason });
  for (const execution of running) stopExecution(turn, execution, how, reason);
  turn.state.broker.enqueue(task);
}

export function executionsUnderWay(task: Task, position: number): Execution[] {
  const phase = phaseOf(task, position);
  const phases = phase.kind === 'mapping' ? [...phase.open.values()].map((item) => item.phase) : [phase];
  return phases.flatMap((one) =>
    one.kind === 'placed' && !hasEnded(one.execution.observed) ? [one.execution] : [],
  );
}
