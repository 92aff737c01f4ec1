/**
 * The worker and the planners: evaluations are taken from the broker, the scheduler proposes, and the plan is carried out:
 * folded into the state and the journal, turned into assignments and commands.
 *
 * 1. An evaluation is taken, carried out and acknowledged within one batch.
 * 2. A scheduler that keeps throwing over a task fails that task; everything else goes on.
 */
import { messageOf } from '../../../base/errors.js';
import { hasEnded } from '../../../model/execution.js';
import type { StopCause } from '../../../model/facts.js';
import { outputsOf } from '../../../model/graph.js';
import type { ReportedError } from '../../../model/protocol.js';
import { AGENT_MODULE, playedBy } from '../../../model/run.js';
import {
  type Execution,
  executionsOfItem,
  moduleName,
  passOf,
  phaseOf,
  runningExecutions,
  slotClassOf,
  type Task,
  takenBefore,
} from '../../../model/task.js';
import { type TaskEnd, taskHasEnded } from '../../../model/task-state.js';
import { traceparentOf } from '../../../model/trace-context.js';
import { isSameWait, type Wait } from '../../../model/waiting.js';
import { assertWithinLimit, type Delivery } from '../../../scheduling/broker.js';
import type { Fleet } from '../../../scheduling/fleet.js';
import type { Plan, PlanStep } from '../../../scheduling/plan.js';
import type { Waiter } from '../../../scheduling/slot-queue.js';
import { scheduleTask } from '../../../scheduling/task-scheduler.js';
import { aboutExecution, aboutItem, aboutModule, aboutTask } from '../about.js';
import { attempt } from '../attempt.js';
import { serve, standingOf } from '../deployments/service-steps.js';
import { emit } from '../emit.js';
import { issue } from '../executions/commands.js';
import { endExecution } from '../executions/executions.js';
import type { AssignOrder } from '../journal.js';
import { typesOf } from '../nodes/module-types.js';
import { tryRows } from '../rows.js';
import { type FleetNode, lookUpKey, type State } from '../state.js';
import { putTogether, recallItem, startMap } from '../tasks/mapping.js';
import { recall } from '../tasks/reuse.js';
import { makeLease, type Turn } from '../turn.js';
import { inputsOf, runFor } from './assigned.js';
import { cacheKey, digestIn } from './cache-key.js';
import { fleetOf, freeSlots, notePlace } from './fleet.js';

/** Until a node accepts; doubled each time up to the maximum. */
const ASSIGN_AGAIN_MS = 1000;
const ASSIGN_AGAIN_MAX_MS = 10_000;

/** Who was woken for a free slot and has not been evaluated yet: modules of tasks. */
type Woken = Map<Task, readonly number[]>;

/** Evaluates everything that is due, until nothing more changes. Each evaluation is a step of its own: it takes effect completely or not at all. */
export function schedule(turn: Turn, onError: (thrown: unknown) => void): void {
  const { state } = turn;
  const woken: Woken = new Map();
  takeLookUps(turn, woken);
  for (;;) {
    wakeFreed(state, woken);
    const delivery = state.broker.dequeue(turn.nowMs);
    if (!delivery) {
      if (woken.size === 0) return;
      // Tasks whose evaluation threw come again after a pause: their slots do not wait for them.
      for (const paused of woken.keys()) passOn(state, woken, paused, []);
      continue;
    }
    const { item: task } = delivery;
    if (state.tasks.get(task.key) !== task) {
      state.broker.forget(task.key);
      passOn(state, woken, task, []);
      continue;
    }
    const evaluated = evaluate(turn, delivery);
    if ('thrown' in evaluated) {
      passOn(state, woken, task, []);
      state.counters.add('evaluations_failed');
      if (state.broker.nack(delivery, turn.nowMs) === 'exhausted') {
        const message = `the scheduler could not work on this task: ${messageOf(evaluated.thrown)}`;
        const error = { code: 'scheduler_failed', message, retryable: false };
        const abandoned = attempt(turn, () => abandonTask(turn, task, error));
        if (!abandoned.ok) onError(abandoned.thrown);
      }
      continue;
    }
    const { plan } = evaluated;
    passOn(state, woken, task, plan.steps);
    state.broker.ack(delivery, plan.followUpMs);
    if (taskHasEnded(task.state)) state.broker.forget(task.key);
  }
}

