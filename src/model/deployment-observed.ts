/**
 * What is observed of the components of a deployment after an operation, and its outputs.
 *
 * D3. What is observed of a component is what was observed before the operation, and what the operation's modules have come to since.
 * D4. What is replaced is what it was until it has been taken down, or until what takes its place has begun.
 */
import {
  type Blueprint,
  type BlueprintReference,
  COMPONENT_OPERATIONS,
  type Component,
  type ComponentOperation,
  INPUTS_NAME,
  replaceReferences,
  valueAt,
} from './blueprint.js';
import {
  type DeploymentPlan,
  isConditional,
  type ObservedComponent,
  type ObservedComponents,
  observedOf,
  type PlannedStep,
  serviceName,
  stepModule,
  stepsByComponent,
  UNTOUCHED,
} from './deployment.js';
import { givenTo } from './deployment-references.js';
import { goesDown, removedComponents } from './deployment-steps.js';
import type { ModuleState } from './execution.js';
import type { ServiceDesire } from './service.js';
import type { TaskState } from './task-state.js';

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
  const found: Record<string, ObservedComponent> = {};
  const { blueprint, before, inputs } = plan;
  const steps = stepsByComponent(plan.steps);
  const seenOf = (name: string): Seen[] =>
    (steps.get(name) ?? []).map((step) => ({ step, ...outcomeOf(stepModule(step)) }));
  for (const component of blueprint.components) {
    const { name } = component;
    const desire = component.service && desireOf(serviceName(plan, name));
    const seen = seenOf(name);
    const now = observeOne(plan, component, { seen, task, desire });
    const isBrought = seen.some((one) => !goesDown(one.step) && hasBegun(one));
    const given = isBrought && !now.former ? givenTo(component, inputs, found) : {};
    found[name] = Object.keys(given).length > 0 ? { ...now, given } : now;
  }
  for (const { component } of removedComponents(blueprint, before)) {
    const { name } = component;
    const left = observeRemoved(observedOf(before, component), seenOf(name), task);
    if (left) found[name] = left;
  }
  return found;
}

interface Evidence {
  readonly seen: readonly Seen[];
  readonly task: TaskState;
  readonly desire: ServiceDesire | undefined;
}

function observeOne(plan: DeploymentPlan, component: Component, evidence: Evidence): ObservedComponent {
  const before = observedOf(plan.before, component);
  const { seen, task, desire } = evidence;
  const mayStay = isConditional(plan, component.name);
  if (mayStay && !seen.some(hasBegun)) return before;
  if (plan.direction === 'up' && (before.former || mayStay))
    return observeReplaced(component, before, evidence);
  if (component.service) return observeService(before, seen, task, desire);
  return plan.direction === 'up' ? observeUp(before, seen, task) : observeDown(before, seen, task);
}

/** D4. */
function observeReplaced(
  component: Component,
  before: ObservedComponent,
  { seen, task, desire }: Evidence,
): ObservedComponent {
  const up = seen.filter(({ step }) => !goesDown(step));
  const down = seen.filter(({ step }) => goesDown(step));
  const isGone = down.length > 0 ? down.every(hasSucceeded) : up.some(hasBegun);
  if (!isGone) return observeLeaving(before, down, task);
  return component.service
    ? observeService(UNTOUCHED, up, task, desire)
    : observeUp(observedOf({}, component), up, task);
}

function observeLeaving(
  before: ObservedComponent,
  down: readonly Seen[],
  task: TaskState,
): ObservedComponent {
  if (!down.some(hasBegun)) return before;
  return {
    ...before,
    done: together(before.done, down.filter(hasSucceeded)),
    state: isOpen(task) && !down.some(hasFailed) ? 'undeploying' : 'failed',
  };
}

/** Nothing once it is gone. */
function observeRemoved(
  before: ObservedComponent,
  seen: readonly Seen[],
  task: TaskState,
): ObservedComponent | undefined {
  const isGone = seen.length > 0 ? seen.every(hasSucceeded) : task === 'succeeded';
  return isGone ? undefined : observeLeaving(before, seen, task);
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
  const done = seen.filter(hasSucceeded);
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
  if (seen.every(hasSucceeded)) return gone;
  return observeLeaving(before, seen, task);
}

function together(before: readonly ComponentOperation[], seen: readonly Seen[]): ComponentOperation[] {
  return COMPONENT_OPERATIONS.filter(
    (operation) => before.includes(operation) || seen.some(({ step }) => step.operation === operation),
  );
}

function hasBegun({ state }: Seen): boolean {
  return state !== 'waiting' && state !== 'skipped' && state !== 'assigned';
}

function hasSucceeded({ state }: Seen): boolean {
  return state === 'succeeded';
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
