/**
 * The worker and the planners: evaluations are taken from the broker, the scheduler proposes, and the plan is carried out:
 * folded into the state and the journal, turned into assignments and commands.
 *
 * 1. An evaluation is taken, carried out and acknowledged within one batch.
 * 2. A scheduler that keeps throwing over a task fails that task; everything else goes on.
 */
import { messageOf } from '../../base/errors.js';
import { hasEnded } from '../../model/execution.js';
import type { StopCause } from '../../model/facts.js';
import type { PayloadRef } from '../../model/payload.js';
import type { ReportedError } from '../../model/protocol.js';
import {
  type CompiledGraph,
  type CompiledModule,
  type Execution,
  type ModulePhase,
  moduleName,
  newLog,
  overrideOf,
  runOf,
  type Task,
} from '../../model/task.js';
import { type TaskState, taskHasEnded, taskMayBecome } from '../../model/task-state.js';
import { hasLabels, pickNode } from '../../scheduling/placement.js';
import type { Plan, PlanStep } from '../../scheduling/plan.js';
import { type Fleet, scheduleTask } from '../../scheduling/task-scheduler.js';
import type { Waiter } from '../../scheduling/waiting-room.js';
import { encodeRow } from '../records.js';
import { summaryNow } from '../summary.js';
import { aboutExecution, aboutModule, aboutTask } from './about.js';
import { issue } from './commands.js';
import { endExecution } from './executions.js';
import { writeIndex } from './indexing.js';
import type { AssignOrder } from './journal.js';
import { misfitOf, typesOf } from './module-types.js';
import type { FleetNode, State } from './state.js';
import { makeLease, type Turn, touch } from './turn.js';

/** Until a node accepts; doubled each time up to the maximum. */
const ASSIGN_AGAIN_MS = 1000;
const ASSIGN_AGAIN_MAX_MS = 10_000;

/** Who was woken for a free slot and has not been evaluated yet: modules of tasks. */
type Woken = Map<Task, readonly number[]>;

/** Evaluates everything that is due, until nothing more changes. */
export function schedule(turn: Turn): void {
  const { state } = turn;
  const woken: Woken = new Map();
  for (;;) {
    wakeFreed(state, woken);
    const task = state.broker.dequeue(turn.nowMs);
    if (!task) return;
    if (state.tasks.get(task.key) !== task) {
      state.broker.forget(task.key);
      passOn(state, woken, task, []);
      continue;
    }
    let plan: Plan;
    try {
      plan = scheduleTask(task, fleetOf(state, task.graph), turn.nowMs);
      for (const step of plan.steps) carryOut(turn, task, step);
    } catch (thrown) {
      passOn(state, woken, task, []);
      state.counters.add('evaluations_failed');
      if (state.broker.nack(task.key, turn.nowMs) === 'exhausted') {
        const message = `the scheduler could not work on this task: ${messageOf(thrown)}`;
        abandonTask(turn, task, { code: 'scheduler_failed', message, retryable: false });
      }
      continue;
    }
    passOn(state, woken, task, plan.steps);
    state.broker.ack(task.key);
    if (taskHasEnded(task.state)) state.broker.forget(task.key);
    else if (plan.followUpMs !== undefined) state.broker.delay(task, plan.followUpMs);
  }
}

function fleetOf(state: State, graph: CompiledGraph): Fleet {
  return {
    take: (module) => pickNode(placeable(state, graph, module.spec.name), module.spec.require)?.nodeId,
    shortage: (module) => shortageOf(state, graph, module),
    isOrphaned: ({ nodeId }) => state.nodes.get(nodeId)?.liveness === 'dead',
  };
}

function placeable(state: State, graph: CompiledGraph, module: string): FleetNode[] {
  return [...(state.nodesByModule.get(module) ?? [])].filter(
    (node) => node.isPlaceable && misfitOf(state, node, graph) === undefined,
  );
}

