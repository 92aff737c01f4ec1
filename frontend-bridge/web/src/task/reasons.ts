import type { GraphJson } from '../../../../src/contract/graph.js';
import type { ModuleJson } from '../../../../src/contract/iteration.js';
import { missingInputs, statesFor, waitingFor } from '../../../../src/model/module-state.js';
import type { TaskView } from '../state/views.js';

/** The view with what each waiting module waits for: an input's coming is the input's event, not the module's. */
export function withReasons(view: TaskView, graph: GraphJson): TaskView {
  const { modules } = view.task;
  let isSame = true;
  const told = Object.entries(modules).map(([name, module]): [string, ModuleJson] => {
    if (module.state !== 'waiting') return [name, module];
    const inputs = graph.modules[name]?.inputs ?? [];
    const states = statesFor(
      name,
      graph.loops ?? [],
      (input) => modules[input]?.state,
      (from) => modules[from]?.loop_end != null,
    );
    const wait = waitingFor(missingInputs(inputs, module.overridden, states));
    if (wait === undefined || module.waiting_reason === wait.reason) return [name, module];
    isSame = false;
    return [name, { ...module, waiting_reason: wait.reason, waiting: wait.waiting }];
  });
  return isSame ? view : { ...view, task: { ...view.task, modules: Object.fromEntries(told) } };
}
