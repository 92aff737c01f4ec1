/**
 * The tasks that the front ends name, in the orchestrator's words.
 *
 * A problem's alias is its `created_seq`: the number of the event that created it. It is stored with every problem; it never
 * changes and no other problem ever gets it, over restarts and removals too.
 */

import { everyItem, listOf } from '../../src/base/every-item.js';
import { formatTaskId, type TaskId } from '../../src/model/task-id.js';
import type { Found, Refusal, View, Workspace } from '../../src/orchestrator/port.js';
import { bad, Refused, refusedBy } from './refused.js';
import { CLIENT, GRAPH, MOST_ALIAS, type TaskName } from './words.js';

export interface Known {
  readonly id: TaskId;
  readonly name: TaskName;
}

const UNFINISHED = ['waiting', 'running', 'suspended'] as const;
const PAGE = 200;

export class Tasks {
  readonly #coordinator: Pick<Workspace, 'queries'>;
  /** Submitted here in the life of this process, and not found to have ended. */
  readonly #open = new Map<string, Known>();
  #last: Known | undefined;

  constructor(coordinator: Pick<Workspace, 'queries'>) {
    this.#coordinator = coordinator;
  }

  /** A task that came through here. */
  async submitted(problemId: string, iterationId: number): Promise<Known> {
    const problem = foundIn(await this.#coordinator.queries.problem(problemId));
    const known = knownAs(problem, iterationId);
    this.#last = known;
    this.#open.set(formatTaskId(known.id), known);
    return known;
  }

  /** The task of this name; nothing where there is none. */
  async find(name: TaskName): Promise<Known | undefined> {
    const found = await this.#coordinator.queries.problemCreatedAt(name.problem_id);
    if ('ok' in found) {
      if (found.kind === 'not_found') return undefined;
      throw refusedBy(found);
    }
    const { graph, problem_id, newest_iteration_id } = found.value;
    const isThere = name.iteration_id >= 1 && name.iteration_id <= Number(newest_iteration_id);
    return graph === GRAPH && isThere
      ? { id: { problemId: String(problem_id), iterationId: name.iteration_id }, name }
      : undefined;
  }

  /** The problem of this alias; nothing where there is none. */
  async problem(alias: number): Promise<View | undefined> {
    const found = await this.#coordinator.queries.problemCreatedAt(alias);
    if ('ok' in found) {
      if (found.kind === 'not_found') return undefined;
      throw refusedBy(found);
    }
    return found.value.graph === GRAPH ? found.value : undefined;
  }

  /** What came through here last; after a start, the newest iteration of the newest problem. */
  async last(): Promise<Known | undefined> {
    if (this.#last) return this.#last;
    const { items } = foundIn(await this.#coordinator.queries.problems({ graph: GRAPH }, { limit: 1 }));
    const [newest] = items;
    return newest && knownAs(newest, Number(newest.newest_iteration_id));
  }

  /** Every unfinished task that came through here, in this process or in one before. */
  async unfinished(): Promise<Known[]> {
    const found = new Map(this.#open);
    for (const state of UNFINISHED) {
      for (const problem of await this.#problems(state)) {
        for (const iteration of await this.iterations(String(problem.problem_id))) {
          const isOurs = iteration.client === CLIENT && UNFINISHED.includes(iteration.state as never);
          const known = knownAs(problem, Number(iteration.iteration_id));
          if (isOurs) found.set(formatTaskId(known.id), known);
        }
      }
    }
    return [...found.values()];
  }

  ended(id: TaskId): void {
    this.#open.delete(formatTaskId(id));
  }

  /** The newest of a problem, newest first. */
  async iterations(problemId: string): Promise<readonly View[]> {
    const found = await this.#coordinator.queries.problem(problemId);
    return 'ok' in found ? [] : (found.value.newest_iterations as readonly View[]);
  }

  /** The newest problems, by their newest iteration. */
  async newest(limit: number): Promise<readonly View[]> {
    return foundIn(await this.#coordinator.queries.problems({ graph: GRAPH }, { limit })).items;
  }

  #problems(state: (typeof UNFINISHED)[number]): Promise<View[]> {
    const { queries } = this.#coordinator;
    return listOf(
      everyItem(async (page) => foundIn(await queries.problems({ graph: GRAPH, state }, page)), PAGE),
    );
  }
}

export function knownAs(problem: View, iterationId: number): Known {
  const alias = Number(problem.created_seq);
  if (!(alias <= MOST_ALIAS))
    throw new Refused(409, 'no_alias', `The front ends cannot name a problem beyond ${MOST_ALIAS}.`);
  return {
    id: { problemId: String(problem.problem_id), iterationId },
    name: { problem_id: alias, iteration_id: iterationId },
  };
}

export function foundIn<T>(found: Found<T> | Refusal): T {
  if ('ok' in found) throw refusedBy(found);
  return found.value;
}

/** Of a body's `task_id`; nothing where there is none. Throws `Refused`. */
export function readTaskName(value: unknown): TaskName | undefined {
  if (value === undefined || value === null) return undefined;
  const { problem_id, iteration_id } = value as Partial<TaskName>;
  const isOne = (id: unknown): id is number =>
    typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 2 ** 32;
  if (!isOne(problem_id) || !isOne(iteration_id))
    throw bad('invalid_body', 'task_id must have a problem_id and an iteration_id, whole numbers ≥ 0.');
  return { problem_id, iteration_id };
}
