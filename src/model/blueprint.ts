/**
 * Blueprints: what an application consists of, and how each part of it is brought up and taken down.
 *
 * B1. A reference, `${inputs.model}` or `${store.address}`, names an input or an attribute of a component. A component may refer to itself, and
 *     to those that it comes after, directly or through others.
 */
import type { Constraint } from './input-constraints.js';
import type { Resources, RunWork, SecretRef } from './run.js';
import type { ServiceSpec } from './service.js';

/** Of the `Standard` interface, in the order in which a component goes through them. */
export const DEPLOY_OPERATIONS = ['create', 'configure', 'start'] as const;
export const UNDEPLOY_OPERATIONS = ['stop', 'delete'] as const;
export const COMPONENT_OPERATIONS = ['create', 'configure', 'start', 'stop', 'delete'] as const;
export type ComponentOperation = (typeof COMPONENT_OPERATIONS)[number];

export const INPUT_TYPES = ['string', 'integer', 'number', 'boolean', 'json'] as const;
export type InputType = (typeof INPUT_TYPES)[number];

/** A value that is given when the blueprint is deployed. */
export interface BlueprintInput {
  readonly type: InputType;
  /** @default it has to be given */
  readonly default?: unknown;
  readonly description?: string;
  /** The value keeps to all of them. @default none */
  readonly constraints?: readonly Constraint[];
}

/** A script, which runs by its own `#!` line, or a playbook. */
export interface OperationSpec {
  /** In the working folder; beside the blueprint as well, unless it is one of `files`. */
  readonly script: string;
  /** They may hold references. */
  readonly args: readonly string[];
  /** Environment variables of this operation only, which may hold references. */
  readonly inputs: Readonly<Record<string, string>>;
  /** By path in the working folder, the path beside the blueprint. @default the script only */
  readonly files?: Readonly<Record<string, string>>;
  /** Inputs whose texts are JSON: a playbook gets the values. @default all of them are texts */
  readonly typed?: readonly string[];
}

/** The service that is kept running. */
export interface ComponentService {
  /** Its words and its environment may hold references. */
  readonly spec: Omit<ServiceSpec, 'name' | 'deployment'>;
  /** Until all its replicas are up, or gone; then the operation fails. */
  readonly withinMs: number;
}

export interface Component {
  readonly name: string;
  /** Labels that its cluster must have. All of its operations run on the same one. */
  readonly require: Readonly<Record<string, string>>;
  readonly resources: Resources;
  readonly operations: Readonly<Partial<Record<ComponentOperation, OperationSpec>>>;
  /** It is this service, and has no operations of its own. @default it has */
  readonly service?: ComponentService;
  /** Of all its operations. Texts may hold references. */
  readonly env: Readonly<Record<string, string | SecretRef>>;
  /** Further files beside the blueprint that its operations find in their working folders. */
  readonly files: readonly string[];
  /** It is deployed once these are, and undeployed before them. */
  readonly after: readonly string[];
  /** How often each operation is attempted. */
  readonly attempts: number;
  /** Components that have the same one run on the same cluster. @default each is placed by itself */
  readonly together?: string;
  /** As long as no operation has written others of the same names. @default none */
  readonly attributes?: Readonly<Record<string, unknown>>;
}

export interface Blueprint {
  readonly name: string;
  readonly inputs: Readonly<Record<string, BlueprintInput>>;
  /** Each after those that it names. */
  readonly components: readonly Component[];
  /** Texts with references. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** Of blueprints, deployments, components and inputs. */
export const BLUEPRINT_NAME: RegExp = /^[a-z][a-z0-9_-]{0,39}$/;
export const BLUEPRINT_NAME_EXPECTED =
  'give a name of lower-case letters, digits, - and _, beginning with a letter, at most 40 characters long';

export const INPUTS_NAME = 'inputs';
/** In the words of a service, the replica that runs: its agent knows it. */
export const REPLICA_NAME = 'replica';

const REFERENCE = /\$\{([^{}]*)\}/g;

export interface BlueprintReference {
  /** `inputs`, or a component. */
  readonly owner: string;
  /** Names of fields and indexes, outermost first. */
  readonly path: readonly string[];
}

/** Those that a text holds. */
export function referencesIn(text: string): BlueprintReference[] {
  return [...text.matchAll(REFERENCE)].map(([, inner]) => referenceOf(inner!));
}

/** The text with each reference replaced by what `replace` makes of it. */
export function replaceReferences(text: string, replace: (reference: BlueprintReference) => string): string {
  return text.replace(REFERENCE, (_, inner: string) => replace(referenceOf(inner)));
}

function referenceOf(inner: string): BlueprintReference {
  const [owner = '', ...path] = inner.split('.');
  return { owner, path };
}

/** B1. A component, and all that it comes after. */
export function within(components: readonly Component[], name: string): ReadonlySet<string> {
  const byName = new Map(components.map((component) => [component.name, component]));
  const found = new Set<string>();
  const reach = (one: string): void => {
    if (found.has(one)) return;
    found.add(one);
    for (const before of byName.get(one)?.after ?? []) reach(before);
  };
  reach(name);
  return found;
}

/** By path beside the blueprint, where in it the file is named first. */
export function filesOfBlueprint({ components }: Blueprint): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  const note = (path: string, at: string): void => {
    if (!named.has(path)) named.set(path, at);
  };
  for (const { name, operations, files, service } of components) {
    for (const [path, beside] of Object.entries(service?.spec.run.files ?? {}))
      note(beside, `components.${name}.service.${path === scriptOf(service!) ? 'script' : 'files'}`);
    for (const [operation, spec] of Object.entries(operations))
      for (const beside of Object.values(filesOfOperation(spec)))
        note(beside, `components.${name}.operations.${operation}`);
    for (const [index, path] of files.entries()) note(path, `components.${name}.files[${index}]`);
  }
  return named;
}

/** By path in the working folder, the path beside the blueprint. */
export function filesOfOperation({ script, files }: OperationSpec): Readonly<Record<string, string>> {
  return files ?? { [script]: script };
}

function scriptOf({ spec }: ComponentService): string | undefined {
  return spec.run.work.kind === 'script' ? spec.run.work.path : undefined;
}

/** Whether it goes through this operation: a service is started and stopped. */
export function hasOperation({ operations, service }: Component, operation: ComponentOperation): boolean {
  if (service) return operation === 'start' || operation === 'stop';
  return operations[operation] !== undefined;
}

/** The words of its command; none of another kind of work. */
export function wordsOf(work: RunWork): readonly string[] {
  switch (work.kind) {
    case 'command':
      return work.argv;
    case 'script':
      return work.args;
    case 'job':
      return [];
    default:
      return work satisfies never;
  }
}

/** The value at a path; undefined if there is none. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[step];
  }
  return at;
}