/** Why no node of a module takes work. */
function shortageOf(state: State, graph: CompiledGraph, module: CompiledModule): string {
  const { name, require } = module.spec;
  const peers = placeable(state, graph, name);
  if (peers.length === 0) {
    const other = [...(state.nodesByModule.get(name) ?? [])].find((node) => node.isPlaceable);
    const misfit = other && misfitOf(state, other, graph);
    const version = `graph ${graph.key.name} version ${graph.key.version}`;
    return `waiting for a node of ${name}${misfit ? ` that fits ${version} (${other.instance}: ${misfit})` : ''}`;
  }
  if (!peers.some((node) => hasLabels(node, require))) {
    const labels = Object.entries(require).map(([label, value]) => `${label}=${value}`);
    return `waiting for a node of ${name} with ${labels.join(', ')}`;
  }
  return `waiting for a free slot of ${name}`;
}

/** As many of those who wait for a module as it has free slots now. */
function wakeFreed(state: State, woken: Woken): void {
  for (const module of state.freed) {
    const freeSlots = ({ task, position }: Waiter<Task>): number => {
      const { require } = task.graph.modules[position]!.spec;
      let free = 0;
      for (const node of placeable(state, task.graph, module)) {
        if (hasLabels(node, require)) free += Math.max(0, node.capacity - node.taken);
      }
      return free;
    };
    const stillWaits = ({ task, position }: Waiter<Task>): boolean =>
      state.tasks.get(task.key) === task && task.runs[position]?.queued === true;
    const wake = ({ task, position }: Waiter<Task>): void => {
      runOf(task, position).queued = false;
      woken.set(task, [...(woken.get(task) ?? []), position]);
      state.broker.enqueue(task);
    };
    state.waitingRoom.wake(module, { slots: freeSlots, stillWaits, wake });
  }
  state.freed.clear();
}

/** A slot that somebody was woken for and had no use for goes to the next who waits. */
function passOn(state: State, woken: Woken, task: Task, steps: readonly PlanStep[]): void {
  for (const position of woken.get(task) ?? []) {
    const isUsed = steps.some(
      (step) => (step.kind === 'place' || step.kind === 'wait') && step.position === position,
    );
    if (!isUsed) state.freed.add(moduleName(task, position));
  }
  woken.delete(task);
}

function carryOut(turn: Turn, task: Task, step: PlanStep): void {
  switch (step.kind) {
    case 'place':
      if (step.replaces) {
        const why = { code: 'node_lost', message: 'its node is dead', retryable: true };
        endExecution(turn, step.replaces, 'lost', { by: 'house', error: why });
      }
      place(turn, task, step.position, step.nodeId);
      break;
    case 'wait':
      wait(turn, task, step.position, step.reason);
      break;
    case 'requeue':
      setPhase(turn, task, step.position, { kind: 'waiting', reason: step.reason, retry: undefined });
      sayWaiting(turn, task, step.position, { reason: step.reason });
      break;
    case 'retry': {
      const retry = { at: turn.wallMs + step.delayMs, dueMs: turn.nowMs + step.delayMs };
      setPhase(turn, task, step.position, { kind: 'waiting', reason: step.reason, retry });
      sayWaiting(turn, task, step.position, {
        reason: step.reason,
        retry_at: new Date(retry.at).toISOString(),
      });
      break;
    }
    case 'succeed':
      setPhase(turn, task, step.position, { kind: 'succeeded', execution: step.execution });
      break;
    case 'fail':
      failModule(turn, task, step.position, step.error);
      break;
    case 'skip':
      setPhase(turn, task, step.position, { kind: 'skipped', reason: step.reason });
      turn.journal.fact({
        type: 'module.skipped',
        ...aboutModule(task, step.position),
        reason: step.reason,
      });
      break;
    case 'stop': {
      const cause = task.desired === 'aborted' ? 'terminate' : 'stop';
      stopExecution(turn, step.execution, cause, task.reason ?? '');
      break;
    }
    case 'halt':
      setPhase(turn, task, step.position, { kind: 'stopped' });
      break;
    case 'end':
      endTask(turn, task, step.state);
      break;
    default:
      step satisfies never;
  }
}

export function setPhase(turn: Turn, task: Task, position: number, phase: ModulePhase): void {
  const run = runOf(task, position);
  run.phase = phase;
  run.queued = false;
  touch(turn, task);
}

function wait(turn: Turn, task: Task, position: number, reason: string): void {
  const run = runOf(task, position);
  const module = task.graph.modules[position]!;
  if (!run.queued) {
    run.queued = true;
    turn.state.waitingRoom.add(module.spec.name, module.slotClass, { task, position });
  }
  if (run.phase.kind === 'waiting') {
    if (run.phase.reason === reason && !run.phase.retry) return;
    run.phase = { kind: 'waiting', reason, retry: undefined };
    touch(turn, task);
  }
  sayWaiting(turn, task, position, { reason });
}

