/**
 * Chains: an iteration that asks for n outputs is followed by one that asks for n − 1, from the same input, without the models so far.
 *
 * C1. The next one is registered before the footprint of the one before is answered: the form asks for it as soon as it reads that.
 * C2. It is registered once, whatever fails meanwhile: its idempotency key is its parent's name, and after a start a parent that has a
 *     child already is left alone.
 * C3. An iteration without a footprint (failed, cancelled) ends its chain.
 */
import { JsonText, membersOf, printJson } from '../../src/base/json/json-text.js';
import type { Logger } from '../../src/base/logger.js';
import { formatTaskId } from '../../src/model/task-id.js';
import type { View, Workspace } from '../../src/orchestrator/port.js';
import type { Optimizations } from './optimizations.js';
import type { Payloads } from './payloads.js';
import { refusedBy } from './refused.js';
import { type Known, knownAs, type Tasks } from './tasks.js';
import { extraFields, extraText, namesOf, outputsOf } from './user-input.js';
import { hasEnded, type Waits } from './waits.js';
import { CARBON_FOOTPRINT, CLIENT, ML_MODEL, ML_MODEL_METADATA, NODES } from './words.js';

/** Problems that are looked at after a start for a chain that was cut off. */
const LOOKED_AT = 200;
/** As long as the orchestrator remembers a key, nothing is registered twice. */
const RESUMED_WITHIN_MS = 23 * 60 * 60 * 1000;
/** Refusals that pass: too many tasks, no room. */
const TRIES = 5;
const TRY_AGAIN_MS = 1_000;

const moduleOf = (id: number): string => NODES[id]!.module;

export interface ChainsDeps {
  readonly coordinator: Pick<Workspace, 'request' | 'queries'>;
  readonly tasks: Tasks;
  readonly waits: Waits;
  readonly payloads: Payloads;
  readonly optimizations: Optimizations;
  readonly logger: Logger;
}

export class Chains {
  readonly #deps: ChainsDeps;
  readonly #followed = new Map<string, Promise<Known | undefined>>();
  readonly #stopped = new AbortController();

  constructor(deps: ChainsDeps) {
    this.#deps = deps;
  }

