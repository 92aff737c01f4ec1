/**
 * The items of a module with `map`: which of them begin, begin again, are done, or fail the module.
 *
 * I1. They begin in their order, as many at once as the graph says and as there are slots.
 * I2. An item has attempts, pauses and deaths of its own.
 * I3. The first item that fails for good fails the module. What runs for others is stopped by the step that fails it.
 * I4. With `cache`, an item begins once it is known that nothing is there for it to take.
 */
import type { ReportedError } from '../model/protocol.js';
import type { CompiledModule, ItemRun, MappingPhase, Task } from '../model/task.js';
import { isSameWait } from '../model/waiting.js';
import { nextOf, poisonOf, type Tried } from './attempts.js';
import type { Fleet } from './fleet.js';
import type { PlanStep } from './plan.js';

export interface PlannedItems {
  readonly steps: readonly PlanStep[];
  readonly outcome:
    | { readonly kind: 'open' }
    | { readonly kind: 'all done' }
    | { readonly kind: 'failed'; readonly item: number; readonly error: ReportedError };
  /** Look again at this moment of the monotonic clock. */
  readonly followUpMs: number | undefined;
}

/** `mayRecall`: it may take results. */
export function planItems(
  task: Task,
  module: CompiledModule,
  phase: MappingPhase,
  { fleet, nowMs, mayRecall }: { readonly fleet: Fleet; readonly nowMs: number; readonly mayRecall: boolean },
): PlannedItems {
  const planning = new ItemPlanning(task, module, phase, fleet, nowMs, mayRecall);
  const failed = planning.run();
  const { steps, followUpMs, isDone } = planning;
  const outcome = failed
    ? ({ kind: 'failed', ...failed } as const)
    : ({ kind: isDone ? 'all done' : 'open' } as const);
  return { steps, outcome, followUpMs };
}

class ItemPlanning {
  readonly #task: Task;
  readonly #module: CompiledModule;
  readonly #phase: MappingPhase;
  readonly #fleet: Fleet;
  readonly #nowMs: number;
  readonly #mayRecall: boolean;
  readonly steps: PlanStep[] = [];
  followUpMs: number | undefined;
  /** Those that go on after this plan, look-ups included. */
  #open = 0;
  #begun: number;
  #isShort = false;
  /** Some of it goes on by itself. */
  #isAtWork = false;

  constructor(
    task: Task,
    module: CompiledModule,
    phase: MappingPhase,
    fleet: Fleet,
    nowMs: number,
    mayRecall: boolean,
  ) {
    this.#task = task;
    this.#module = module;
    this.#phase = phase;
    this.#fleet = fleet;
    this.#nowMs = nowMs;
    this.#mayRecall = mayRecall;
    this.#begun = phase.begun;
  }

  get #total(): number {
    return this.#task.runs[this.#module.position]!.items!.total;
  }

  get isDone(): boolean {
    return this.#open === 0 && this.#begun === this.#total;
  }

  run(): { readonly item: number; readonly error: ReportedError } | undefined {
    for (const [item, run] of this.#phase.open) {
      // I3.
      const error = this.#consider(item, run);
      if (error) return { item, error };
    }
    this.#beginNext();
    this.#waitForSlot();
    return undefined;
  }

  /** I2. */
  #consider(item: number, run: ItemRun): ReportedError | undefined {
    const { position, spec } = this.#module;
    if (run.phase.kind === 'waiting') {
      this.#open += 1;
      const { retry } = run.phase;
      if (retry && retry.dueMs > this.#nowMs) this.#lookAgain(retry.dueMs);
      else this.#place(item);
      return undefined;
    }
    const { execution } = run.phase;
    const tried: Tried = { spec, attempts: run.attempts, diedBoots: run.diedBoots, isAttemptedOnce: false };
    const next = nextOf(execution, tried);
    if (next.kind === 'succeed') {
      this.steps.push({ kind: 'item done', position, item, execution });
      return undefined;
    }
    if (next.kind === 'fail') return next.error;
    this.#open += 1;
    if (next.kind === 'pause') {
      const { delayMs, reason } = next;
      this.steps.push({ kind: 'retry', position, item, delayMs, reason });
      this.#lookAgain(this.#nowMs + delayMs);
    } else if (next.kind === 'again') {
      this.steps.push({ kind: 'requeue', position, item, reason: next.reason });
      this.#place(item);
    } else if (this.#fleet.isOrphaned(execution)) {
      const error = poisonOf(tried);
      if (error) return error;
      this.#place(item, execution);
    } else this.#isAtWork = true;
    return undefined;
  }

  /** I1. */
  #beginNext(): void {
    const { limit } = this.#module.spec.map!;
    let isLookingUp = false;
    for (
      let item = this.#phase.begun;
      item < this.#total && this.#open < limit && !this.#isShort;
      item += 1
    ) {
      const { position } = this.#module;
      const result = this.#mayRecall ? this.#fleet.recall(this.#module, item) : undefined;
      if (result === 'not known') {
        // I4. The next ones are looked up with it, and none of them begins before it.
        this.steps.push({ kind: 'look up', position, item });
        isLookingUp = true;
        this.#isAtWork = true;
        this.#open += 1;
      } else if (!isLookingUp && result) {
        this.steps.push({ kind: 'recall', position, item, result });
        this.#begun += 1;
      } else if (!isLookingUp) {
        this.#place(item);
        if (this.#isShort) return;
        this.#open += 1;
        this.#begun += 1;
      }
    }
  }

  #place(item: number, replaces?: Extract<PlanStep, { kind: 'place' }>['replaces']): void {
    const nodeId = this.#isShort ? undefined : this.#fleet.take(this.#module);
    if (nodeId === undefined) {
      this.#isShort = true;
      return;
    }
    this.#isAtWork = true;
    this.steps.push({ kind: 'place', position: this.#module.position, item, nodeId, replaces });
  }

  /** In the queue of its slot class it stands once, for all that could begin. It says why while nothing of it goes on. */
  #waitForSlot(): void {
    if (!this.#isShort) return;
    const { position } = this.#module;
    const wait = this.#fleet.shortage(this.#module);
    // Every other step takes it out of the queue.
    const stays = this.steps.every(({ kind }) => kind === 'item done');
    const isQueued = (this.#task.runs[position]?.queued ?? false) && stays;
    const isSaid = this.#isAtWork || isSameWait(wait, this.#phase);
    if (!isQueued || !isSaid) this.steps.push({ kind: 'wait', position, wait, isSilent: isSaid });
  }

  #lookAgain(atMs: number): void {
    this.followUpMs = Math.min(atMs, this.followUpMs ?? Number.POSITIVE_INFINITY);
  }
}