/** Evaluates modules whose lookup is done. One may have been woken for a slot, which it passes on if it does not need it. */
function takeLookUps({ state, loaded }: Turn, woken: Woken): void {
  for (const [key, { task, position }] of state.lookUps) {
    const isOver = state.tasks.get(task.key) !== task;
    if (!isOver && !loaded.lookedUp.has(key)) continue;
    state.undo.remove(state.lookUps, key);
    woken.set(task, [...(woken.get(task) ?? []), position]);
    if (!isOver) state.broker.enqueue(task);
  }
}

function evaluate(
  turn: Turn,
  delivery: Delivery<Task>,
): { readonly plan: Plan } | { readonly thrown: unknown } {
  const { item: task } = delivery;
  let plan: Plan = { steps: [], followUpMs: undefined };
  const evaluated = attempt(turn, () => {
    assertWithinLimit(delivery);
    const fleet = fleetOf(turn.state, task, turn.loaded.lookedUp);
    const serviceOf: Fleet['serviceOf'] = ({ position }) => standingOf(turn, task, position);
    plan = scheduleTask(task, { ...fleet, serviceOf }, turn.nowMs);
    for (const step of plan.steps) carryOut(turn, task, step);
    if (turn.state.isCareful) tryRows(turn.journal);
  });
  return evaluated.ok ? { plan } : { thrown: evaluated.thrown };
}

/** As many of those who wait for a module as it has free slots now. */
function wakeFreed(state: State, woken: Woken): void {
  for (const module of state.freed) {
    const stillWaits = ({ task, position }: Waiter<Task>): boolean =>
      state.tasks.get(task.key) === task && task.runs[position]?.queued === true;
    const wake = ({ task, position }: Waiter<Task>): void => {
      state.undo.set(task.runs[position]!, 'queued', false);
      woken.set(task, [...(woken.get(task) ?? []), position]);
      state.broker.enqueue(task);
    };
    state.slotQueue.wake(module, {
      slots: ({ task, position }) => freeSlots(state, task, position),
      stillWaits,
      wake,
    });
  }
  state.undo.clear(state.freed);
}

const USES_SLOT: readonly PlanStep['kind'][] = ['place', 'wait', 'look up'];

