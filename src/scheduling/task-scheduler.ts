/**
 * The scheduler for tasks: compares what is desired of one task with what was observed of it, and proposes a plan.
 *
 * 1. Pure: it changes nothing, reads no clock and knows no node but through `Fleet`.
 * 2. Modules are considered in topological order, so that what a plan settles reaches its dependents in the same plan.
 * 3. A module with `map` begins when its list has been taken apart, and succeeds when the results of its items are together (`items.ts`).
 * 4. A module with a condition is decided once its inputs are settled, so that no order of arrivals makes another outcome.
 * 5. A task is suspended once nothing of it goes on by itself and a person is to decide: what cannot run yet waits for that decision.
 * 6. A module with `cache` runs once it is known that nothing is there for it to take. Who was reset runs.
 * 7. A loop is decided once nothing of its body is open; to what is not in its body, that is open until the loop has ended.
 * 8. An execution on a dead node is given up only for a successor: until there is one, its late result still counts.
 */
import { type Comparison, holdsBy } from '../base/expression/expression.js';
import type { ApprovalSpec } from '../model/approval.js';
import { type Condition, holdsOfNothing, overrideKey, type Reading } from '../model/condition.js';
import { isDeploymentGraph } from '../model/deployment.js';
import { hasEnded } from '../model/execution.js';
import { exhausted, type LoopEnd } from '../model/loop.js';
import { type ReportedError, withoutStack } from '../model/protocol.js';
import { isServiceGraph } from '../model/service.js';
import type { CompiledLoop, CompiledModule, Execution, MappingPhase, Task } from '../model/task.js';
import { awaitedApproval, loopEndOf, overrideOf, passOf, phaseOf } from '../model/task.js';
import { isSameWait, type Said } from '../model/waiting.js';
import { nextOf, poisonOf, type Tried } from './attempts.js';
import type { Fleet } from './fleet.js';
import { planItems } from './items.js';
import type { Plan, PlanStep } from './plan.js';

/** How a module stands once the plan has been carried out. */
type Standing =
  | 'open'
  | 'succeeded'
  | 'failed'
  | 'failed, ignored'
  | 'skipped'
  /** By its condition, or since all that it would have been given was: that is not a failure. */
  | 'left out';

export function scheduleTask(task: Task, fleet: Fleet, nowMs: number): Plan {
  return task.desired === 'ended' ? new Planning(task, fleet, nowMs).run() : planStop(task, task.desired);
}

/** The users want it stopped: its executions are stopped, and the task ends when they have ended. */
function planStop(task: Task, end: 'cancelled' | 'aborted'): Plan {
  const steps: PlanStep[] = [];
  let running = false;
  for (const module of task.graph.modules) {
    const phase = phaseOf(task, module.position);
    if (phase.kind === 'placed') {
      const { execution } = phase;
      if (hasEnded(execution.observed)) {
        if (execution.observed === 'succeeded')
          steps.push({ kind: 'succeed', position: module.position, execution });
        else steps.push({ kind: 'halt', position: module.position });
      } else {
        running = true;
        if (execution.desired === 'running') steps.push({ kind: 'stop', execution });
      }
    } else if (phase.kind === 'mapping') {
      if (planStopOfItems(module, phase, steps)) running = true;
      else steps.push({ kind: 'halt', position: module.position });
    } else if (phase.kind === 'waiting') {
      steps.push({ kind: 'halt', position: module.position });
    }
  }
  if (!running) steps.push({ kind: 'end', state: end });
  return { steps, followUpMs: undefined };
}

/** Returns whether any of them still runs. */
function planStopOfItems({ position }: CompiledModule, { open }: MappingPhase, steps: PlanStep[]): boolean {
  let running = false;
  for (const [item, { phase }] of open) {
    if (phase.kind !== 'placed') continue;
    const { execution } = phase;
    if (!hasEnded(execution.observed)) {
      running = true;
      if (execution.desired === 'running') steps.push({ kind: 'stop', execution });
    } else if (execution.observed === 'succeeded')
      steps.push({ kind: 'item done', position, item, execution });
  }
  return running;
}

