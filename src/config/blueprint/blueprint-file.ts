/** A blueprint from its YAML file. All faults are reported at once, each with its path (`components.store.operations.create`). */
import type { Fault } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import {
  type Blueprint,
  type Component,
  DEPLOY_OPERATIONS,
  INPUTS_NAME,
  REPLICA_NAME,
  referencesIn,
  within,
  wordsOf,
} from '../../model/blueprint.js';
import { inputFault } from '../../model/blueprint-inputs.js';
import { formatPath, issuesToFaults } from '../faults.js';
import { isRecord, type ReadYaml } from '../yaml/yaml.js';
import { BlueprintSchema, type GivenBlueprint, type GivenComponent } from './blueprint-schema.js';

export type ParsedBlueprint =
  | { readonly ok: true; readonly blueprint: Blueprint }
  | { readonly ok: false; readonly faults: readonly Fault[] };

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const RESERVED_ENV = 'TUTTI_';
/** A plan of more would not be looked at by anybody, and each is one to three modules. */
const MAX_COMPONENTS = 300;
/** A large image that is fetched takes minutes; one that never comes up is to be told of today. */
const DEADLINE_MS = 10 * 60_000;

const RESERVED_NAMES: ReadonlyMap<string, string> = new Map([
  [INPUTS_NAME, 'the inputs'],
  [REPLICA_NAME, 'the replica that runs'],
]);

type Add = (path: readonly (string | number)[], code: string, message: string) => void;

/** `read`: the file's content, as YAML. */
export function blueprintOf(read: ReadYaml): ParsedBlueprint {
  if (!read.ok) return read;
  const raw = read.value;
  if (!isRecord(raw))
    return {
      ok: false,
      faults: [
        { path: '', code: 'wrong_type', message: 'a blueprint is an object with blueprint and components' },
      ],
    };
  const form = BlueprintSchema.safeParse(raw);
  if (!form.success) return { ok: false, faults: issuesToFaults(form.error, raw) };
  const given = form.data;
  const faults: Fault[] = [];
  const add: Add = (path, code, message) => faults.push({ path: formatPath(path), code, message });
  ofComponents(given, add);
  const order = inOrder(given, add);
  if (order === undefined) return { ok: false, faults };
  const blueprint: Blueprint = {
    name: given.blueprint,
    inputs: given.inputs as Blueprint['inputs'],
    components: order.map((name) => componentOf(name, given.components[name]!)),
    outputs: given.outputs,
  };
  ofInputs(blueprint, add);
  ofReferences(blueprint, add);
  return faults.length > 0 ? { ok: false, faults } : { ok: true, blueprint };
}

function ofComponents({ components }: GivenBlueprint, add: Add): void {
  const names = Object.keys(components);
  if (names.length === 0) add(['components'], 'missing_field', 'a blueprint needs at least one component');
  if (names.length > MAX_COMPONENTS)
    add(['components'], 'out_of_range', `${names.length} are too many: give at most ${MAX_COMPONENTS}`);
  const works = Object.values(components).some(
    ({ operations, service }) => service || DEPLOY_OPERATIONS.some((name) => operations[name] !== undefined),
  );
  if (names.length > 0 && !works)
    add(
      ['components'],
      'missing_field',
      'no component has create, configure, start or service, so nothing would run',
    );
  for (const [name, component] of Object.entries(components)) {
    const at = ['components', name];
    const stands = RESERVED_NAMES.get(name);
    if (stands !== undefined)
      add(at, 'name_taken', `${name} stands for ${stands}: give the component another name`);
    ofService(component, at, add);
    const { cluster, require, env, operations } = component;
    if (cluster !== undefined && require.cluster !== undefined && require.cluster !== cluster)
      add(
        [...at, 'require', 'cluster'],
        'duplicate',
        `cluster is ${JSON.stringify(cluster)}: give one of them`,
      );
    ofVariables(Object.keys(env), [...at, 'env'], add);
    for (const [operation, spec] of Object.entries(operations))
      if (spec) ofVariables(Object.keys(spec.inputs), [...at, 'operations', operation, 'inputs'], add);
  }
}

/** Faults of components: fields that belong inside `service`, and fields that only services have. */
function ofService(component: GivenComponent, at: readonly string[], add: Add): void {
  const { service, deadline } = component;
  if (!service) {
    if (deadline !== undefined)
      add([...at, 'deadline'], 'not_with_operations', 'only a service has a deadline: leave it out');
    return;
  }
  for (const field of ['cluster', 'require', 'resources', 'operations', 'env', 'files', 'retry'] as const) {
    const value = component[field];
    if (value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)) continue;
    const own = field === 'operations' || field === 'retry';
    const hint = own ? 'the service is all that it is: leave it out' : `give ${field} within service`;
    add([...at, field], 'not_with_service', `${field} is not of a component with service: ${hint}`);
  }
}

function ofVariables(names: readonly string[], at: readonly string[], add: Add): void {
  for (const name of names) {
    if (!ENV_NAME.test(name))
      add([...at, name], 'bad_name', `${JSON.stringify(name)} is not a name of an environment variable`);
    else if (name.startsWith(RESERVED_ENV))
      add([...at, name], 'name_taken', `names that begin with ${RESERVED_ENV} are reserved`);
  }
}

