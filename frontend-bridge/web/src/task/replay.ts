/**
 * A task as it was after any of its events, from the events and its graph alone.
 *
 * 1. The rules are the live view's own (`reduceTask`): a replay shows what a person who watched has seen.
 * 2. Every `STEP`th view is kept, so that going anywhere costs at most `STEP` events.
 */
import type { EventJson } from '../../../../src/contract/event.js';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { ModuleJson, TaskJson } from '../../../../src/contract/iteration.js';
import { NOT_BEGUN, reduceTask } from '../state/task-reducer.js';
import type { TaskView } from '../state/views.js';

const STEP = 250;

export class Replay {
  readonly #kept: TaskView[];

  /** Only what never changes is taken from `task`: its ids, its input and overrides, its parent. */
  constructor(task: TaskJson, graph: GraphJson) {
    const modules = Object.keys(graph.modules).map((name): [string, ModuleJson] => [
      name,
      {
        ...NOT_BEGUN,
        pass: graph.loops?.some((loop) => loop.modules.includes(name)) ? 1 : null,
        overridden: task.overridden[name] ?? [],
      },
    ]);
    const inputs = Object.entries(graph.modules).map(([name, spec]): [string, readonly string[]] => [
      name,
      spec.inputs,
    ]);
    this.#kept = [
      {
        kind: 'task',
        passed: {},
        observed: {},
        inputs: Object.fromEntries(inputs),
        task: { ...task, state: 'waiting', error: null, reason: null, modules: Object.fromEntries(modules) },
      },
    ];
  }

  /** The task after the first `count` of `events`: always the same list, which may have grown since the last call. */
  viewAfter(events: readonly EventJson[], count: number): TaskView {
    const wanted = Math.floor(Math.min(count, events.length) / STEP);
    for (let step = this.#kept.length; step <= wanted; step += 1) {
      const before = this.#kept[step - 1];
      if (before) this.#kept.push(play(before, events, (step - 1) * STEP, step * STEP));
    }
    const start = this.#kept[wanted];
    if (!start) throw new Error('a replay keeps every step up to the one that is asked for');
    return play(start, events, wanted * STEP, count);
  }
}

function play(view: TaskView, events: readonly EventJson[], from: number, to: number): TaskView {
  let played = view;
  for (const event of events.slice(from, to)) played = reduceTask(played, event).view;
  return played;
}