/** The reason of a module whose own condition does not hold. */
const BY_CONDITION = 'condition';
const UNREADABLE: ReportedError = {
  code: 'not_inline',
  message: 'its condition reads a value that is a blob; conditions can only read smaller values',
  retryable: false,
};

const UNREADABLE_LOOP: ReportedError = {
  ...UNREADABLE,
  message: 'the condition of its loop reads a value that is a blob; conditions can only read smaller values',
};

/** How long a disk without room for the results of a map is left alone. */
const ROOM_PAUSE_MS = 1000;

class Planning {
  readonly #task: Task;
  readonly #fleet: Fleet;
  readonly #nowMs: number;
  readonly #steps: PlanStep[] = [];
  readonly #standings: Standing[] = [];
  /** Modules that a person is to decide about. */
  readonly #asked: string[] = [];
  /** How many modules wait for others. */
  #held = 0;
  /** Loops that have not ended. */
  readonly #looping = new Set<CompiledLoop>();
  #followUpMs: number | undefined;

  constructor(task: Task, fleet: Fleet, nowMs: number) {
    this.#task = task;
    this.#fleet = fleet;
    this.#nowMs = nowMs;
  }

  run(): Plan {
    for (const module of this.#task.graph.modules) {
      if (module.position === module.loop?.body[0] && !loopEndOf(this.#task, module.loop))
        this.#looping.add(module.loop);
      this.#standings.push(this.#consider(module));
      if (module.position === module.loop?.body.at(-1)) this.#turn(module.loop);
    }
    const open = this.#standings.filter((standing) => standing === 'open').length;
    if (open === 0) {
      this.#steps.push({ kind: 'end', state: this.#standings.includes('failed') ? 'failed' : 'succeeded' });
    } else if (this.#asked.length > 0 && open === this.#asked.length + this.#held) {
      if (this.#task.state !== 'suspended') this.#steps.push({ kind: 'suspend', modules: this.#asked });
    }
    return { steps: this.#steps, followUpMs: this.#followUpMs };
  }

  #consider(module: CompiledModule): Standing {
    const phase = phaseOf(this.#task, module.position);
    switch (phase.kind) {
      case 'succeeded':
      case 'reused':
      case 'approved':
      case 'served':
      case 'mapped':
        return 'succeeded';
      case 'mapping':
        return this.#mapItems(module, phase);
      case 'skipped':
        return this.#skipped(module, phase.reason);
      case 'stopped':
        return 'skipped';
      case 'failed':
        return this.#failure(module);
      case 'placed':
        return this.#considerPlaced(module, phase.execution);
      case 'waiting':
        if (phase.retry && phase.retry.dueMs > this.#nowMs) {
          this.#followUp(phase.retry.dueMs);
          return 'open';
        }
        return this.#start(module, phase);
      default:
        return phase satisfies never;
    }
  }

  /** After the last module of its body: another pass, or its end. */
  #turn(loop: CompiledLoop): void {
    if (!this.#looping.has(loop)) return;
    const last = loop.body.at(-1)!;
    const decided = this.#decide(loop, this.#standings[last]!);
    if (decided === undefined) return;
    if (decided === 'again') {
      this.#steps.push({ kind: 'again', loop, pass: passOf(this.#task, last)! + 1 });
      for (const position of loop.body) this.#standings[position] = 'open';
      return;
    }
    this.#looping.delete(loop);
    const error =
      decided === 'exhausted' ? exhausted(loop) : decided === 'unreadable' ? UNREADABLE_LOOP : undefined;
    const why = decided === 'unreadable' ? 'failed' : decided;
    this.#steps.push({ kind: 'end loop', loop, why, ...(error && { error }) });
    if (error) this.#standings[last] = this.#failure(this.#task.graph.modules[last]!);
  }

  /** Nothing while it is not known. */
  #decide(loop: CompiledLoop, last: Standing): 'again' | LoopEnd | 'unreadable' | undefined {
    const standings = loop.body.map((position) => this.#standings[position]!);
    if (standings.includes('open')) return undefined;
    if (last === 'failed, ignored' || standings.includes('failed') || standings.includes('skipped'))
      return 'failed';
    if (last === 'left out') return 'skipped';
    const condition = this.#condition(this.#task.graph.modules[loop.body.at(-1)!]!, loop.condition);
    if (condition === 'not yet') return undefined;
    if (condition === 'unreadable') return 'unreadable';
    if (condition === 'met') return 'until';
    if (passOf(this.#task, loop.body.at(-1)!)! < loop.max) return 'again';
    return loop.onMax === 'continue' ? 'max' : 'exhausted';
  }

  /** As it is to a module: what a loop has put out counts outside of it once that has ended. */
  #standingFor(module: CompiledModule, position: number): Standing {
    const { loop } = this.#task.graph.modules[position]!;
    return loop && loop !== module.loop && this.#looping.has(loop) ? 'open' : this.#standings[position]!;
  }

  #considerPlaced(module: CompiledModule, execution: Execution): Standing {
    const { position } = module;
    const next = nextOf(execution, this.#tried(module));
    switch (next.kind) {
      case 'succeed':
        this.#steps.push({ kind: 'succeed', position, execution });
        return 'succeeded';
      case 'fail':
        return this.#fail(module, next.error);
      case 'pause':
        this.#steps.push({ kind: 'retry', position, delayMs: next.delayMs, reason: next.reason });
        this.#followUp(this.#nowMs + next.delayMs);
        return 'open';
      case 'again':
        this.#steps.push({ kind: 'requeue', position, reason: next.reason });
        return this.#start(module, undefined);
      case 'under way':
        return this.#fleet.isOrphaned(execution) ? this.#replace(module, execution) : 'open';
      default:
        return next satisfies never;
    }
  }

  #tried(module: CompiledModule): Tried {
    const { attempts = 1, diedBoots = [] } = this.#task.runs[module.position] ?? {};
    return { spec: module.spec, attempts, diedBoots, isAttemptedOnce: this.#isAttemptedOnce(module) };
  }

  #isAttemptedOnce({ spec }: CompiledModule): boolean {
    const { name } = this.#task.graph.key;
    return (
      spec.run?.work.kind === 'job' ||
      isServiceGraph(name) ||
      (isDeploymentGraph(name) && spec.retry.attempts === 1)
    );
  }

  /** The node is dead: given up as soon as there is a successor, or for good when it has killed too many. */
  #replace(module: CompiledModule, execution: Execution): Standing {
    const poisonous = poisonOf(this.#tried(module));
    if (poisonous) return this.#fail(module, poisonous);
    const nodeId = this.#fleet.take(module);
    if (nodeId !== undefined) {
      this.#steps.push({ kind: 'place', position: module.position, nodeId, replaces: execution });
    } else if (!this.#task.runs[module.position]?.queued) {
      const { waiting, reason } = this.#fleet.shortage(module);
      const wait = { waiting, reason: `its node is dead; ${reason}` };
      this.#steps.push({ kind: 'wait', position: module.position, wait });
    }
    return 'open';
  }

  #fail(module: CompiledModule, error: ReportedError, item?: number): Standing {
    const of = item === undefined ? {} : { item };
    this.#steps.push({ kind: 'fail', position: module.position, error: withoutStack(error), ...of });
    return this.#failure(module);
  }

  #failure(module: CompiledModule): Standing {
    return module.spec.onError === 'ignore' ? 'failed, ignored' : 'failed';
  }

  /** Starts a module whose inputs are there, or says what it waits for. */
  #start(module: CompiledModule, known: Said | undefined): Standing {
    const missing = this.#missingInput(module);
    if (missing === 'not yet') return this.#hold();
    if (missing) return this.#skip(module, missing);
    const condition = module.condition && this.#condition(module, module.condition);
    if (condition === 'not yet') return this.#hold();
    if (condition === 'unreadable') return this.#fail(module, UNREADABLE);
    if (condition === 'unmet') return this.#skip(module, BY_CONDITION);
    if (module.spec.approve) return this.#ask(module, module.spec.approve);
    if (module.spec.serve) return this.#serve(module, known);
    if (module.spec.map) return this.#takeApart(module);
    const { position } = module;
    const result = module.spec.cache && this.#fleet.recall(module);
    if (result === 'not known') {
      this.#steps.push({ kind: 'look up', position });
      return 'open';
    }
    if (result && !this.#wasReset(position)) {
      this.#steps.push({ kind: 'recall', position, result });
      return 'succeeded';
    }
    const nodeId = this.#fleet.take(module);
    if (nodeId !== undefined) {
      this.#steps.push({ kind: 'place', position, nodeId, replaces: undefined });
      return 'open';
    }
    const wait = this.#fleet.shortage(module);
    const queued = this.#task.runs[position]?.queued ?? false;
    if (!queued || !known || !isSameWait(wait, known)) this.#steps.push({ kind: 'wait', position, wait });
    return 'open';
  }

  #takeApart(module: CompiledModule): Standing {
    const { position } = module;
    const list = this.#fleet.listOf(module);
    switch (list.kind) {
      case 'not known':
        this.#steps.push({ kind: 'look up', position });
        return 'open';
      case 'list':
        this.#steps.push({ kind: 'map', position, items: list.items });
        return 'open';
      case 'failed':
        return this.#fail(module, list.error);
      default:
        return list satisfies never;
    }
  }

