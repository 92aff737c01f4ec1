/**
 * Which operations of which components an operation of a deployment runs.
 *
 * D1. What is to run follows from the blueprint and from what is observed of the components: `continue` leaves alone what has been done.
 * D2. A component keeps its cluster until it is undeployed: all of its operations run there.
 */
import { canonicalJson } from '../base/json/canonical.js';
import {
  type Blueprint,
  type Component,
  type ComponentOperation,
  DEPLOY_OPERATIONS,
  hasOperation,
  UNDEPLOY_OPERATIONS,
} from './blueprint.js';
import {
  type DeploymentPlan,
  type FormerComponent,
  isConditional,
  type ObservedComponent,
  type ObservedComponents,
  observedOf,
  type PlannedStep,
  UNTOUCHED,
} from './deployment.js';

type Asked = Pick<DeploymentPlan, 'blueprint' | 'before' | 'direction' | 'conditional'>;

/** Whether a step takes its component down. */
export function goesDown({ operation }: Pick<PlannedStep, 'operation'>): boolean {
  return UNDEPLOY_OPERATIONS.some((down) => down === operation);
}

/** What is there of components, as what it was brought up; each after those that it names. */
export function componentsThere({ blueprint, before }: Pick<Asked, 'blueprint' | 'before'>): Component[] {
  return [
    ...blueprint.components.map((component) => observedOf(before, component).former?.component ?? component),
    ...removedComponents(blueprint, before).map(({ component }) => component),
  ];
}

/** What is there and is not in the blueprint. */
export function removedComponents(
  { components }: Blueprint,
  before: ObservedComponents,
): readonly FormerComponent[] {
  const names = new Set(components.map(({ name }) => name));
  return Object.entries(before).flatMap(([name, { former }]) => (former && !names.has(name) ? [former] : []));
}

/** A service whose type stays is changed as it runs, one replica after another. */
export function isRenewed(former: Component, next: Component): boolean {
  return former.service !== undefined && former.service.spec.type === next.service?.spec.type;
}

/** The steps. `clusterFor` chooses one for a component that has none, and for all that run together with it. */
export function stepsOf(asked: Asked, clusterFor: (component: Component) => string): PlannedStep[] {
  const { blueprint, before, direction } = asked;
  const chosenFor = together(asked, clusterFor);
  const removed = removedComponents(blueprint, before).flatMap(({ component }) =>
    stepsDown(component, observedOf(before, component), chosenFor),
  );
  const others = blueprint.components.flatMap((component) => {
    const observed = observedOf(before, component);
    return direction === 'down'
      ? stepsDown(observed.former?.component ?? component, observed, chosenFor)
      : stepsUp(asked, component, observed, chosenFor);
  });
  return [...removed, ...others];
}

function stepsUp(
  asked: Asked,
  component: Component,
  observed: ObservedComponent,
  clusterFor: (component: Component) => string,
): PlannedStep[] {
  const former = observed.former?.component ?? (isConditional(asked, component.name) ? component : undefined);
  if (!former) return upFrom(component, observed, () => observed.cluster ?? clusterFor(component));
  const down = isRenewed(former, component) ? [] : stepsDown(former, observed, clusterFor);
  const up = upFrom(component, UNTOUCHED, () => clusterKept(component, observed) ?? clusterFor(component));
  return [...down, ...up];
}

/** D2. It stays where it is, unless it is asked to be elsewhere. */
function clusterKept(component: Component, { cluster, former }: ObservedComponent): string | undefined {
  const { require } = former?.component ?? component;
  return canonicalJson(require) === canonicalJson(component.require) ? cluster : undefined;
}

/** Components that run together are on one cluster: that of those that stay, or the one that is chosen for the first. */
function together(
  { blueprint, before }: Asked,
  clusterFor: (component: Component) => string,
): (component: Component) => string {
  const shared = new Map<string, string>();
  for (const component of blueprint.components) {
    const cluster = clusterKept(component, observedOf(before, component));
    if (component.together !== undefined && cluster !== undefined) shared.set(component.together, cluster);
  }
  return (component) => {
    const { together } = component;
    const cluster = (together === undefined ? undefined : shared.get(together)) ?? clusterFor(component);
    if (together !== undefined) shared.set(together, cluster);
    return cluster;
  };
}

/** D1. */
export function operationsUp(component: Component, { done }: ObservedComponent): ComponentOperation[] {
  return DEPLOY_OPERATIONS.filter(
    (operation) => hasOperation(component, operation) && !done.includes(operation),
  );
}

function upFrom(component: Component, observed: ObservedComponent, cluster: () => string): PlannedStep[] {
  const { name, service } = component;
  const operations = operationsUp(component, observed);
  if (operations.length === 0) return [];
  const placed = service ? {} : { cluster: cluster() };
  return operations.map((operation) => ({ component: name, operation, ...placed }));
}

/** What was brought up, if only in part, is stopped where it was started, and deleted. */
function stepsDown(
  component: Component,
  observed: ObservedComponent,
  clusterFor: (component: Component) => string,
): PlannedStep[] {
  const { name, service } = component;
  const { state, begun, done } = observed;
  if (state === 'pending' || state === 'undeployed') return [];
  const isStarted = begun.includes('start') || !hasOperation(component, 'start');
  const operations = UNDEPLOY_OPERATIONS.filter(
    (operation) =>
      hasOperation(component, operation) &&
      !done.includes(operation) &&
      (operation === 'delete' || isStarted),
  );
  if (operations.length === 0) return [];
  const placed = service ? {} : { cluster: observed.cluster ?? clusterFor(component) };
  return operations.map((operation) => ({ component: name, operation, ...placed }));
}
