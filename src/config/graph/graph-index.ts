/** The `index:` of a graph file: fields of outputs, by which iterations are found quickly. */
import type { Fault } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import { DECISION_FIELDS } from '../../model/approval.js';
import { schemaAt } from '../../model/schema-at.js';
import { formatPath, show } from '../faults.js';
import { isRecord } from '../yaml/yaml.js';
import type { KnownTypes } from './known-types.js';

/** Each costs a row an iteration. */
const MAX_INDEXED = 32;
/** With its value a field has to fit in a key of the store. */
const MAX_FIELD_CHARACTERS = 200;

/** `raw`: the file's content, which may have other faults too. */
export function indexFaults(raw: unknown, types: KnownTypes): Fault[] {
  const declared: unknown = isRecord(raw) ? raw.index : undefined;
  if (!isRecord(raw) || !Array.isArray(declared)) return [];
  const faults: Fault[] = [];
  const add = (index: number, code: string, message: string) =>
    faults.push({ path: formatPath(['index', index]), code, message });
  if (declared.length > MAX_INDEXED)
    add(MAX_INDEXED, 'out_of_range', `at most ${MAX_INDEXED} fields are indexed`);
  const modules = isRecord(raw.modules) ? raw.modules : {};
  declared.slice(0, MAX_INDEXED).forEach((field: unknown, index) => {
    if (typeof field !== 'string') return;
    const [module = '', ...path] = field.split('.');
    if (declared.indexOf(field) < index) add(index, 'duplicate', `${show(field)} is given twice`);
    else if (!Object.hasOwn(modules, module)) {
      const near = didYouMean(module, Object.keys(modules));
      add(index, 'unknown_module', `${show(module)} is not a module of this graph${near}`);
    } else if (path.length === 0 || path.includes('') || field.length > MAX_FIELD_CHARACTERS) {
      add(
        index,
        'bad_name',
        `${show(field)} is not right: give MODULE.FIELD, at most ${MAX_FIELD_CHARACTERS} long`,
      );
    } else {
      const reason = whyNotIndexed(path, modules[module], types);
      if (reason !== undefined) add(index, 'unknown_field', `${show(field)} is not right: ${reason}`);
    }
  });
  return faults;
}

/** The reason why a path does not lead to a number, text or boolean, as far as the output's type tells. */
function whyNotIndexed(path: readonly string[], module: unknown, types: KnownTypes): string | undefined {
  if (isRecord(module) && module.approve !== undefined) return whyNotOfDecision(path);
  if (!isRecord(module) || !isRecord(module.outputs)) {
    return whyNotOf(isRecord(module) ? module.output : undefined, path, types);
  }
  const [output = '', ...rest] = path;
  if (Object.hasOwn(module.outputs, output)) return whyNotOf(module.outputs[output], rest, types);
  const names = Object.keys(module.outputs);
  return `there is no output ${show(output)}${didYouMean(output, names)}: there are ${names.join(', ')}`;
}

/** The reason why a path does not lead to a field of a decision. */
export function whyNotOfDecision(path: readonly string[]): string | undefined {
  const [field = ''] = path;
  const fields: readonly string[] = DECISION_FIELDS;
  if (path.length === 1 && fields.includes(field)) return undefined;
  return `a decision has no field ${show(path.join('.'))}${didYouMean(field, fields)}: it has ${fields.join(', ')}`;
}

function whyNotOf(type: unknown, path: readonly string[], types: KnownTypes): string | undefined {
  const found = schemaAt(type, path, types);
  if ('reason' in found) return found.reason;
  const kind = isRecord(found.schema) ? found.schema.type : undefined;
  return kind === 'array' || kind === 'object'
    ? 'lists and structures have no order: name a field in it'
    : undefined;
}
