/** The handling of timers. Timers are only reminders: each checks the current state. */
import { hasEnded } from '../../model/execution.js';
import type { Execution } from '../../model/task.js';
import { attempt } from './attempt.js';
import { commandAgain } from './executions/commands.js';
import { answerConfiguration } from './executions/configuration.js';
import { endExecution, endWhenComplete } from './executions/executions.js';
import { giveUpUnanswered } from './nodes/deaf.js';
import { judge } from './nodes/nodes.js';
import { tryRows } from './rows.js';
import { outlivesSilence } from './schedule/fleet.js';
import { sendAssignment, stopExecution } from './schedule/planner.js';
import type { FleetNode } from './state.js';
import type { Timer } from './timer.js';
import type { Turn } from './turn.js';

/** Of a timer that could not be decided. */
const AGAIN_MS = 1000;

/** Each is a step of its own: one that cannot be decided comes again after a while. */
export function fireDueTimers(turn: Turn, onError: (thrown: unknown) => void): void {
  const { timers, isCareful } = turn.state;
  for (const { value } of timers.due(turn.nowMs)) {
    const fired = attempt(turn, () => {
      fire(turn, value);
      if (isCareful) tryRows(turn.journal);
    });
    if (fired.ok) continue;
    timers.set(value, turn.nowMs + AGAIN_MS);
    onError(fired.thrown);
  }
}

function fire(turn: Turn, timer: Timer): void {
  switch (timer.kind) {
    case 'attempt over': {
      const { execution } = timer;
      // One that is being stopped has its own deadline.
      if (execution.desired === 'stopped') return;
      const node = turn.state.nodes.get(execution.nodeId);
      if (node && isLostWith(node, execution)) {
        const message = `node ${node.instance}: it is ${node.liveness}`;
        const error = { code: 'node_lost', message, retryable: true };
        endExecution(turn, execution, 'lost', { by: 'orchestrator', error });
        return;
      }
      const { timeoutMs } = execution.task.graph.modules[execution.position]!.spec;
      const message = `no result within ${timeoutMs} ms`;
      stopExecution(turn, execution, 'timeout', message, { code: 'timeout', message, retryable: true });
      return;
    }
    case 'assign again':
      if (timer.execution.acceptedByReport || timer.execution.desired === 'stopped') return;
      if (giveUpUnanswered(turn, timer.execution, timer.sinceMs)) return;
      sendAssignment(turn, timer.execution, timer.pauseMs, timer.sinceMs);
      return;
    case 'grace over': {
      const { execution } = timer;
      if (hasEnded(execution.observed)) return;
      endExecution(turn, execution, execution.stopCause === 'preempt' ? 'preempted' : 'cancelled', {
        by: 'orchestrator',
      });
      return;
    }
    case 'lines over':
      if (!hasEnded(timer.execution.observed)) endWhenComplete(turn, timer.execution);
      return;
    case 'judge': {
      const node = turn.state.nodes.get(timer.nodeId);
      if (node && node.liveness !== 'dead') judge(turn, node, timer.isHeard);
      return;
    }
    case 'command again':
      commandAgain(turn, timer.commandId);
      return;
    case 'configuration over':
      answerConfiguration(turn, timer.transactionId, undefined);
      return;
    default:
      timer satisfies never;
  }
}

/** The time of its attempt is over because its node is, or because the node fell silent before it took the assignment. */
function isLostWith(node: FleetNode, execution: Execution): boolean {
  if (node.liveness === 'dead') return !outlivesSilence(node, execution);
  return node.liveness === 'unresponsive' && execution.observed === 'assigned';
}
