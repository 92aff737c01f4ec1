/** The consequences for services of changes to tasks, nodes and clusters. */
import type { Fact } from '../../../model/facts.js';
import { AGENT_MODULE } from '../../../model/run.js';
import { type Replica, type ReplicaEnd, restartPauseMs, type Service } from '../../../model/service.js';
import type { Task } from '../../../model/task.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { TaskEnd } from '../../../model/task-state.js';
import type { State } from '../state.js';
import type { Turn } from '../turn.js';

const NOTHING: readonly Fact[] = [];

/** Facts that go with this one. Services about which something may be another now are compared again. */
export function followUps(turn: Turn, fact: Fact): readonly Fact[] {
  const { state } = turn;
  switch (fact.type) {
    case 'service.applied':
      state.evaluate(fact.service);
      return NOTHING;
    case 'replica.placed':
    case 'replica.starting':
    case 'replica.running':
    case 'replica.ready':
    case 'replica.completed':
    case 'replica.failed':
    case 'replica.stopped':
    case 'replica.lost':
      state.evaluate(fact.service);
      return NOTHING;
    case 'replica.stopping':
    case 'replica.waiting':
    case 'replica.steady':
      state.evaluate(state.replicas.get(fact.replica_id)!.service);
      return NOTHING;
    case 'execution.assigned': {
      const replica = runBy(state, fact);
      const cluster = state.nodes.get(fact.node_id)?.instance;
      if (!replica) return NOTHING;
      const where = cluster === undefined ? {} : { cluster };
      return [{ type: 'replica.starting', ...about(replica), ...where }];
    }
    case 'execution.running': {
      const replica = runBy(state, fact);
      return replica ? [{ type: 'replica.running', ...about(replica) }] : NOTHING;
    }
    case 'module.waiting': {
      const replica = runBy(state, fact);
      if (!replica) return NOTHING;
      state.evaluate(replica.service);
      return replica.observed === 'pending' ? NOTHING : [{ type: 'replica.waiting', replica_id: replica.id }];
    }
    case 'iteration.succeeded':
    case 'iteration.failed':
    case 'iteration.cancelled':
    case 'iteration.aborted': {
      const replica = runBy(state, fact);
      const service = replica && state.services.get(replica.service);
      const ended = turn.journal.ended.get(keyOf(fact));
      if (!replica || !service || !ended) return NOTHING;
      return [endOf(turn, service, replica, ended.task)];
    }
    case 'cluster.added':
    case 'cluster.changed':
    case 'cluster.removed':
      evaluateAll(state);
      return NOTHING;
    case 'node.joined':
    case 'node.status':
    case 'node.alive':
    case 'node.unresponsive':
    case 'node.dead':
    case 'node.left':
      if (fact.module === AGENT_MODULE) evaluateAll(state);
      else evaluateNode(state, fact.node_id);
      return NOTHING;
    case 'node.turned':
    case 'node.desired':
      evaluateNode(state, fact.node_id);
      return NOTHING;
    // It has said hello: after a restart, nothing else of it need be another.
    case 'node.described':
      if (state.nodes.get(fact.node_id)?.module === AGENT_MODULE) evaluateAll(state);
      else evaluateNode(state, fact.node_id);
      return NOTHING;
    default:
      return NOTHING;
  }
}

function evaluateAll(state: State): void {
  for (const name of state.services.keys()) state.evaluate(name);
}

/** The node may be that of a replica, which is called like it. */
function evaluateNode(state: State, nodeId: string): void {
  const replica = state.replicas.get(state.nodes.get(nodeId)?.instance ?? '');
  if (replica) state.evaluate(replica.service);
}

function keyOf(fact: { readonly problem_id: string; readonly iteration_id: number }): string {
  return formatTaskId({ problemId: fact.problem_id, iterationId: fact.iteration_id });
}

/** The replica whose newest run the task is. */
function runBy(
  state: State,
  fact: { readonly problem_id: string; readonly iteration_id: number },
): Replica | undefined {
  return state.replicas.get(state.runs.get(keyOf(fact)) ?? '');
}

type About = { readonly service: string; readonly replica_id: string; readonly task_id: string };

export function about({ id, service, taskKey }: Replica): About {
  return { service, replica_id: id, task_id: taskKey };
}

function endOf({ wallMs }: Turn, service: Service, replica: Replica, task: Task): Fact {
  const newest = task.runs[0]?.executions.at(-1);
  const { as, reason } = replica.ending ?? {
    as: endAs(task.state as TaskEnd, newest?.observed === 'lost'),
    reason: reasonOf(task),
  };
  const next = startsAgain(service, replica, as)
    ? { retry_at: new Date(wallMs + restartPauseMs(service.spec, replica.failures)).toISOString() }
    : {};
  switch (as) {
    case 'completed':
      return { type: 'replica.completed', ...about(replica), ...(reason !== '' && { reason }), ...next };
    case 'failed':
      return { type: 'replica.failed', ...about(replica), reason, ...next };
    case 'stopped':
      return { type: 'replica.stopped', ...about(replica), reason };
    case 'lost':
      return { type: 'replica.lost', ...about(replica), reason, ended: true, ...next };
    default:
      return as satisfies never;
  }
}

function endAs(end: TaskEnd, isLost: boolean): ReplicaEnd {
  if (end === 'succeeded') return 'completed';
  return isLost ? 'lost' : 'failed';
}

function reasonOf(task: Task): string {
  if (task.state === 'succeeded') return '';
  const { error, reason } = task;
  if (error) return `${error.code}: ${error.message}`;
  return reason ? `its task was stopped: ${reason}` : 'its task was stopped';
}

/** After a pause; one that was stopped for another run has none. */
function startsAgain({ spec, desired }: Service, replica: Replica, as: ReplicaEnd): boolean {
  if (desired !== 'running' || replica.desired !== 'running' || as === 'stopped') return false;
  return spec.type !== 'ops' && !(spec.type === 'batch' && as === 'completed');
}