function sayWaiting(
  turn: Turn,
  task: Task,
  position: number,
  detail: { readonly reason: string; readonly retry_at?: string },
): void {
  turn.journal.fact({
    type: 'module.waiting',
    ...aboutModule(task, position),
    ...detail,
  });
}

function failModule(turn: Turn, task: Task, position: number, error: ReportedError): void {
  const module = task.graph.modules[position]!;
  const newest = runOf(task, position).executions.at(-1);
  if (newest && !hasEnded(newest.observed)) endExecution(turn, newest, 'lost', { by: 'house', error });
  setPhase(turn, task, position, { kind: 'failed', error });
  if (module.spec.onError === 'fail' && !task.error) {
    task.error = {
      ...error,
      module: module.spec.name,
      ...(newest && { node_id: newest.nodeId, attempt: newest.attempt }),
    };
  }
}

function place(turn: Turn, task: Task, position: number, nodeId: string): void {
  const { state, journal } = turn;
  const node = state.nodes.get(nodeId)!;
  const run = runOf(task, position);
  const execution: Execution = {
    id: turn.ids.uuid(),
    lease: makeLease(turn.ids.secret(), task.id),
    task,
    position,
    attempt: run.executions.length + 1,
    generation: run.generation,
    nodeId,
    bootId: node.bootId,
    assignedAt: turn.wallMs,
    desired: 'running',
    stopCause: undefined,
    observed: 'assigned',
    acceptedByReport: false,
    missedBeats: 0,
    acceptedAt: undefined,
    startedAt: undefined,
    finishedAt: undefined,
    committed: 0,
    lastSeq: undefined,
    final: undefined,
    blobs: undefined,
    progress: undefined,
    message: undefined,
    error: undefined,
    log: newLog(),
  };
  run.executions.push(execution);
  state.executions.set(execution.id, execution);
  node.executions.add(execution);
  state.assignments += 1;
  node.lastUsed = state.assignments;
  setPhase(turn, task, position, { kind: 'placed', execution });
  if (task.state !== 'running') {
    const resumed = task.state === 'suspended';
    become(task, 'running');
    task.startedAt ??= turn.wallMs;
    journal.fact({ type: resumed ? 'iteration.resumed' : 'iteration.started', ...aboutTask(task) });
  }
  journal.fact({ type: 'execution.assigned', ...aboutExecution(execution) });
  armAttempt(turn, execution, task.graph.modules[position]!.spec.timeoutMs);
  sendAssignment(turn, execution);
}

export function armAttempt(turn: Turn, execution: Execution, remainingMs: number): void {
  turn.state.timers.set(`attempt ${execution.id}`, turn.nowMs + remainingMs, {
    kind: 'attempt over',
    execution,
  });
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
  turn.journal.tell(node, {
    kind: 'assign order',
    executionId: execution.id,
    lease: execution.lease,
    taskId: task.id,
    module: spec.name,
    attempt: execution.attempt,
    timeoutMs: spec.timeoutMs,
    inputs: inputsOf(task, execution.position),
    ...typesFor(turn.state, node, execution),
  });
  // Once, just when the node has left it unanswered for too long.
  const leftMs = sinceMs + turn.state.livenessOf(node).deadAfterMs - turn.nowMs;
  const nextMs = leftMs > 0 ? Math.min(pauseMs, leftMs) : pauseMs;
  turn.state.timers.set(`assign ${execution.id}`, turn.nowMs + nextMs, {
    kind: 'assign again',
    execution,
    pauseMs: Math.min(pauseMs * 2, ASSIGN_AGAIN_MAX_MS),
    sinceMs,
  });
}

/** The type of the output and the descriptors of its types, where the node's welcome did not contain them. */
function typesFor(
  state: State,
  node: FleetNode,
  { task }: Execution,
): Pick<AssignOrder, 'outputType' | 'descriptors'> {
  const loaded = state.graph(task.graph.key.name, task.graph.key.version);
  if (!loaded) return {};
  const { outputType, descriptors, key } = typesOf(state, loaded, node.module);
  const isKnown = !node.typesByAssignment || node.toldTypes.has(key);
  return { outputType, ...(!isKnown && { descriptors }) };
}

