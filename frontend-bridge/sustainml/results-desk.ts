/** `/results`: waits for the requested results, in the order that the form needs. */

import { formatTaskId } from '../../src/model/task-id.js';
import type { View } from '../../src/orchestrator/port.js';
import type { Chains } from './chains.js';
import type { FirstNode } from './first-node.js';
import { isOptimized } from './optimizations.js';
import type { Payloads } from './payloads.js';
import { bad, Refused } from './refused.js';
import { failureOf, shownFailure, shownOutput } from './results.js';
import { type Known, readTaskName, type Tasks } from './tasks.js';
import { extraFields, namesOf, outputsOf, shownInput } from './user-input.js';
import { hasEnded, type Waits } from './waits.js';
import {
  ALL,
  APP_REQUIREMENTS,
  CARBON_FOOTPRINT,
  type FormNode,
  MAX,
  NODES,
  nodeOf,
  ORCHESTRATOR,
  type TaskName,
} from './words.js';

export interface DeskDeps {
  readonly tasks: Tasks;
  readonly waits: Waits;
  readonly chains: Chains;
  readonly payloads: Payloads;
  readonly first: FirstNode;
}

/** A request while it lasts. */
export interface Asking {
  /** Aborted when its client goes away. */
  readonly signal: AbortSignal;
  /** Settles when the answer has been written (true), or can no longer be written (false). */
  readonly written: Promise<boolean>;
}

export interface DeskAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> | string;
}

/** Who waits at a time; each takes a connection and a little memory. */
const MOST_WAITING = 1_000;
const NO_TASK: TaskName = { problem_id: 0, iteration_id: 0 };
const NOTHING_YET = 'Nodes have not reported any output yet.\n';

export class ResultsDesk {
  readonly #deps: DeskDeps;
  #waiting = 0;

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  /** `GET /results`: all of the last task. */
  async last(asking: Asking): Promise<DeskAnswer> {
    const task = await this.#deps.tasks.last();
    if (!task) return { status: 200, body: NOTHING_YET };
    return { status: 200, body: await this.#counted(() => this.#all(task, asking.signal)) };
  }

  /** `POST /results`. Throws `Refused`. */
  async ask(body: View, asking: Asking): Promise<DeskAnswer> {
    const { node_id: id } = body;
    if (id !== undefined && id !== null && typeof id !== 'number')
      throw bad('invalid_body', 'node_id must be a number.');
    const name = readTaskName(body.task_id);
    const task = name ? await this.#deps.tasks.find(name) : await this.#deps.tasks.last();
    const asked = name ?? task?.name ?? NO_TASK;
    if (id === ORCHESTRATOR) return { status: 200, body: { ORCHESTRATOR: await this.#input(task, asked) } };
    if (id === ALL) {
      if (task) return { status: 200, body: await this.#counted(() => this.#all(task, asking.signal)) };
      const failures = NODES.map((node) => [node.name, unknownTask(node, asked)]);
      return { status: 404, body: { ...Object.fromEntries(failures), task_id: asked } };
    }
    const node = nodeOf(id);
    if (!node) {
      const word = id === MAX ? 'MAX' : 'UNKNOWN';
      const message = `${word} node does not have any results to show.`;
      return { status: 200, body: { [word]: { message, task_id: asked } } };
    }
    if (!task) return { status: 404, body: { [node.name]: unknownTask(node, asked) } };
    return {
      status: 200,
      body: { [node.name]: await this.#counted(() => this.#ordered(node, task, asking)) },
    };
  }

  async #counted<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MOST_WAITING)
      throw new Refused(503, 'too_many_waiting', `${MOST_WAITING} requests wait for results already.`);
    this.#waiting += 1;
    try {
      return await wait();
    } finally {
      this.#waiting -= 1;
    }
  }

  async #ordered(node: FormNode, task: Known, { signal, written }: Asking): Promise<View> {
    const { first } = this.#deps;
    const key = formatTaskId(task.id);
    if (node.id !== APP_REQUIREMENTS) {
      const result = await this.#result(node, task, signal);
      await first.turn(key, signal);
      return result;
    }
    const over = first.asked(key);
    void written.then(over);
    return this.#result(node, task, signal);
  }

  async #all(task: Known, signal: AbortSignal): Promise<Record<string, unknown>> {
    const results = await Promise.all(
      NODES.map(async (node) => [node.name, await this.#result(node, task, signal)] as const),
    );
    return { ...Object.fromEntries(results), task_id: task.name };
  }

  async #result(node: FormNode, task: Known, signal: AbortSignal): Promise<View> {
    const { waits, payloads } = this.#deps;
    const { iteration, isThere } = await waits.until(task.id, (view) => settledFor(node, view), signal);
    if (!isThere) return shownFailure(node, task.name, failureOf(node, iteration));
    const output = await payloads.output(task.id, node.module);
    const chain =
      node.id === CARBON_FOOTPRINT ? await this.#chain(task, iteration) : { outputs: 1, restrains: [] };
    return shownOutput(node, output, task.name, chain);
  }

  /** The user's request; more than one output only where the next iteration is registered. */
  async #chain(task: Known, iteration: View): Promise<{ outputs: number; restrains: string[] }> {
    const input = await this.#deps.payloads.input(iteration);
    // The front end looks for the next iteration where more than one output is asked for.
    const asked = isOptimized(input) ? Math.max(2, outputsOf(input)) : outputsOf(input);
    const outputs = asked > 1 && !(await this.#deps.chains.nextOf(task)) ? 1 : asked;
    return { outputs, restrains: namesOf(extraFields(input.extra_data).model_restrains) };
  }

  async #input(task: Known | undefined, asked: TaskName): Promise<View> {
    if (!task) {
      const words = `{problem_id: ${asked.problem_id}, iteration_id: ${asked.iteration_id}}`;
      return { Error: `Failed to get ORCHESTRATOR data for task ${words}` };
    }
    const iteration = await this.#deps.waits.until(task.id, (view) => view);
    return shownInput(await this.#deps.payloads.input(iteration), task.name);
  }
}

/** Nothing as long as the node may have an output. */
function settledFor(node: FormNode, iteration: View): { iteration: View; isThere: boolean } | undefined {
  const module = (iteration.modules as Record<string, View>)[node.module];
  const isThere = module?.state === 'succeeded' || module?.state === 'reused';
  return isThere || hasEnded(iteration) ? { iteration, isThere } : undefined;
}

function unknownTask(node: FormNode, { problem_id, iteration_id }: TaskName): View {
  const why = `there is no iteration ${iteration_id} of a problem ${problem_id}`;
  return shownFailure(node, { problem_id, iteration_id }, why);
}
