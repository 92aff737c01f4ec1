/** Running a module again with other inputs: what that asks of the orchestrator. */

import { printIndented } from '../../../../src/base/json/exact.js';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import type { Created } from '../api/commands.js';
import { postJson } from '../api/http.js';
import { isDone } from '../display/tone.js';
import { modulesOf, outputAt } from '../graphs/outputs.js';

/** A module of a task that is to run again. */
export interface RerunSubject {
  readonly task: TaskJson;
  readonly graph: GraphJson;
  readonly module: string;
}

export interface Rerun {
  readonly parent_iteration_id: number;
  /** Modules whose outputs are taken as they are: nothing runs for them. */
  readonly reuse: readonly string[];
  /** By module and input, what it gets instead of what was recorded. */
  readonly overrides?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export function rerun(problemId: string, asked: Rerun, key: string): Promise<Created> {
  return postJson(`problems/${encodeURIComponent(problemId)}/iterations`, asked, key);
}

/** What a module was given: what the graph gives it, or what stood in its place. Without decisions: nothing may stand in their place. */
export function recordedInputs(
  task: TaskJson,
  graph: GraphJson,
  module: string,
): Readonly<Record<string, unknown>> {
  return { ...givenInputs(task, graph, module), ...task.overrides[module] };
}

/** What the graph gives a module, but for decisions: by input, the input of the task or the output of another module. */
export function givenInputs(
  task: TaskJson,
  graph: GraphJson,
  module: string,
): Readonly<Record<string, unknown>> {
  const names = (graph.modules[module]?.inputs ?? []).filter((name) => !graph.modules[name]?.approve);
  return Object.fromEntries(
    names.map((name) => [name, name === graph.source.name ? task.input : outputAt(task, name)]),
  );
}

/** The modules that have an output and need not run again: all but the module itself and what follows from it. */
export function reusable(task: TaskJson, graph: GraphJson, module: string): string[] {
  const again = new Set([module]);
  // As often as there are modules: whatever the order they are named in, each pass settles at least one.
  for (const _ of Object.keys(graph.modules)) {
    for (const [name, { inputs }] of Object.entries(graph.modules)) {
      if (modulesOf(inputs).some((input) => again.has(input))) again.add(name);
    }
  }
  const isReusable = (name: string): boolean =>
    !again.has(name) && isDone(task.modules[name]?.state ?? 'waiting');
  // A decision is taken over with all that it was about only.
  const isAbout = (name: string): boolean =>
    modulesOf(graph.modules[name]?.inputs).every((input) => input === graph.source.name || isReusable(input));
  return Object.keys(graph.modules).filter(
    (name) => isReusable(name) && (!graph.modules[name]?.approve || isAbout(name)),
  );
}

/** The inputs that are not what the graph gives. */
export function changedInputs(
  given: Readonly<Record<string, unknown>>,
  edited: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(edited).filter(
      ([name, value]) => printIndented(value) !== printIndented(given[name] ?? null),
    ),
  );
}
