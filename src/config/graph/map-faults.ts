/** What can be wrong between the `map` of a module and its graph. Works on a file that may have other faults too. */
import type { Fault } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import { APPROVAL_OUTPUT } from '../../model/approval.js';
import { splitReference } from '../../model/graph.js';
import { MAP_TYPE } from '../../model/map.js';
import { formatPath, show } from '../faults.js';
import { isRecord } from '../yaml/yaml.js';

type Raw = Readonly<Record<string, unknown>>;

/** `raw`: the file's content. */
export function mapFaults(raw: unknown): Fault[] {
  if (!isRecord(raw) || !isRecord(raw.modules)) return [];
  const { modules } = raw;
  const source = isRecord(raw.source) ? raw.source : {};
  return Object.entries(modules).flatMap(([name, module]) =>
    isRecord(module) ? faultsOf(name, module, modules, source) : [],
  );
}

function faultsOf(name: string, module: Raw, modules: Raw, source: Raw): Fault[] {
  const { map } = module;
  const fault = (field: string, code: string, message: string): Fault => ({
    ...{ path: formatPath(['modules', name, field]), code, message },
  });
  if (map === undefined) {
    return module.map_limit === undefined
      ? []
      : [fault('map_limit', 'missing_field', 'map_limit is only for modules with map: give map')];
  }
  const faults: Fault[] = [];
  const type = typeof map === 'string' ? typeOf(map, modules, source) : undefined;
  const inputs = Array.isArray(module.inputs) ? module.inputs.filter((one) => typeof one === 'string') : [];
  if (typeof map === 'string' && !inputs.includes(map)) {
    const known = inputs.length > 0 ? `give one of ${inputs.join(', ')}` : 'it has none';
    const message = `${show(map)} is not an input of ${name}${didYouMean(map, inputs)}: ${known}`;
    faults.push(fault('map', 'unknown_input', message));
  } else if (type !== undefined && type !== MAP_TYPE) {
    const message = `${map} is of type ${show(type)}: the items of a map are those of a list of type ${MAP_TYPE}`;
    faults.push(fault('map', 'wrong_type', message));
  }
  if (module.outputs !== undefined) {
    const message =
      'a module with map has one output, the list of the results of its items: give output: json';
    faults.push(fault('outputs', 'not_with_map', message));
  } else if (module.output !== undefined && module.output !== MAP_TYPE) {
    const message = `a module with map puts out the list of the results of its items, which is of type ${MAP_TYPE}: give output: json`;
    faults.push(fault('output', 'not_with_map', message));
  }
  return faults;
}

/** Nothing for one that is not there, or whose type has another fault. */
function typeOf(reference: string, modules: Raw, source: Raw): unknown {
  if (reference === source.name) return source.type;
  const { module: name, name: output } = splitReference(reference);
  const module = Object.hasOwn(modules, name) ? modules[name] : undefined;
  if (!isRecord(module)) return undefined;
  if (module.approve !== undefined) return APPROVAL_OUTPUT;
  return isRecord(module.outputs) ? module.outputs[output] : module.output;
}
