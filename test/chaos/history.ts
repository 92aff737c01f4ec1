/**
 * What a list of events may and may not say, whatever happened to the system meanwhile. Fed one by one in their order; remembers of each
 * task and execution what it needs to judge the next.
 */
import type { WatchedEvent } from './journal.js';

export interface ExecutionHistory {
  readonly id: string;
  readonly task: string;
  readonly module: string;
  readonly nodeId: string;
  readonly assignedSeq: number;
  readonly attempt: number;
  outputs: number;
  end: string | undefined;
  /** The seq of the event from which on no output may be recorded. */
  stopSeq: number | undefined;
  /** When its stop was complete, and on whose account: an event's seq. */
  stopped: { readonly seq: number; readonly at: string } | undefined;
}

interface TaskHistory {
  readonly submittedSeq: number;
  end: string | undefined;
  /** Placed and not ended, by module. */
  readonly live: Map<string, string>;
}

const EXECUTION_ENDS = ['succeeded', 'failed', 'cancelled', 'preempted', 'rejected', 'lost'];
const TASK_ENDS = ['succeeded', 'failed', 'cancelled', 'aborted'];
/** What a node can bring about; nothing of it may come of a process that has been replaced. */
const BY_NODE = ['accepted', 'running', 'progress', 'succeeded', 'failed', 'rejected'];

/** Modules whose outputs a reset of one discards, by graph: itself and all that follow from it. */
const FOLLOWERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  line: { alpha: ['alpha', 'beta', 'gamma'], beta: ['beta', 'gamma'], gamma: ['gamma'] },
  web: { alpha: ['alpha', 'epsilon'], delta: ['delta', 'epsilon'], epsilon: ['epsilon'] },
  scripts: { cut: ['cut', 'weld', 'paint'], weld: ['weld', 'paint'], paint: ['paint'] },
};

export class History {
  readonly faults: string[] = [];
  readonly tasks = new Map<string, TaskHistory>();
  readonly executions = new Map<string, ExecutionHistory>();
  /** Problems by their titles: clients give each its idempotency key. */
  readonly titles = new Map<string, string[]>();
  readonly counts: Record<string, number> = {};
  /** Nodes that were replaced, left or died, with seq and time of the event. */
  readonly upheavals = new Map<string, { readonly seq: number; readonly at: string }[]>();
  #seq = 0;
  readonly #graphs = new Map<string, string>();
  readonly #joined = new Map<string, number>();

  take(event: WatchedEvent): void {
    if (event.seq !== this.#seq + 1) this.#fault(event, `follows ${this.#seq}`);
    this.#seq = event.seq;
    this.counts[event.type] = (this.counts[event.type] ?? 0) + 1;
    const [kind, what] = event.type.split('.') as [string, string];
    if (kind === 'problem') this.#takeProblem(event);
    else if (kind === 'iteration') this.#takeIteration(event, what);
    else if (kind === 'execution') this.#takeExecution(event, what);
    else if (kind === 'output' && what === 'recorded') this.#takeOutput(event);
    else if (kind === 'module' && this.#task(event)?.end) this.#fault(event, 'of a task that has ended');
    else if (kind === 'node') this.#takeNode(event, what);
    else if (kind === 'command') this.#takeCommand(event, what);
  }

  get cursor(): number {
    return this.#seq;
  }

  #takeProblem(event: WatchedEvent): void {
    const title = String(event.title);
    this.titles.set(title, [...(this.titles.get(title) ?? []), event.problem_id!]);
    this.#graphs.set(event.problem_id!, String(event.graph));
  }

  #takeIteration(event: WatchedEvent, what: string): void {
    const id = taskIdOf(event);
    if (what === 'submitted') {
      if (this.tasks.has(id)) this.#fault(event, 'was submitted before');
      const before = `${event.problem_id}/${event.iteration_id! - 1}`;
      if (event.iteration_id! > 1 && !this.tasks.has(before)) this.#fault(event, `comes before ${before}`);
      this.tasks.set(id, { submittedSeq: event.seq, end: undefined, live: new Map() });
      return;
    }
    const task = this.tasks.get(id);
    if (!task) {
      this.#fault(event, 'was not submitted');
      return;
    }
    if (task.end) this.#fault(event, `has ended as ${task.end}`);
    if (!TASK_ENDS.includes(what)) return;
    task.end = what;
    for (const [module, execution] of task.live)
      this.#fault(event, `ends while ${execution} of ${module} is at work`);
  }

