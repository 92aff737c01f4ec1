/** The fields of outputs by which people tell iterations apart. */

import { partAt } from '../../../../src/base/json/exact.js';
import { plainOf } from '../../../../src/base/json/json-text.js';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { columnNames } from '../../../../src/model/columns.js';
import { resultModules } from './results.js';

/** As many as have a place in a row of the picker. */
const SHOWN = 2;

/** Those that the graph keeps an index of; else the first numbers of the result. */
export function pickerFields(task: TaskJson, graph: GraphJson): readonly string[] {
  if (graph.index !== undefined && graph.index.length > 0) return graph.index.slice(0, SHOWN);
  const modules = resultModules(graph).flatMap((name) => {
    const module = task.modules[name];
    return module === undefined ? [] : [[name, module] as const];
  });
  const results = { input: null, modules: Object.fromEntries(modules) };
  return columnNames(results)
    .filter((name) => typeof plainOf(valueAt(results.modules, name)) === 'number')
    .slice(0, SHOWN);
}

function valueAt(modules: TaskJson['modules'], name: string): unknown {
  const [module = '', ...steps] = name.split('.');
  return partAt(modules[module]?.output, steps);
}