  /** Takes up the chains that an earlier process has left. */
  async start(): Promise<void> {
    const { tasks } = this.#deps;
    const found = new Map<string, Known>();
    for (const known of await tasks.unfinished()) found.set(formatTaskId(known.id), known);
    for (const problem of await tasks.newest(LOOKED_AT)) {
      const [iteration] = await tasks.iterations(String(problem.problem_id));
      const endedMs = Date.parse(String(iteration?.finished_at));
      const isRecent = Date.now() - endedMs < RESUMED_WITHIN_MS;
      if (iteration?.client !== CLIENT || iteration.state !== 'succeeded' || !isRecent) continue;
      const known = knownAs(problem, Number(iteration.iteration_id));
      found.set(formatTaskId(known.id), known);
    }
    for (const known of found.values()) this.follow(known);
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Sees to it that the task is followed by the next of its chain. */
  follow(task: Known): void {
    const key = formatTaskId(task.id);
    if (this.#followed.has(key)) return;
    const next = this.#next(task).catch((thrown: unknown) => {
      if (!this.#stopped.signal.aborted)
        this.#deps.logger.warn({ err: thrown, task: key }, 'a chain of iterations was cut off');
      return undefined;
    });
    this.#followed.set(key, next);
    void next.finally(() => {
      this.#followed.delete(key);
      this.#deps.tasks.ended(task.id);
    });
  }

  /** Whether a task whose footprint is there has a next one: of its chain, or of the campaign that has begun it. */
  async nextOf(task: Known): Promise<boolean> {
    const next = await this.#deps.optimizations.hasNext(task.id);
    if (next !== undefined) return next;
    const followed = this.#followed.get(formatTaskId(task.id));
    if (followed) return (await followed) !== undefined;
    return this.#hasChild(task);
  }

  /** C1. Until everything that is due has been registered. */
  async settled(tasks: readonly Known[]): Promise<void> {
    const due = tasks.map(async (task) => {
      const next = this.#followed.get(formatTaskId(task.id));
      const { modules, state } = (await this.#deps.waits.until(task.id, (view) => view)) as View & {
        modules: Record<string, View>;
      };
      const isDue = ['succeeded', 'reused'].includes(String(modules[moduleOf(CARBON_FOOTPRINT)]?.state));
      if (isDue || hasEnded({ state })) await next;
    });
    await Promise.all(due);
  }

  async #next(task: Known): Promise<Known | undefined> {
    const { coordinator, tasks, waits, payloads } = this.#deps;
    const { signal } = this.#stopped;
    const begun = await waits.until(task.id, (view) => view, signal);
    const input = await payloads.input(begun);
    const outputs = outputsOf(input);
    const hasFootprint = await waits.until(task.id, footprintOf, signal);
    // C3. A campaign begins its iterations itself.
    if (await this.#deps.optimizations.isUnderWay(task.id.problemId)) return undefined;
    if (outputs < 2 || hasFootprint === 'none') return undefined;
    if (await this.#hasChild(task)) return undefined;
    const next = await this.#inputAfter(task, input, outputs);
    const { problemId, iterationId } = task.id;
    const request = {
      kind: 'iterate',
      problemId,
      parentIterationId: iterationId,
      input: next,
      client: CLIENT,
    } as const;
    // A parent has succeeded once its last module has, which is the footprint's in this graph.
    await waits.until(task.id, (view) => (hasEnded(view) ? true : undefined), signal);
    for (let tries = 1; ; tries += 1) {
      // C2.
      const answer = await coordinator.request(request, `sustainml-chain/${formatTaskId(task.id)}`);
      if (answer.ok) {
        const known = await tasks.submitted(problemId, Number(answer.body.iteration_id));
        this.follow(known);
        return known;
      }
      const mayPass = answer.kind === 'too_many' || answer.kind === 'unavailable';
      if (!mayPass || tries === TRIES) throw refusedBy(answer);
      await pause(TRY_AGAIN_MS, signal);
    }
  }

  async #hasChild({ id }: Known): Promise<boolean> {
    const iterations = await this.#deps.tasks.iterations(id.problemId);
    return iterations.some(
      ({ parent_iteration_id, client, iteration_id }) =>
        parent_iteration_id === id.iterationId && client === CLIENT && Number(iteration_id) > id.iterationId,
    );
  }

  /** The same input, from the next on. */
  async #inputAfter({ id, name }: Known, input: View, outputs: number): Promise<View> {
    const { payloads } = this.#deps;
    const [metadata, model, footprint] = await Promise.all([
      payloads.output(id, moduleOf(ML_MODEL_METADATA)),
      payloads.output(id, moduleOf(ML_MODEL)),
      payloads.output(id, moduleOf(CARBON_FOOTPRINT)),
    ]);
    const extra = extraFields(input.extra_data);
    const restrains = [
      ...namesOf(extra.model_restrains),
      ...namesOf(extraFields(footprint.extra_data).model_restrains),
      ...namesOf([model.model]),
    ];
    const changed = {
      goal: namesOf(metadata.ml_model_metadata).join(', '),
      num_outputs: outputs - 1,
      model_restrains: [...new Set(restrains)],
      previous_problem_id: name.problem_id,
    };
    const members = membersOf(extraText(input.extra_data)) ?? new Map<string, JsonText>();
    for (const [member, value] of Object.entries(changed))
      members.set(member, new JsonText(JSON.stringify(value)));
    const text = printJson(Object.fromEntries(members));
    return {
      ...input,
      previous_iteration: id.iterationId,
      extra_data: Buffer.from(text).toString('base64'),
    };
  }
}

/** Whether there is a footprint; nothing as long as there may be one. */
function footprintOf(iteration: View): 'there' | 'none' | undefined {
  const modules = iteration.modules as Record<string, View>;
  const state = modules[moduleOf(CARBON_FOOTPRINT)]?.state;
  if (state === 'succeeded' || state === 'reused') return 'there';
  return hasEnded(iteration) ? 'none' : undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