/** A slot that somebody was woken for and had no use for goes to the next who waits. */
function passOn(state: State, woken: Woken, task: Task, steps: readonly PlanStep[]): void {
  for (const position of woken.get(task) ?? []) {
    const isUsed = steps.some(
      (step) => USES_SLOT.includes(step.kind) && 'position' in step && step.position === position,
    );
    if (!isUsed) state.free(playedBy(task.graph.modules[position]!.spec));
  }
  woken.delete(task);
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one case for each step of a plan, and the compiler checks that none is missing.
function carryOut(turn: Turn, task: Task, step: PlanStep): void {
  switch (step.kind) {
    case 'place':
      if (step.replaces) {
        const why = { code: 'node_lost', message: 'its node is dead', retryable: true };
        endExecution(turn, step.replaces, 'lost', { by: 'orchestrator', error: why });
      }
      place(turn, task, step);
      break;
    case 'look up': {
      const { position, item } = step;
      turn.state.undo.put(turn.state.lookUps, lookUpKey(task, position, item), { task, position, item });
      turn.journal.hurry();
      leaveQueue(turn, task, position);
      break;
    }
    case 'recall':
      begin(turn, task);
      if (step.item === undefined) recall(turn, task, step.position, step.result);
      else recallItem(turn, task, step.position, step.item, step.result);
      leaveQueue(turn, task, step.position);
      break;
    case 'wait':
      wait(turn, task, step);
      break;
    case 'requeue':
      if (step.item === undefined)
        sayWaiting(turn, task, step.position, { waiting: { code: 'requeued' }, reason: step.reason });
      else sayItemWaits(turn, task, step.position, step.item, { reason: step.reason });
      leaveQueue(turn, task, step.position);
      break;
    case 'retry': {
      const { position, item, reason } = step;
      const retry_at = new Date(turn.wallMs + step.delayMs).toISOString();
      if (item !== undefined) sayItemWaits(turn, task, position, item, { reason, retry_at });
      else sayWaiting(turn, task, position, { waiting: { code: 'retry' }, reason, retry_at });
      leaveQueue(turn, task, position);
      break;
    }
    case 'succeed':
      emit(turn, {
        type: 'module.succeeded',
        ...aboutModule(task, step.position),
        execution_id: step.execution.id,
      });
      leaveQueue(turn, task, step.position);
      break;
    case 'fail':
      failModule(turn, task, step.position, step.error, step.item);
      break;
    case 'map':
      begin(turn, task);
      startMap(turn, task, step.position);
      break;
    case 'item done':
      emit(turn, {
        type: 'item.succeeded',
        ...aboutItem(task, step.position, step.item),
        execution_id: step.execution.id,
      });
      break;
    case 'mapped':
      putTogether(turn, task, step.position);
      leaveQueue(turn, task, step.position);
      break;
    case 'skip':
      emit(turn, { type: 'module.skipped', ...aboutModule(task, step.position), reason: step.reason });
      leaveQueue(turn, task, step.position);
      break;
    case 'stop': {
      const cause = task.desired === 'aborted' ? 'terminate' : 'stop';
      stopExecution(turn, step.execution, cause, task.reason ?? '');
      break;
    }
    case 'halt':
      emit(turn, { type: 'module.stopped', ...aboutModule(task, step.position) });
      leaveQueue(turn, task, step.position);
      break;
    case 'again': {
      const { from, to, body } = step.loop;
      const freed = body.flatMap((position) => takenBefore(task, task.runs[position]));
      emit(turn, {
        type: 'loop.passed',
        ...aboutTask(task),
        from,
        to,
        modules: body.map((position) => moduleName(task, position)),
        pass: step.pass,
        ...(freed.length > 0 && { freed }),
      });
      turn.state.broker.enqueue(task);
      break;
    }
    case 'end loop': {
      const { from, to, body } = step.loop;
      const pass = passOf(task, body.at(-1)!)!;
      const { why, error } = step;
      emit(turn, { type: 'loop.ended', ...aboutTask(task), from, to, pass, why, ...(error && { error }) });
      break;
    }
    case 'ask':
      emit(turn, { type: 'approval.requested', ...aboutModule(task, step.position), ...step.approval });
      break;
    case 'serve':
      begin(turn, task);
      serve(turn, task, step.position);
      break;
    case 'await':
      sayWaiting(turn, task, step.position, step.wait);
      break;
    case 'served': {
      const { service } = task.graph.modules[step.position]!.spec.serve!;
      emit(turn, { type: 'module.served', ...aboutModule(task, step.position), service });
      break;
    }
    case 'suspend':
      emit(turn, {
        type: 'iteration.suspended',
        ...aboutTask(task),
        reason: `waiting for approval of ${step.modules.join(', ')}`,
      });
      break;
    case 'end':
      endTask(turn, task, step.state);
      break;
    default:
      step satisfies never;
  }
}

/** The module no longer waits for a slot: what stands in the queue is passed over. */
export function leaveQueue({ state }: Turn, task: Task, position: number): void {
  const run = task.runs[position];
  if (run?.queued) state.undo.set(run, 'queued', false);
}

function wait(
  turn: Turn,
  task: Task,
  { position, wait: why, isSilent = false }: Extract<PlanStep, { kind: 'wait' }>,
): void {
  const { undo, slotQueue } = turn.state;
  const phase = phaseOf(task, position);
  const isSaid = isSilent || (phase.kind === 'waiting' && isSameWait(why, phase) && !phase.retry);
  if (!isSaid) sayWaiting(turn, task, position, why);
  const run = task.runs[position]!;
  if (run.queued) return;
  undo.set(run, 'queued', true);
  slotQueue.add(playedBy(task.graph.modules[position]!.spec), slotClassOf(task, position), {
    task,
    position,
  });
}

function sayWaiting(
  turn: Turn,
  task: Task,
  position: number,
  { reason, waiting, retry_at }: Wait & { readonly retry_at?: string },
): void {
  emit(turn, {
    type: 'module.waiting',
    ...aboutModule(task, position),
    reason,
    ...(retry_at !== undefined && { retry_at }),
    waiting,
  });
}

function sayItemWaits(
  turn: Turn,
  task: Task,
  position: number,
  item: number,
  why: { readonly reason: string; readonly retry_at?: string },
): void {
  emit(turn, { type: 'item.waiting', ...aboutItem(task, position, item), ...why });
}

/** `item`: the one that fails it. What runs for others is stopped, and does not count: the module begins anew or not at all. */
function failModule(turn: Turn, task: Task, position: number, error: ReportedError, item?: number): void {
  const run = task.runs[position];
  const newest = item === undefined ? run?.executions.at(-1) : executionsOfItem(run!, item).at(-1);
  if (newest && !hasEnded(newest.observed)) endExecution(turn, newest, 'lost', { by: 'orchestrator', error });
  emit(turn, {
    type: 'module.failed',
    ...aboutModule(task, position),
    error,
    ...(newest && { node_id: newest.nodeId, attempt: newest.attempt }),
    ...(item !== undefined && { item }),
  });
  if (item !== undefined)
    for (const execution of runningExecutions(run))
      stopExecution(turn, execution, 'terminate', `item ${item} has failed`);
  leaveQueue(turn, task, position);
}

function begin(turn: Turn, task: Task): void {
  if (task.state === 'running') return;
  const isResumed = task.state === 'suspended';
  emit(turn, { type: isResumed ? 'iteration.resumed' : 'iteration.started', ...aboutTask(task) });
}

/** Where the result of an execution on this node is to be found. What takes the place of another is given the same. */
function cacheKeyFor(
  { loaded }: Turn,
  task: Task,
  position: number,
  { version }: FleetNode,
  { item, replaces }: Pick<Extract<PlanStep, { kind: 'place' }>, 'item' | 'replaces'>,
): string | undefined {
  if (!task.graph.modules[position]!.spec.cache) return undefined;
  const digest = replaces
    ? replaces.cacheKey && digestIn(replaces.cacheKey)
    : loaded.lookedUp.get(lookUpKey(task, position, item))?.digest;
  return digest && cacheKey(digest, version);
}

function place(turn: Turn, task: Task, step: Extract<PlanStep, { kind: 'place' }>): void {
  const { state } = turn;
  const { position, item, nodeId } = step;
  const node = state.nodes.get(nodeId)!;
  begin(turn, task);
  const run = task.runs[position];
  const before = item === undefined ? run?.executions : run && executionsOfItem(run, item);
  const cache_key = cacheKeyFor(turn, task, position, node, step);
  const id = turn.ids.uuid();
  emit(turn, {
    type: 'execution.assigned',
    ...aboutModule(task, position),
    ...(item !== undefined && { item }),
    execution_id: id,
    attempt: (before?.length ?? 0) + 1,
    node_id: nodeId,
    lease: makeLease(turn.ids.secret(), task.id),
    boot_id: node.bootId,
    ...(cache_key !== undefined && { cache_key }),
  });
  leaveQueue(turn, task, position);
  state.undo.set(state, 'assignments', state.assignments + 1);
  state.undo.set(node, 'lastUsed', state.assignments);
  if (node.module === AGENT_MODULE) notePlace(state, task, position, nodeId);
  const execution = state.executions.get(id)!;
  const { timeoutMs } = task.graph.modules[position]!.spec;
  if (timeoutMs !== undefined) armAttempt(turn, execution, timeoutMs);
  sendAssignment(turn, execution);
}

export function armAttempt(turn: Turn, execution: Execution, remainingMs: number): void {
  turn.state.timers.set({ kind: 'attempt over', execution }, turn.nowMs + remainingMs);
}

/** Sends the assignment, and again until it is accepted. `sinceMs`: when it was first sent over this connection, if it was. */
export function sendAssignment(
  turn: Turn,
  execution: Execution,
  pauseMs: number = ASSIGN_AGAIN_MS,
  sinceMs: number = turn.nowMs,
): void {
  const node = turn.state.nodes.get(execution.nodeId);
  if (!node) return;
  const { task } = execution;
  const { spec } = task.graph.modules[execution.position]!;
  const traceparent = traceparentOf(task, execution.id, turn.settings.isTracing);
  turn.journal.tell(node, {
    kind: 'assign order',
    executionId: execution.id,
    lease: execution.lease,
    taskId: task.id,
    module: spec.name,
    attempt: execution.attempt,
    timeoutMs: spec.timeoutMs ?? 0,
    inputs: inputsOf(task, execution.position, execution.item),
    ...typesFor(turn.state, node, execution),
    ...runFor(turn.state, execution),
    ...(traceparent !== undefined && { traceparent }),
    ...(execution.pass !== undefined && { pass: execution.pass }),
    ...(execution.item !== undefined && { item: execution.item }),
  });
  // Once, just when the node has left it unanswered for too long.
  const leftMs = sinceMs + turn.state.livenessOf(node).deadAfterMs - turn.nowMs;
  const nextMs = leftMs > 0 ? Math.min(pauseMs, leftMs) : pauseMs;
  const again = { execution, pauseMs: Math.min(pauseMs * 2, ASSIGN_AGAIN_MAX_MS), sinceMs };
  turn.state.timers.set({ kind: 'assign again', ...again }, turn.nowMs + nextMs);
}

/** The type of the output, or its named ones, and the descriptors of their types where the node's welcome did not contain them. */
function typesFor(
  state: State,
  node: FleetNode,
  execution: Execution,
): Pick<AssignOrder, 'outputType' | 'outputs' | 'descriptors'> {
  const { name, version } = execution.task.graph.key;
  const loaded = state.graph(name, version);
  if (!loaded) return {};
  const { spec } = execution.task.graph.modules[execution.position]!;
  const { outputType, descriptors, key } = typesOf(state, loaded, spec.name);
  const isKnown = !node.typesByAssignment || node.toldTypes.has(key);
  return { outputType, ...(spec.outputs && { outputs: outputsOf(spec) }), ...(!isKnown && { descriptors }) };
}

/** Causes that leave the node no say: the execution ends now, and the node is told. */
const AT_ONCE: readonly StopCause[] = ['terminate', 'reset', 'timeout'];

/** The execution is to stop: no output of it is recorded from this batch on. */
export function stopExecution(
  turn: Turn,
  execution: Execution,
  cause: StopCause,
  reason: string,
  error?: ReportedError,
): void {
  const { state } = turn;
  const commanded = [...state.allCommands()].some(({ parts }) =>
    parts.some(({ executionId }) => executionId === execution.id),
  );
  if (!commanded) {
    const cmd =
      cause === 'preempt'
        ? 'PREEMPT'
        : cause === 'reset'
          ? 'RESET'
          : cause === 'terminate'
            ? 'TERMINATE'
            : 'STOP';
    issue(turn, {
      by: 'orchestrator',
      target: {
        kind: 'task',
        taskId: execution.task.id,
        project: execution.task.project,
        module: moduleName(execution.task, execution.position),
        cmd,
      },
      reason,
      parts: [{ nodeId: execution.nodeId, execution }],
    });
  }
  if (AT_ONCE.includes(cause)) {
    endExecution(turn, execution, cause === 'timeout' ? 'failed' : 'cancelled', {
      by: 'orchestrator',
      error,
      cause,
    });
  } else {
    emit(turn, {
      type: 'execution.stopping',
      ...aboutExecution(execution),
      cause,
      ...(reason && { reason }),
    });
    armGrace(turn, execution);
  }
}

export function armGrace(turn: Turn, execution: Execution): void {
  turn.state.timers.set({ kind: 'grace over', execution }, turn.nowMs + turn.settings.graceMs);
}

/** The task can not be worked on: whatever runs of it is stopped, and it fails. */
function abandonTask(turn: Turn, task: Task, error: ReportedError): void {
  emit(turn, { type: 'task.abandoned', ...aboutTask(task), error });
  for (const run of task.runs) {
    const stopped = new Set([...(run?.executions.slice(-1) ?? []), ...runningExecutions(run)]);
    for (const execution of stopped)
      if (!hasEnded(execution.observed)) stopExecution(turn, execution, 'terminate', error.message);
  }
  endTask(turn, task, 'failed');
}

/** The task leaves the memory; its row is what remains. */
function endTask(turn: Turn, task: Task, end: TaskEnd): void {
  const { error, reason } = task;
  emit(turn, {
    type: `iteration.${end}`,
    ...aboutTask(task),
    ...(error && { error }),
    ...(reason && { reason }),
  });
}
