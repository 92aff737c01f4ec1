/**
 * Deployments: problems whose iterations are operations. Each operation is a task of a private plan, a graph with one run module for each
 * operation of a component that is to run.
 *
 * D1. What is to run follows from the blueprint and from what is observed of the components: `continue` leaves alone what has been done.
 * D2. A component keeps its cluster until it is undeployed: all of its operations run there.
 * D3. What is observed of a component is what was observed before the operation, and what the operation's modules have come to since.
 */
import {
  type Blueprint,
  type BlueprintReference,
  COMPONENT_OPERATIONS,
  type Component,
  type ComponentOperation,
  DEPLOY_OPERATIONS,
  filesOfOperation,
  hasOperation,
  INPUTS_NAME,
  type OperationSpec,
  referencesIn,
  replaceReferences,
  UNDEPLOY_OPERATIONS,
  valueAt,
  wordsOf,
} from './blueprint.js';
import type { ModuleState } from './execution.js';
import type { Graph, ModuleSpec } from './graph.js';
import { isPlaybook, playbookWork } from './playbook.js';
import type { ServiceDesire } from './service.js';
import type { TaskState } from './task-state.js';

export const DEPLOYMENT_OPERATIONS = ['deploy', 'continue', 'undeploy'] as const;
export type DeploymentOperation = (typeof DEPLOYMENT_OPERATIONS)[number];

export const DEPLOYMENT_STATES = ['deploying', 'deployed', 'undeploying', 'undeployed', 'failed'] as const;
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number];

export const COMPONENT_STATES = [
  'pending',
  'deploying',
  'deployed',
  'failed',
  'undeploying',
  'undeployed',
] as const;
export type ComponentState = (typeof COMPONENT_STATES)[number];

