/** What a task is given, made ready: its input and the values in place of inputs in their types, and the labels that it asks for. */
import { Readable } from 'node:stream';
import { type Fault, summaryOf } from '../../base/errors.js';
import { pointer } from '../../base/json/pointer.js';
import { sha256Of } from '../../base/sha256.js';
import { type Requirements, splitReference, typeOf } from '../../model/graph.js';
import type { LoadedGraph } from '../core/state.js';
import type { PreparedInput, PreparedOverride } from '../core/turn.js';
import type { Blobs, Refusal, Request } from '../port.js';
import { refusal } from '../refusal.js';

export interface InputDeps {
  readonly blobs: Pick<Blobs, 'put'>;
  readonly inlineMaxBytes: number;
}

export async function prepareInput(
  deps: InputDeps,
  graph: LoadedGraph,
  input: unknown,
): Promise<PreparedInput | Refusal> {
  const { type } = graph.compiled.graph.source;
  const encoded = graph.types.encode(type, input);
  if (!encoded.ok) {
    const faults = encoded.faults.map((fault) => ({ ...fault, path: `/input${fault.path}` }));
    const message = `the input is not a valid ${type}: ${summaryOf(faults)}`;
    return refusal('invalid', 'bad_input', message, { details: faults });
  }
  return keep(deps, encoded.bytes);
}

/** Inline while it is small, as a blob beyond. */
async function keep(deps: InputDeps, bytes: Uint8Array): Promise<PreparedInput | Refusal> {
  if (bytes.byteLength <= deps.inlineMaxBytes) return { kind: 'inline', bytes };
  const sha256 = sha256Of(bytes);
  const put = await deps.blobs.put(sha256, Readable.from([bytes]));
  return put.ok ? { kind: 'blob', sha256, size: put.blob.size } : put;
}

/** Each value in the type of its input; every fault of all of them at once. */
export async function prepareOverrides(
  deps: InputDeps,
  graph: LoadedGraph,
  overrides: NonNullable<Extract<Request, { kind: 'iterate' }>['overrides']>,
): Promise<readonly PreparedOverride[] | Refusal> {
  const faults: Fault[] = [];
  const encoded: { readonly module: string; readonly input: string; readonly bytes: Uint8Array }[] = [];
  for (const [module, inputs] of Object.entries(overrides)) {
    const spec = graph.compiled.graph.modules.find(({ name }) => name === module);
    if (!spec) {
      const message = `one of ${[...graph.compiled.index.keys()].join(', ')}`;
      faults.push({ path: pointer('overrides', module), code: 'unknown_module', message });
      continue;
    }
    const known = [...new Set([...spec.inputs, ...spec.previous])];
    for (const [input, value] of Object.entries(inputs)) {
      const path = pointer('overrides', module, input);
      const type = known.includes(input) ? typeOf(graph.compiled.graph, input) : undefined;
      if (type === undefined) {
        faults.push({ path, code: 'unknown_input', message: `one of ${known.join(', ')}` });
        continue;
      }
      const from = splitReference(input).module;
      if (graph.compiled.graph.modules.some((one) => one.name === from && one.approve)) {
        const message = `${from} is decided by a person, and the decision cannot be overridden`;
        faults.push({ path, code: 'is_a_decision', message });
        continue;
      }
      const made = graph.types.encode(type, value);
      if (made.ok) encoded.push({ module, input, bytes: made.bytes });
      else faults.push(...made.faults.map((fault) => ({ ...fault, path: path + fault.path })));
    }
  }
  if (faults.length > 0) {
    const message = `an override is invalid: ${summaryOf(faults)}`;
    return refusal('invalid', 'bad_overrides', message, { details: faults });
  }
  const prepared: PreparedOverride[] = [];
  for (const { module, input, bytes } of encoded) {
    const value = await keep(deps, bytes);
    if ('ok' in value) return value;
    prepared.push({ module, input, value });
  }
  return prepared;
}

export async function keepJson(deps: InputDeps, value: unknown): Promise<PreparedInput | Refusal> {
  return keep(deps, new TextEncoder().encode(JSON.stringify(value)));
}

/** Every module has to be one of the graph's, and no label may be asked for with another value than the graph asks for. */
export function requireRefusal({ compiled }: LoadedGraph, require: Requirements = {}): Refusal | undefined {
  const faults: Fault[] = [];
  for (const [module, labels] of Object.entries(require)) {
    const position = compiled.index.get(module);
    if (position === undefined) {
      const message = `one of ${[...compiled.index.keys()].join(', ')}`;
      faults.push({ path: pointer('require', module), code: 'unknown_module', message });
      continue;
    }
    const asked = compiled.modules[position]!.spec.require;
    for (const [label, value] of Object.entries(labels)) {
      if (!Object.hasOwn(asked, label) || asked[label] === value) continue;
      const message = `the graph requires ${label}=${asked[label]}`;
      faults.push({ path: pointer('require', module, label), code: 'out_of_range', message });
    }
  }
  if (faults.length === 0) return undefined;
  const message = `require is invalid: ${summaryOf(faults)}`;
  return refusal('invalid', 'bad_require', message, { details: faults });
}