  #takeExecution(event: WatchedEvent, what: string): void {
    const id = event.execution_id!;
    const task = this.#task(event);
    if (what === 'assigned') {
      if (this.executions.has(id)) this.#fault(event, 'was assigned before');
      if (!task || task.end) {
        this.#fault(event, 'of a task that is not under way');
        return;
      }
      const other = task.live.get(event.module!);
      if (other) this.#fault(event, `beside ${other}`);
      task.live.set(event.module!, id);
      this.executions.set(id, {
        ...{ id, task: taskIdOf(event), module: event.module!, nodeId: event.node_id! },
        ...{
          assignedSeq: event.seq,
          attempt: event.attempt as number,
          outputs: 0,
          end: undefined,
          stopSeq: undefined,
          stopped: undefined,
        },
      });
      return;
    }
    if (what === 'log') return;
    const execution = this.executions.get(id);
    if (!execution) {
      this.#fault(event, 'was never assigned');
      return;
    }
    if (execution.end) this.#fault(event, `has ended as ${execution.end}`);
    if (BY_NODE.includes(what) && !(what === 'failed' && isOfHouse(event))) this.#checkBoot(event, execution);
    if (what === 'succeeded' && execution.stopSeq !== undefined) this.#fault(event, 'was to stop');
    if (!EXECUTION_ENDS.includes(what)) return;
    execution.end = what;
    if (event.outputs !== execution.outputs)
      this.#fault(event, `has ${String(event.outputs)} outputs, ${execution.outputs} were recorded`);
    if (task?.live.get(execution.module) === id) task.live.delete(execution.module);
  }

  #takeOutput(event: WatchedEvent): void {
    const execution = this.executions.get(event.execution_id!);
    if (!execution) {
      this.#fault(event, 'is of no execution');
      return;
    }
    if (execution.end) this.#fault(event, `its execution has ended as ${execution.end}`);
    if (execution.stopSeq !== undefined)
      this.#fault(event, `its execution was to stop at ${execution.stopSeq}`);
    if (event.output_seq !== execution.outputs + 1)
      this.#fault(event, `output ${String(event.output_seq)} after ${execution.outputs}`);
    execution.outputs += 1;
    this.#checkBoot(event, execution);
  }

  /** Of a process that another one has replaced nothing counts. */
  #checkBoot(event: WatchedEvent, execution: ExecutionHistory): void {
    const joined = this.#joined.get(execution.nodeId) ?? 0;
    if (joined > execution.assignedSeq) this.#fault(event, `its node was replaced at ${joined}`);
  }

  #takeNode(event: WatchedEvent, what: string): void {
    if (what === 'joined') this.#joined.set(event.node_id!, event.seq);
    if (what !== 'joined' && what !== 'left' && what !== 'dead') return;
    const upheavals = this.upheavals.get(event.node_id!) ?? [];
    upheavals.push({ seq: event.seq, at: event.at });
    this.upheavals.set(event.node_id!, upheavals);
  }

  #takeCommand(event: WatchedEvent, what: string): void {
    if (what === 'stopped') {
      const execution =
        event.execution_id === undefined ? undefined : this.executions.get(event.execution_id);
      if (execution) execution.stopped = { seq: event.seq, at: event.at };
      return;
    }
    if (what !== 'issued' || event.iteration_id === undefined) return;
    const graph = this.#graphs.get(event.problem_id!) ?? '';
    const named = event.module;
    const modules =
      named === undefined || event.command === 'stop' || event.command === 'terminate'
        ? Object.keys(FOLLOWERS[graph] ?? {})
        : event.command === 'reset'
          ? (FOLLOWERS[graph]?.[named] ?? [])
          : [named];
    for (const [module, id] of this.#task(event)?.live ?? []) {
      const execution = this.executions.get(id)!;
      if (modules.includes(module)) execution.stopSeq ??= event.seq;
    }
  }

  #task(event: WatchedEvent): TaskHistory | undefined {
    return event.iteration_id === undefined ? undefined : this.tasks.get(taskIdOf(event));
  }

  #fault(event: WatchedEvent, why: string): void {
    this.faults.push(`event ${event.seq} ${event.type} ${event.execution_id ?? taskIdOf(event)}: ${why}`);
  }
}

export function taskIdOf(event: Pick<WatchedEvent, 'problem_id' | 'iteration_id'>): string {
  return `${event.problem_id}/${event.iteration_id}`;
}

/** The orchestrator's own verdict: the node had no part in it. */
function isOfHouse(event: WatchedEvent): boolean {
  const code = (event.error as { code?: string } | undefined)?.code;
  return code === 'timeout' || code === 'bad_payload' || code === 'too_large' || code === 'deaf';
}