/** Which way an operation goes; `continue` goes on the way that was begun. */
export const DIRECTIONS = ['up', 'down'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface Deployment {
  /** That of its problem. */
  readonly id: string;
  /** No other deployment of its project is called so, except one that is undeployed. */
  readonly name: string;
  readonly project: string;
  readonly state: DeploymentState;
  /** The newest one: an iteration. */
  readonly operationId: number;
  readonly operation: DeploymentOperation;
  readonly direction: Direction;
  /** Why it has failed. */
  readonly message?: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What is known of a component. */
export interface ObservedComponent {
  readonly state: ComponentState;
  readonly cluster?: string;
  /** Operations that have succeeded. */
  readonly done: readonly ComponentOperation[];
  /** Operations of those that bring it up that have begun. */
  readonly begun: readonly ComponentOperation[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

export type ObservedComponents = Readonly<Record<string, ObservedComponent>>;

export const UNTOUCHED: ObservedComponent = { state: 'pending', done: [], begun: [], attributes: {} };

/** A component may have the name of something that every object has, like `constructor`. */
function observedOf(
  observed: ObservedComponents,
  { name, attributes }: Pick<Component, 'name' | 'attributes'>,
): ObservedComponent {
  const found = Object.hasOwn(observed, name) ? observed[name]! : UNTOUCHED;
  return attributes ? { ...found, attributes: { ...attributes, ...found.attributes } } : found;
}

export interface PlannedStep {
  readonly component: string;
  readonly operation: ComponentOperation;
  /** A service chooses clusters for its replicas itself. */
  readonly cluster?: string;
}

/** All that an operation is about, as its private graph keeps it. */
export interface DeploymentPlan {
  /** Of the deployment. */
  readonly name: string;
  readonly blueprint: Blueprint;
  readonly operation: DeploymentOperation;
  readonly direction: Direction;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** As they were before. */
  readonly before: ObservedComponents;
  readonly steps: readonly PlannedStep[];
}

const PREFIX = 'deployment:';
const TEXT_HEAD = '# The plan of a deployment, which is a part of Tutti.\n';
/** What every step is given beside outputs of others: the inputs, and the attributes of what was there before. */
const SOURCE = 'deployment';

/** No graph of a user can be called so. */
export function deploymentGraphName(deploymentId: string): string {
  return PREFIX + deploymentId;
}

export function isDeploymentGraph(graph: string): boolean {
  return graph.startsWith(PREFIX);
}

/** The deployment whose plan a graph is; nothing where it is another graph. */
export function deploymentOfGraph(graph: string): string | undefined {
  return isDeploymentGraph(graph) ? graph.slice(PREFIX.length) : undefined;
}

/** As it is stored. */
export function planText(deploymentId: string, plan: DeploymentPlan): string {
  return `${TEXT_HEAD}${JSON.stringify({ deployment: deploymentId, ...plan })}\n`;
}

/** Nothing where it is the text of another graph. */
export function readPlan(
  text: string,
): { readonly deploymentId: string; readonly plan: DeploymentPlan } | undefined {
  if (!text.startsWith(TEXT_HEAD)) return undefined;
  const { deployment: deploymentId, ...plan } = JSON.parse(text.slice(TEXT_HEAD.length)) as DeploymentPlan & {
    readonly deployment: string;
  };
  return { deploymentId, plan };
}

/** Component names have no `_` before the name of an operation of their own, so no two steps have one name. */
export function stepModule({ component, operation }: Pick<PlannedStep, 'component' | 'operation'>): string {
  return `${component}_${operation}`;
}

/** The payload that every step is given. */
export function planInput({
  blueprint,
  inputs,
  before,
}: Pick<DeploymentPlan, 'blueprint' | 'inputs' | 'before'>): Readonly<Record<string, unknown>> {
  const attributes = blueprint.components.map((one) => [one.name, observedOf(before, one).attributes]);
  return { inputs, components: Object.fromEntries(attributes) };
}

/**
 * D1, D2. The steps of an operation. `clusterFor` chooses one for a component that has none, and for all that run together with it.
 */
export function stepsOf(
  blueprint: Blueprint,
  before: ObservedComponents,
  direction: Direction,
  clusterFor: (component: Component) => string,
): PlannedStep[] {
  const shared = new Map<string, string>();
  for (const component of blueprint.components) {
    const { cluster } = observedOf(before, component);
    if (component.together !== undefined && cluster !== undefined) shared.set(component.together, cluster);
  }
  const chosenFor = (component: Component): string => {
    const { together } = component;
    const cluster = (together === undefined ? undefined : shared.get(together)) ?? clusterFor(component);
    if (together !== undefined) shared.set(together, cluster);
    return cluster;
  };
  return blueprint.components.flatMap((component) => {
    const observed = observedOf(before, component);
    const operations =
      direction === 'up' ? operationsUp(component, observed) : operationsDown(component, observed);
    if (operations.length === 0) return [];
    const { name } = component;
    if (component.service) return operations.map((operation) => ({ component: name, operation }));
    const cluster = observed.cluster ?? chosenFor(component);
    return operations.map((operation) => ({ component: name, operation, cluster }));
  });
}

function operationsUp(component: Component, { done }: ObservedComponent): ComponentOperation[] {
  return DEPLOY_OPERATIONS.filter(
    (operation) => hasOperation(component, operation) && !done.includes(operation),
  );
}

/** What was brought up, if only in part, is stopped where it was started, and deleted. */
function operationsDown(component: Component, observed: ObservedComponent): ComponentOperation[] {
  const { state, begun, done } = observed;
  if (state === 'pending' || state === 'undeployed') return [];
  const isStarted = begun.includes('start') || !hasOperation(component, 'start');
  return UNDEPLOY_OPERATIONS.filter(
    (operation) =>
      hasOperation(component, operation) &&
      !done.includes(operation) &&
      (operation === 'delete' || isStarted),
  );
}

/** The graph of a plan. */
export function planGraph(deploymentId: string, plan: DeploymentPlan): Graph {
  const { blueprint, steps } = plan;
  const chain = new Map<string, PlannedStep[]>();
  for (const step of steps) chain.set(step.component, [...(chain.get(step.component) ?? []), step]);
  const placed = new Map(blueprint.components.map((component) => [component.name, component]));
  return {
    name: deploymentGraphName(deploymentId),
    source: { name: SOURCE, type: 'json' },
    modules: inOrder(plan, chain).map((step) => moduleOf(plan, chain, placed.get(step.component)!, step)),
  };
}

/** A graph has its modules in the order of its file; up, that is the order of the components. */
function inOrder(
  { direction, blueprint }: DeploymentPlan,
  chain: ReadonlyMap<string, readonly PlannedStep[]>,
): PlannedStep[] {
  const names = blueprint.components.map(({ name }) => name);
  if (direction === 'down') names.reverse();
  return names.flatMap((name) => chain.get(name) ?? []);
}

function moduleOf(
  plan: DeploymentPlan,
  chain: ReadonlyMap<string, readonly PlannedStep[]>,
  component: Component,
  step: PlannedStep,
): ModuleSpec {
  const own = chain.get(component.name)!;
  const earlier = own.slice(0, own.indexOf(step));
  const before = earlier.length > 0 ? earlier.slice(-1) : stepsBefore(plan, chain, component.name);
  const attributes = plan.direction === 'up' ? attributesBefore(chain, component, step, earlier) : [];
  const inputs = [...new Set([...before, ...attributes].map(stepModule))];
  const { cluster } = step;
  return {
    ...{ name: stepModule(step), inputs: [SOURCE, ...inputs], previous: [], output: 'json' },
    require: { ...component.require, ...(cluster !== undefined && { cluster }) },
    ...{ timeoutMs: undefined, onError: 'fail', start: 'auto' },
    retry: { attempts: component.attempts, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 },
    liveness: { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 },
    ...workOf(plan, component, step, (reference) => placeOf(plan, chain, earlier, component.name, reference)),
  };
}

function workOf(
  plan: DeploymentPlan,
  component: Component,
  { operation, cluster = '' }: PlannedStep,
  place: (reference: BlueprintReference) => string,
): Pick<ModuleSpec, 'run' | 'serve'> {
  const { name, service, operations } = component;
  if (!service) return { run: runOf(component, operations[operation]!, cluster, place) };
  const action = plan.direction === 'up' ? 'apply' : 'remove';
  const { withinMs } = service;
  return { serve: { component: name, service: serviceName(plan, name), action, withinMs } };
}

/** The service that a component is. */
export function serviceName({ name }: Pick<DeploymentPlan, 'name'>, component: string): string {
  return `${name}-${component}`;
}

function runOf(
  { resources, env, files }: Component,
  operation: OperationSpec,
  cluster: string,
  place: (reference: BlueprintReference) => string,
): NonNullable<ModuleSpec['run']> {
  const { script, args, inputs, typed } = operation;
  const resolved = (text: string): string => replaceReferences(text, place);
  const variables = Object.entries({ ...env, ...inputs }).map(([name, value]) => [
    name,
    typeof value === 'string' ? resolved(value) : value,
  ]);
  const words = args.map(resolved);
  const names = variables.map(([name]) => name as string);
  return {
    work: isPlaybook(script)
      ? playbookWork(script, words, names, { cluster, typed })
      : { kind: 'script', path: script, args: words },
    env: Object.fromEntries(variables),
    files: { ...Object.fromEntries(files.map((path) => [path, path])), ...filesOfOperation(operation) },
    ...{ resources, result: 'attributes', keep: 'never', envReferences: true, retryExitCodes: undefined },
  };
}

/** The last steps of what has to come first: up, of those that the component names; down, of those that name it. */
function stepsBefore(
  plan: DeploymentPlan,
  chain: ReadonlyMap<string, readonly PlannedStep[]>,
  name: string,
  seen: Set<string> = new Set(),
): PlannedStep[] {
  const { components } = plan.blueprint;
  const next =
    plan.direction === 'up'
      ? components.find((one) => one.name === name)!.after
      : components.filter(({ after }) => after.includes(name)).map((one) => one.name);
  return next.flatMap((one) => {
    if (seen.has(one)) return [];
    seen.add(one);
    const last = chain.get(one)?.at(-1);
    // One without steps of its own passes on what it waits for.
    return last ? [last] : stepsBefore(plan, chain, one, seen);
  });
}

/** The steps of this operation whose attributes a step refers to. */
function attributesBefore(
  chain: ReadonlyMap<string, readonly PlannedStep[]>,
  component: Component,
  { operation }: PlannedStep,
  earlier: readonly PlannedStep[],
): PlannedStep[] {
  const owners = new Set(
    textsOf(component, operation)
      .flatMap(referencesIn)
      .map(({ owner }) => owner),
  );
  return [...owners].flatMap((owner) => (owner === component.name ? earlier : (chain.get(owner) ?? [])));
}

/** All that may hold references. */
function textsOf({ env, operations, service }: Component, operation: ComponentOperation): string[] {
  const { args = [], inputs = {} } = operations[operation] ?? {};
  const ofService = service
    ? [...wordsOf(service.spec.run.work), ...Object.values(service.spec.run.env)]
    : [];
  return [...Object.values(env), ...args, ...Object.values(inputs), ...ofService].filter(
    (text) => typeof text === 'string',
  );
}

/** Where the value of a reference is among the inputs of a step: the newest operation that has it counts. */
function placeOf(
  plan: DeploymentPlan,
  chain: ReadonlyMap<string, readonly PlannedStep[]>,
  earlier: readonly PlannedStep[],
  component: string,
  { owner, path }: BlueprintReference,
): string {
  const rest = path.join('.');
  if (owner === INPUTS_NAME) return `\${${SOURCE}.inputs.${rest}}`;
  const steps = plan.direction === 'down' ? [] : owner === component ? earlier : (chain.get(owner) ?? []);
  const places = [...steps].reverse().map((step) => `${stepModule(step)}.${rest}`);
  return `\${${[...places, `${SOURCE}.components.${owner}.${rest}`].join('|')}}`;
}

/** How a step of the newest operation stands. */
export interface StepOutcome {
  readonly state: ModuleState;
  /** Nothing where it has put out none. */
  readonly output?: unknown;
}

/** D3. `task`: how the operation stands. `desireOf`: of a service of the deployment; nothing where it is not there. */
export function observe(
  plan: DeploymentPlan,
  task: TaskState,
  outcomeOf: (module: string) => StepOutcome,
  desireOf: (service: string) => ServiceDesire | undefined,
): ObservedComponents {
  const observed = plan.blueprint.components.map((component) => {
    const before = observedOf(plan.before, component);
    const steps = plan.steps.filter((step) => step.component === component.name);
    const seen = steps.map((step) => ({ step, ...outcomeOf(stepModule(step)) }));
    if (component.service)
      return [
        component.name,
        observeService(before, seen, task, desireOf(serviceName(plan, component.name))),
      ] as const;
    const one = plan.direction === 'up' ? observeUp(before, seen, task) : observeDown(before, seen, task);
    return [component.name, one] as const;
  });
  return Object.fromEntries(observed);
}

type Seen = StepOutcome & { readonly step: PlannedStep };

/** A service itself says what is there of it. */
function observeService(
  before: ObservedComponent,
  seen: readonly Seen[],
  task: TaskState,
  desire: ServiceDesire | undefined,
): ObservedComponent {
  const isFailure = seen.some(hasFailed);
  const isFirst = before.state === 'pending' || before.state === 'undeployed';
  if (desire === undefined) {
    if (isFailure) return { ...UNTOUCHED, state: 'failed' };
    return { ...UNTOUCHED, state: isFirst ? before.state : 'undeployed' };
  }
  const begun = { ...UNTOUCHED, begun: ['start' as const] };
  if (desire === 'removed') return { ...begun, state: isOpen(task) && !isFailure ? 'undeploying' : 'failed' };
  const isUp = seen.some(({ step, state }) => step.operation === 'start' && state === 'succeeded');
  if (isUp) return { ...begun, done: ['start'], state: 'deployed' };
  if (isFailure) return { ...begun, done: before.done, state: 'failed' };
  if (!isFirst && before.done.length > 0) return before;
  return { ...begun, state: isOpen(task) ? 'deploying' : 'failed' };
}

function observeUp(before: ObservedComponent, seen: readonly Seen[], task: TaskState): ObservedComponent {
  if (seen.length === 0)
    return before.state === 'pending' && task === 'succeeded' ? { ...before, state: 'deployed' } : before;
  const done = seen.filter(({ state }) => state === 'succeeded');
  const begun = seen.filter(hasBegun);
  const attributes = Object.assign({}, before.attributes, ...done.map(({ output }) => output ?? {}));
  const { cluster } = seen[0]!.step;
  const noted = {
    ...(cluster !== undefined && { cluster }),
    done: together(before.done, done),
    begun: together(before.begun, begun),
    attributes,
  };
  if (done.length === seen.length) return { ...noted, state: 'deployed' };
  if (begun.length === 0 && before.begun.length === 0)
    return { ...before, state: isOpen(task) || before.state === 'failed' ? before.state : 'pending' };
  return { ...noted, state: isOpen(task) && !seen.some(hasFailed) ? 'deploying' : 'failed' };
}

function observeDown(before: ObservedComponent, seen: readonly Seen[], task: TaskState): ObservedComponent {
  const gone: ObservedComponent = { ...UNTOUCHED, state: 'undeployed' };
  if (seen.length === 0) return task === 'succeeded' ? gone : before;
  if (seen.every(({ state }) => state === 'succeeded')) return gone;
  if (!seen.some(hasBegun)) return before;
  const done = seen.filter(({ state }) => state === 'succeeded');
  return {
    ...before,
    done: together(before.done, done),
    state: isOpen(task) && !seen.some(hasFailed) ? 'undeploying' : 'failed',
  };
}

function together(before: readonly ComponentOperation[], seen: readonly Seen[]): ComponentOperation[] {
  return COMPONENT_OPERATIONS.filter(
    (operation) => before.includes(operation) || seen.some(({ step }) => step.operation === operation),
  );
}

function hasBegun({ state }: Seen): boolean {
  return state !== 'waiting' && state !== 'skipped' && state !== 'assigned';
}

function hasFailed({ state }: Seen): boolean {
  return state === 'failed' || state === 'cancelled' || state === 'lost';
}

function isOpen(task: TaskState): boolean {
  return task === 'waiting' || task === 'running' || task === 'suspended';
}

/** Characters of all outputs together, as JSON. */
const MAX_OUTPUTS = 256 * 1024;

/** The outputs of a blueprint. Those that refer to what is not there are left out, as is what there is no room for. */
export function outputsOf(
  { outputs }: Blueprint,
  inputs: Readonly<Record<string, unknown>>,
  components: ObservedComponents,
): Record<string, unknown> {
  const found: [string, unknown][] = [];
  const room = { left: MAX_OUTPUTS };
  for (const [name, text] of Object.entries(outputs)) {
    const value = outputValue(text, room, ({ owner, path }) => {
      const from = owner === INPUTS_NAME ? inputs : components[owner]?.attributes;
      return valueAt(from, path);
    });
    if (value !== undefined) found.push([name, value]);
  }
  return Object.fromEntries(found);
}

/** A text that is one reference has the value itself. Nothing where a reference has none, or where there is no room for it. */
function outputValue(
  text: string,
  room: { left: number },
  at: (reference: BlueprintReference) => unknown,
): unknown {
  let isWhole = true;
  let made: unknown;
  const take = (printed: string): string => {
    room.left -= printed.length;
    return room.left < 0 ? '' : printed;
  };
  const printed = replaceReferences(text, (reference) => {
    // Not even looked at: what is printed of each may be large.
    if (room.left < 0 || !isWhole) return '';
    made = at(reference);
    isWhole = made !== undefined;
    return take(typeof made === 'string' ? made : JSON.stringify(made ?? null));
  });
  if (!isWhole || room.left < 0) return undefined;
  return isOneReference(text) ? made : printed;
}

function isOneReference(text: string): boolean {
  return /^\$\{[^{}]*\}$/.test(text);
}
