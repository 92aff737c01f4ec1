/** The `Standard` interface of node types and templates, in the form of version 1.3 (`operations:`) or in the short one. */
import { COMPONENT_OPERATIONS, type ComponentOperation } from '../../../model/blueprint.js';
import { show } from '../../faults.js';
import { isRecord } from '../../yaml/yaml.js';
import { type Artifacts, artifactOf, type Written } from './artifacts.js';
import { type Definition, definitionOf } from './properties.js';
import { type At, type Given, own, type Report } from './report.js';

export interface OperationInput {
  readonly definition?: Definition;
  readonly assigned?: Written;
  readonly at: At;
}

export interface Operation {
  readonly at: At;
  /** A script or a playbook; without one, the operation does nothing. */
  readonly primary?: Written;
  /** Files and folders that the primary finds beside it. */
  readonly dependencies: readonly Written[];
  readonly inputs: ReadonlyMap<string, OperationInput>;
}

export type Operations = ReadonlyMap<ComponentOperation, Operation>;

interface Around {
  readonly artifacts: Artifacts;
  readonly report: Report;
}

const STANDARD_TYPE = 'tosca.interfaces.node.lifecycle.Standard';
const STANDARD = ['Standard', 'tosca:Standard', STANDARD_TYPE];
const INTERFACE = ['type', 'description', 'inputs', 'operations'];
const OPERATION = ['description', 'implementation', 'inputs', 'outputs'];
const DEFINITION = ['type', 'value', 'default', 'description', 'required', 'constraints', 'entry_schema'];

/** `from`: those that the type derives from. What is given again takes the place of what was there. */
export function standardOperations(given: unknown, at: At, from: Operations, around: Around): Operations {
  const operations = new Map(from);
  for (const [name, value] of Object.entries(around.report.fields(given, at, STANDARD)))
    if (STANDARD.includes(name))
      for (const [operation, spec] of interfaceOf(value, [...at, name], from, around))
        operations.set(operation, spec);
  return operations;
}

function interfaceOf(value: unknown, at: At, from: Operations, around: Around): Operations {
  const { report } = around;
  const given = report.record(value, at);
  const isLong = own(given, 'operations') !== undefined;
  report.fields(given, at, isLong ? INTERFACE : [...INTERFACE, ...COMPONENT_OPERATIONS]);
  const { type, inputs } = given;
  if (type !== undefined && !STANDARD.includes(String(type)))
    report.unsupported([...at, 'type'], `${show(type)} is not supported: supported is ${STANDARD_TYPE}`);
  const shared = inputsOf(inputs, [...at, 'inputs'], report);
  const where = isLong ? [...at, 'operations'] : at;
  const listed = isLong ? report.fields(given.operations, where, COMPONENT_OPERATIONS) : given;
  const names = COMPONENT_OPERATIONS.filter(
    (name) => Object.hasOwn(listed, name) || (shared.size > 0 && from.has(name)),
  );
  return new Map(
    names.map((name) => {
      const before = from.get(name);
      return [name, operationOf(own(listed, name), [...where, name], before, shared, around)];
    }),
  );
}

function operationOf(
  value: unknown,
  at: At,
  before: Operation | undefined,
  shared: Operation['inputs'],
  around: Around,
): Operation {
  const { report } = around;
  const isShort = typeof value === 'string';
  const given: Given = isShort ? { implementation: value } : report.fields(value, at, OPERATION);
  ownNamesOnly(given.outputs, [...at, 'outputs'], report);
  const { implementation } = given;
  const place = isShort ? at : [...at, 'implementation'];
  const work =
    implementation === undefined || implementation === null ? before : workOf(implementation, place, around);
  return {
    at,
    ...(work?.primary && { primary: work.primary }),
    dependencies: work?.dependencies ?? [],
    inputs: merged(
      merged(before?.inputs ?? new Map(), shared),
      inputsOf(given.inputs, [...at, 'inputs'], report),
    ),
  };
}

/** What an operation puts out becomes the attribute of the same name. */
function ownNamesOnly(outputs: unknown, at: At, report: Report): void {
  for (const [name, target] of Object.entries(report.record(outputs, at))) {
    if (Array.isArray(target) && target.length === 2 && target[0] === 'SELF' && target[1] === name) continue;
    const message = `an output becomes the attribute of its own name: give [SELF, ${name}]`;
    report.unsupported([...at, name], message);
  }
}

function workOf(value: unknown, at: At, around: Around): Pick<Operation, 'primary' | 'dependencies'> {
  const { report } = around;
  const isLong = isRecord(value) && (Object.hasOwn(value, 'primary') || Object.hasOwn(value, 'dependencies'));
  if (!isLong) {
    const primary = fileNamed(value, at, around);
    return { ...(primary && { primary }), dependencies: [] };
  }
  const { primary: given, dependencies } = report.fields(value, at, ['primary', 'dependencies']);
  const place = [...at, 'dependencies'];
  const primary =
    given === undefined
      ? report.text(given, [...at, 'primary'], 'the path of a script or a playbook')
      : fileNamed(given, [...at, 'primary'], around);
  return {
    ...(typeof primary === 'object' && { primary }),
    dependencies: report
      .list(dependencies, place)
      .flatMap((file, index) => fileNamed(file, [...place, index], around) ?? []),
  };
}

/** The name of an artifact, a path, or an artifact itself. */
function fileNamed(value: unknown, at: At, { artifacts, report }: Around): Written | undefined {
  return (typeof value === 'string' ? artifacts.get(value) : undefined) ?? artifactOf(value, at, report);
}

function inputsOf(value: unknown, at: At, report: Report): Operation['inputs'] {
  return new Map(
    Object.entries(report.record(value, at)).map(([name, one]) => [
      name,
      inputOf(one, [...at, name], report),
    ]),
  );
}

/** An input is defined (`{type, value}`), or it is a value: a text, a function, a list. */
function inputOf(value: unknown, at: At, report: Report): OperationInput {
  const isDefined =
    isRecord(value) &&
    Object.keys(value).every((key) => DEFINITION.includes(key)) &&
    (Object.hasOwn(value, 'type') || Object.hasOwn(value, 'value'));
  if (!isDefined) return { assigned: { value, at }, at };
  const { value: assigned, ...rest } = value;
  const definition = rest.type === undefined ? undefined : definitionOf(rest, at, report);
  const [key, written] = assigned === undefined ? ['default', rest.default] : ['value', assigned];
  return {
    at,
    ...(definition && { definition }),
    ...(written !== undefined && { assigned: { value: written, at: [...at, key] } }),
  };
}

function merged(before: Operation['inputs'], given: Operation['inputs']): Operation['inputs'] {
  return new Map([
    ...before,
    ...[...given].map(([name, one]) => [name, { ...before.get(name), ...one }] as const),
  ]);
}
