/**
 * A person's decision about a module with `approve`.
 *
 * 1. It is taken from those whom the graph asks, and from those above them.
 * 2. It is taken while the module waits for it, once: an early, a late and a second one are refused.
 * 3. The decision is recorded with what conditions and indexes read of it, as any output.
 */
import { missingRole } from '../../../model/access.js';
import { type DecisionRecord, decisionRecord, decisionRef } from '../../../model/approval.js';
import { awaitedApproval, phaseOf, type Task } from '../../../model/task.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { Answer } from '../../port.js';
import { refusal } from '../../refusal.js';
import type { ModuleRow } from '../../tables/module-row.js';
import { aboutModule, aboutTask } from '../about.js';
import { emit } from '../emit.js';
import type { PreparedRequest, Turn } from '../turn.js';
import { compareValue } from './comparing.js';
import { indexedNow } from './indexing.js';

type Request = Extract<PreparedRequest, { kind: 'decide_approval' }>;

export function decideApproval(turn: Turn, request: Request): Answer {
  const key = formatTaskId(request.taskId);
  const task = turn.state.tasks.get(key);
  if (!task) return refuseEnded(turn, key, request.module);
  const { module, decision, reason, by, role } = request;
  const position = task.graph.index.get(module);
  if (position === undefined) return unknownModule(task.graph.key.name, module);
  const phase = phaseOf(task, position);
  if (isDecided(phase.kind, 'error' in phase ? phase.error.code : undefined))
    return decidedBefore(module, key);
  if (task.desired !== 'ended') return refusal('conflict', 'task_stopping', `task ${key} is being stopped`);
  const awaited = awaitedApproval(phase);
  if (!awaited) {
    const message = `${module} of task ${key} does not wait for approval`;
    const hint = task.graph.modules[position]!.spec.approve
      ? 'it does once its inputs are there'
      : 'only modules with approve do';
    return refusal('conflict', 'approval_not_requested', message, { hint });
  }
  const needed = missingRole(role, awaited.role, `the token of ${by ?? 'nobody'}`);
  if (needed) return refusal('forbidden', needed.code, needed.message, { hint: needed.hint });
  const record = decisionRecord(decision, { by, reason }, new Date(turn.wallMs).toISOString());
  decide(turn, task, position, record);
  resume(turn, task);
  turn.state.broker.enqueue(task);
  return { ok: true, kind: 'done', body: { task_id: key, module, ...record } };
}

function decide(turn: Turn, task: Task, position: number, record: DecisionRecord): void {
  const about = aboutModule(task, position);
  const { decision, by, reason } = record;
  const isGranted = decision === 'approve';
  const indexed = isGranted ? indexedNow(turn.state, task.graph.key.name, about.module, record) : undefined;
  emit(turn, {
    type: 'approval.decided',
    ...about,
    decision,
    ...(by !== null && { by }),
    ...(reason !== null && { reason }),
    ...(indexed && { indexed }),
  });
  if (!isGranted) return;
  const ref = decisionRef(task.id, about.module, task.runs[position]!.generation);
  turn.journal.payload(ref, Buffer.from(JSON.stringify(record)));
  compareValue(turn, task, about.module, { value: record });
}

/** The task stood still for a decision. What comes of it shows in what is planned next. */
export function resume(turn: Turn, task: Task): void {
  if (task.state === 'suspended') emit(turn, { type: 'iteration.resumed', ...aboutTask(task) });
}

function refuseEnded({ loaded }: Turn, key: string, module: string): Answer {
  const row = loaded.parents.get(key);
  if (!row) return refusal('not_found', 'unknown_task', `no task ${key}`);
  const decided = Object.hasOwn(row.modules, module) ? row.modules[module] : undefined;
  if (decided && isDecided(decided.phase, decided.error?.code)) return decidedBefore(module, key);
  return refusal('conflict', 'task_ended', `task ${key} has ended: it is ${row.state}`);
}

function isDecided(phase: ModuleRow['phase'], error: string | undefined): boolean {
  return phase === 'approved' || (phase === 'failed' && error === 'denied');
}

function decidedBefore(module: string, key: string): Answer {
  return refusal(
    'conflict',
    'approval_decided',
    `a decision about ${module} of task ${key} was already made`,
    {
      hint: 'a decision is final; a reset of the module asks again',
    },
  );
}

function unknownModule(graph: string, module: string): Answer {
  return refusal('not_found', 'unknown_module', `graph ${graph} has no module ${module}`);
}