  #mapItems(module: CompiledModule, phase: MappingPhase): Standing {
    const mayRecall = module.spec.cache === true && !this.#wasReset(module.position);
    const planned = planItems(this.#task, module, phase, {
      ...{ fleet: this.#fleet, nowMs: this.#nowMs, mayRecall },
    });
    this.#steps.push(...planned.steps);
    if (planned.followUpMs !== undefined) this.#followUp(planned.followUpMs);
    const { outcome } = planned;
    if (outcome.kind === 'failed') return this.#fail(module, outcome.error, outcome.item);
    // Their rows are what the list is put together from, so they come first.
    if (outcome.kind === 'open' || planned.steps.length > 0) {
      if (outcome.kind === 'all done') this.#steps.push({ kind: 'look up', position: module.position });
      return 'open';
    }
    return this.#putTogether(module);
  }

  #putTogether(module: CompiledModule): Standing {
    const { position } = module;
    const results = this.#fleet.resultsOf(module);
    switch (results.kind) {
      case 'not known':
        this.#steps.push({ kind: 'look up', position });
        return 'open';
      case 'no room':
        this.#followUp(this.#nowMs + ROOM_PAUSE_MS);
        return 'open';
      case 'together':
        this.#steps.push({ kind: 'mapped', position });
        return 'succeeded';
      case 'failed':
        return this.#fail(module, results.error);
      default:
        return results satisfies never;
    }
  }

  /** Each further pass raises the generation as well. */
  #wasReset(position: number): boolean {
    const { generation = 0, pass = 1 } = this.#task.runs[position] ?? {};
    return generation !== pass - 1;
  }

  /** It waits for others, which are open. */
  #hold(): Standing {
    this.#held += 1;
    return 'open';
  }

  #ask({ position, spec }: CompiledModule, approval: ApprovalSpec): Standing {
    this.#asked.push(spec.name);
    if (!awaitedApproval(phaseOf(this.#task, position)))
      this.#steps.push({ kind: 'ask', position, approval });
    return 'open';
  }

  #serve(module: CompiledModule, known: Said | undefined): Standing {
    const { position } = module;
    const service = this.#fleet.serviceOf(module);
    switch (service.kind) {
      case 'not known':
        this.#steps.push({ kind: 'look up', position });
        return 'open';
      case 'not begun':
        this.#steps.push({ kind: 'serve', position });
        return 'open';
      case 'under way':
        this.#followUp(service.dueMs);
        if (!known || !isSameWait(service.wait, known))
          this.#steps.push({ kind: 'await', position, wait: service.wait });
        return 'open';
      case 'as asked':
        this.#steps.push({ kind: 'served', position });
        return 'succeeded';
      case 'failed':
        return this.#fail(module, service.error);
      default:
        return service satisfies never;
    }
  }

  #skip(module: CompiledModule, reason: string): Standing {
    this.#steps.push({ kind: 'skip', position: module.position, reason });
    return this.#skipped(module, reason);
  }

  /** Whether that goes back to a failure or to conditions only shows in what its inputs came to. */
  #skipped(module: CompiledModule, reason: string): Standing {
    const isLeftOut =
      reason === BY_CONDITION ||
      !module.inputs.some(
        ({ reference, position }) =>
          !overrideOf(this.#task, module.position, reference) &&
          ['failed', 'skipped'].includes(this.#standings[position]!),
      );
    if (isLeftOut) return 'left out';
    return module.spec.onError === 'ignore' ? 'failed, ignored' : 'skipped';
  }

  /** Its inputs are there; what else the condition looks at may be on its way, since an override may have come before it. */
  #condition(module: CompiledModule, condition: Condition): 'met' | 'unmet' | 'not yet' | 'unreadable' {
    const truths = new Map<Comparison, boolean>();
    const { expression, readings } = condition;
    for (const [comparison, reading] of readings) {
      const truth = this.#truth(module, reading, condition === module.condition);
      if (typeof truth === 'string') return truth;
      truths.set(comparison, truth);
    }
    return holdsBy(expression, (comparison) => truths.get(comparison)!) ? 'met' : 'unmet';
  }

  /** `isOwn`: of the module itself rather than of its loop, which sees what others do. */
  #truth(module: CompiledModule, reading: Reading, isOwn: boolean): boolean | 'not yet' | 'unreadable' {
    const { reference, module: of, number } = reading;
    const isOverridden = isOwn && overrideOf(this.#task, module.position, reference) !== undefined;
    if (!isOverridden && of !== undefined) {
      const standing = this.#standingFor(module, this.#task.graph.index.get(of)!);
      if (standing === 'open') return 'not yet';
      if (standing !== 'succeeded') return holdsOfNothing(reading);
    }
    const key = isOverridden ? overrideKey(module.spec.name, reference) : reference;
    return this.#task.compared?.get(key)?.includes(number) ?? 'unreadable';
  }

  /** Why the module can never run, `not yet`, or nothing when all its inputs are there; an override is from the beginning. */
  #missingInput(module: CompiledModule): string | undefined {
    let waits = false;
    let isGiven = module.takesSource;
    let leftOut: string | undefined;
    for (const { reference, position } of module.inputs) {
      if (overrideOf(this.#task, module.position, reference)) {
        isGiven = true;
        continue;
      }
      const { name } = this.#task.graph.modules[position]!.spec;
      const standing = this.#standingFor(module, position);
      switch (standing) {
        case 'open':
          waits = true;
          break;
        case 'failed':
          return `${name} failed`;
        case 'skipped':
          return `${name} was skipped`;
        case 'left out':
          leftOut ??= `${name} was skipped`;
          break;
        case 'succeeded':
          isGiven = true;
          break;
        case 'failed, ignored':
          break;
        default:
          standing satisfies never;
      }
    }
    if (waits) return 'not yet';
    return isGiven ? undefined : leftOut;
  }

  #followUp(atMs: number): void {
    this.#followUpMs = Math.min(atMs, this.#followUpMs ?? Number.POSITIVE_INFINITY);
  }
}