function inputsOf(task: Task, position: number): AssignOrder['inputs'] {
  const { graph, index } = task.graph;
  const { spec } = task.graph.modules[position]!;
  const inputs: AssignOrder['inputs'][number][] = [];
  for (const name of spec.inputs) {
    const override = overrideOf(task, position, name);
    if (name === graph.source.name) {
      inputs.push({ name, type: graph.source.type, ref: override ?? task.input, previous: false });
      continue;
    }
    const from = index.get(name)!;
    const ref = override ?? lastOutput(task, from);
    if (ref) inputs.push({ name, type: task.graph.modules[from]!.spec.output, ref, previous: false });
  }
  for (const name of spec.previous) {
    // A name that stands for both is that of the input.
    const override = spec.inputs.includes(name) ? undefined : overrideOf(task, position, name);
    const ref = override ?? task.pinned.get(name);
    const type = task.graph.modules[index.get(name)!]!.spec.output;
    if (ref) inputs.push({ name, type, ref, previous: true });
  }
  return inputs;
}

/** Where the last output of a module that succeeded or was reused is stored. */
export function lastOutput(task: Task, position: number): PayloadRef | undefined {
  const phase = task.runs[position]?.phase;
  if (phase?.kind === 'reused') return phase.output.ref;
  if (phase?.kind !== 'succeeded') return undefined;
  const { execution } = phase;
  const blob = execution.blobs?.get(execution.committed);
  const { problemId, iterationId } = task.id;
  return { problemId, iterationId, owner: execution.id, seq: execution.committed, ...(blob && { blob }) };
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
  execution.desired = 'stopped';
  execution.stopCause = cause;
  touch(turn, execution.task);
  const commanded = [...state.commands.values()].some(({ parts }) =>
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
      by: 'house',
      target: {
        kind: 'task',
        taskId: execution.task.id,
        module: moduleName(execution.task, execution.position),
        cmd,
      },
      reason,
      parts: [{ nodeId: execution.nodeId, execution }],
    });
  }
  if (AT_ONCE.includes(cause)) {
    endExecution(turn, execution, cause === 'timeout' ? 'failed' : 'cancelled', { by: 'house', error });
  } else {
    armGrace(turn, execution);
  }
}

export function armGrace(turn: Turn, execution: Execution): void {
  turn.state.timers.set(`grace ${execution.id}`, turn.nowMs + turn.house.graceMs, {
    kind: 'grace over',
    execution,
  });
}

/** The task can not be worked on: whatever runs of it is stopped, and it fails. */
function abandonTask(turn: Turn, task: Task, error: ReportedError): void {
  task.error = error;
  task.reason = error.message;
  for (const run of task.runs) {
    const newest = run?.executions.at(-1);
    if (newest && !hasEnded(newest.observed)) stopExecution(turn, newest, 'terminate', error.message);
  }
  endTask(turn, task, 'failed');
}

export function become(task: Task, next: TaskState): void {
  if (!taskMayBecome(task.state, next))
    throw new Error(`task ${task.key} cannot become ${next} from ${task.state}`);
  task.state = next;
}

/** The task leaves the memory; its row is what remains. */
function endTask(turn: Turn, task: Task, end: 'succeeded' | 'failed' | 'cancelled' | 'aborted'): void {
  const { state, journal } = turn;
  become(task, end);
  task.finishedAt = turn.wallMs;
  touch(turn, task);
  journal.fact({
    type: `iteration.${end}`,
    ...aboutTask(task),
    ...(task.error && { error: task.error }),
    ...(task.reason && { reason: task.reason }),
  });
  state.tasks.delete(task.key);
  for (const run of task.runs) {
    for (const execution of run?.executions ?? []) state.executions.delete(execution.id);
  }
  journal.delete('unfinished', [task.problemSeq, task.id.problemId, task.id.iterationId]);
  const problem = state.problems.get(task.id.problemId)!;
  const summary = encodeRow(summaryNow(problem, task));
  writeIndex(turn, task, summary);
  problem.unfinished -= 1;
  if (problem.newestIterationId === task.id.iterationId) {
    journal.put('problems_by_state', [end, task.problemSeq], summary);
  }
  if (problem.unfinished === 0) state.problems.delete(problem.problemId);
}