/** Each component after those that it names; nothing where that cannot be. */
function inOrder({ components }: GivenBlueprint, add: Add): string[] | undefined {
  const names = Object.keys(components);
  let isSound = true;
  for (const [name, { after }] of Object.entries(components)) {
    for (const [index, before] of after.entries()) {
      if (before !== name && Object.hasOwn(components, before)) continue;
      isSound = false;
      const what =
        before === name ? 'is the component itself' : `is not a component${didYouMean(before, names)}`;
      add(
        ['components', name, 'after', index],
        'unknown_component',
        `${JSON.stringify(before)} ${what}: give one of ${names.filter((one) => one !== name).join(', ')}`,
      );
    }
  }
  if (!isSound) return undefined;
  const ordered: string[] = [];
  for (let left = names; left.length > 0; ) {
    const next = left.filter((name) => components[name]!.after.every((before) => ordered.includes(before)));
    if (next.length === 0) {
      const message = `a cycle of components: ${left.join(', ')}`;
      add(['components', left[0]!, 'after'], 'cycle', message);
      return undefined;
    }
    ordered.push(...next);
    left = left.filter((name) => !next.includes(name));
  }
  return ordered;
}

function componentOf(name: string, given: GivenComponent): Component {
  const { cluster, require, resources = { cpus: 1 }, env, files, after, retry, service } = given;
  // Those that are not given are there as `undefined`.
  const operations = Object.fromEntries(Object.entries(given.operations).filter(([, spec]) => spec));
  return {
    ...{ name, resources, operations, env, files, after: [...new Set(after)] },
    ...(service && { service: { spec: service, withinMs: given.deadline ?? DEADLINE_MS } }),
    attempts: retry?.attempts ?? 1,
    require: { ...require, ...(cluster !== undefined && { cluster }) },
  };
}

function ofInputs({ inputs }: Blueprint, add: Add): void {
  for (const [name, input] of Object.entries(inputs)) {
    const fault = input.default === undefined ? undefined : inputFault(input, input.default);
    if (fault !== undefined) add(['inputs', name, 'default'], 'wrong_type', fault);
  }
}

function ofReferences(blueprint: Blueprint, add: Add): void {
  const { components, outputs } = blueprint;
  const all = components.map(({ name }) => name);
  for (const component of components) {
    const at = ['components', component.name];
    const known = within(components, component.name);
    for (const [name, value] of Object.entries(component.env))
      if (typeof value === 'string') ofText(blueprint, value, known, [...at, 'env', name], add);
    const { service } = component;
    if (service) {
      const own = new Set([...known].filter((name) => name !== component.name));
      const { work, env } = service.spec.run;
      const field = work.kind === 'script' ? 'args' : 'command';
      for (const [index, word] of wordsOf(work).entries())
        ofText(blueprint, word, new Set([...own, REPLICA_NAME]), [...at, 'service', field, index], add);
      for (const [name, value] of Object.entries(env))
        if (typeof value === 'string') ofText(blueprint, value, own, [...at, 'service', 'env', name], add);
    }
    for (const [operation, { args, inputs }] of Object.entries(component.operations)) {
      for (const [index, word] of args.entries())
        ofText(blueprint, word, known, [...at, 'operations', operation, 'args', index], add);
      for (const [name, value] of Object.entries(inputs))
        ofText(blueprint, value, known, [...at, 'operations', operation, 'inputs', name], add);
    }
  }
  for (const [name, text] of Object.entries(outputs))
    ofText(blueprint, text, new Set(all), ['outputs', name], add);
}

function ofText(
  { inputs, components }: Blueprint,
  text: string,
  known: ReadonlySet<string>,
  at: readonly (string | number)[],
  add: Add,
): void {
  for (const { owner, path } of referencesIn(text)) {
    const shown = `\${${[owner, ...path].join('.')}}`;
    if (owner === REPLICA_NAME && known.has(owner)) continue;
    const isComponent = components.some(({ name }) => name === owner);
    const isService = components.some(({ name, service }) => name === owner && service);
    if (owner === INPUTS_NAME) {
      const [name = ''] = path;
      if (!Object.hasOwn(inputs, name))
        add(at, 'unknown_input', `${shown} is not an input${didYouMean(name, Object.keys(inputs))}`);
    } else if (!isComponent) {
      const names = [INPUTS_NAME, ...components.map(({ name }) => name)];
      add(at, 'unknown_component', `${shown} is not of a component${didYouMean(owner, names)}`);
    } else if (isService) {
      add(at, 'bad_reference', `${shown}: ${owner} is a service, which has no attributes`);
    } else if (path.length === 0) {
      add(at, 'bad_reference', `${shown} names no attribute: give \${${owner}.NAME}`);
    } else if (!known.has(owner)) {
      add(at, 'not_after', `${shown} is not known yet then: name ${owner} in after`);
    }
  }
}
