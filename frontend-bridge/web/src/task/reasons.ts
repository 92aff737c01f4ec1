import type { GraphJson, ModuleJson } from '../api/shapes.js';
import type { TaskView } from '../state/views.js';

/** The view with what each waiting module waits for: an input's coming is the input's event, not the module's. */
export function withReasons(view: TaskView, graph: GraphJson): TaskView {
  const { modules } = view.task;
  let isSame = true;
  const told = Object.entries(modules).map(([name, module]): [string, ModuleJson] => {
    const inputs = graph.modules[name]?.inputs ?? [];
    const missing = inputs.filter(
      (input) =>
        input !== graph.source.name && !module.overridden.includes(input) && isComing(modules[input]),
    );
    if (module.state !== 'waiting' || missing.length === 0) return [name, module];
    const waiting_reason = `waiting for ${missing.join(', ')}`;
    if (module.waiting_reason === waiting_reason) return [name, module];
    isSame = false;
    return [name, { ...module, waiting_reason }];
  });
  return isSame ? view : { ...view, task: { ...view.task, modules: Object.fromEntries(told) } };
}

/** A module that failed or was skipped gives nothing more: whoever still waits ignores its error. */
function isComing(module: ModuleJson | undefined): boolean {
  return module !== undefined && !['succeeded', 'reused', 'failed', 'skipped'].includes(module.state);
}
