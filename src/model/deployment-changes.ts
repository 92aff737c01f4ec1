/**
 * What a blueprint changes of what is there. All that does not change is left alone.
 *
 * U1. A component is replaced where what decides on what is there of it has changed: its definition, its files, the inputs and the attributes that
 *     it refers to. Its place in the order, its attempts and its deadline do not count.
 * U2. Whether an attribute changes is known only when its component has been brought up again. What refers to one is replaced on that condition.
 */
import type { Scalar } from '../base/expression/expression.js';
import { jsonDifferences } from '../base/json/differences.js';
import {
  type Blueprint,
  type BlueprintReference,
  type Component,
  filesOfBlueprint,
  UNDEPLOY_OPERATIONS,
  wordsOf,
} from './blueprint.js';
import {
  type DeploymentPlan,
  type FormerComponent,
  type ObservedComponent,
  type ObservedComponents,
  observedOf,
} from './deployment.js';
import {
  givenBefore,
  inputsOf,
  isGiven,
  isScalar,
  referencesToOthers,
  referredValue,
} from './deployment-references.js';
import { operationsUp } from './deployment-steps.js';
import type { BlobRef } from './payload.js';

/** A blueprint with what it was given. `files`: by path beside it. */
export interface Given {
  readonly blueprint: Blueprint;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, BlobRef>>;
}

export interface ComponentChange {
  readonly name: string;
  /** What of it has changed, or may: `operations.start.script`, `files.install.sh`, `service.count`, `inputs.model`, `store.address`. */
  readonly fields: readonly string[];
}

/** What an update would do, by components. */
export interface DeploymentChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly ComponentChange[];
  /** Replaced only if an attribute that they refer to changes. */
  readonly may_change: readonly ComponentChange[];
}

/** What is there, where another blueprint is asked for: what is not as that has it is `former`. */
export function beforeUpdate(was: Given, observed: ObservedComponents, target: Given): ObservedComponents {
  const [old, asked] = [byName(was.blueprint), byName(target.blueprint)];
  const found = Object.entries(observed).flatMap(([name, there]): [string, ObservedComponent][] => {
    if (!isThere(there)) return [];
    const former = there.former ?? formerOf(old.get(name)!, was);
    const next = asked.get(name);
    const { former: _, ...same } = there;
    const isKept = next && !isHalfDown(there) && changedFields(former, formerOf(next, target)).length === 0;
    return [[name, isKept ? same : { ...there, former }]];
  });
  return Object.fromEntries(found);
}

/** What an operation has to do with components that are as their blueprint has them, since others change: U2. */
export function withReferences(
  { blueprint, inputs, files }: Given,
  observed: ObservedComponents,
): { readonly before: ObservedComponents; readonly conditional: NonNullable<DeploymentPlan['conditional']> } {
  const before: Record<string, ObservedComponent> = { ...observed };
  const conditional: Record<string, Readonly<Record<string, Scalar>>> = {};
  const touched = new Set<string>();
  for (const component of blueprint.components) {
    const { name } = component;
    const there = observedOf(observed, component);
    const { isChanged, values } = standingOf(component, there, touched, (reference) =>
      referredValue(reference, inputs, observed),
    );
    const isToDo = there.former !== undefined || operationsUp(component, there).length > 0;
    if (!isToDo && isChanged) before[name] = { ...there, former: formerOf(component, { inputs, files }) };
    else if (!isToDo && Object.keys(values).length > 0) conditional[name] = values;
    else if (!isToDo) continue;
    touched.add(name);
  }
  return { before, conditional };
}

/** How what a component refers to stands to what it was given: it has changed, or may change to other than these `values`. */
function standingOf(
  component: Component,
  there: ObservedComponent,
  touched: ReadonlySet<string>,
  valueAt: (reference: BlueprintReference) => unknown,
): { readonly isChanged: boolean; readonly values: Readonly<Record<string, Scalar>> } {
  const values: Record<string, Scalar> = {};
  for (const [text, reference] of referencesToOthers(component)) {
    const value = valueAt(reference);
    const given = givenBefore(there, text);
    const isSame = given === undefined || isGiven(value, given);
    const known = isScalar(given) ? given : isSame ? value : undefined;
    if (!touched.has(reference.owner)) {
      if (!isSame) return { isChanged: true, values: {} };
    } else if (isScalar(known)) values[text] = known;
    else return { isChanged: true, values: {} };
  }
  return { isChanged: false, values };
}

/** What a component refers to that has another value than it was given. */
function changedReferences(
  component: Component,
  { inputs }: Pick<Given, 'inputs'>,
  observed: ObservedComponents,
): string[] {
  const there = observedOf(observed, component);
  return [...referencesToOthers(component)].flatMap(([text, reference]) => {
    const given = givenBefore(there, text);
    const value = referredValue(reference, inputs, observed);
    return given === undefined || isGiven(value, given) ? [] : [text];
  });
}

/** What an update to `target` would do. */
export function changesTo(was: Given, observed: ObservedComponents, target: Given): DeploymentChanges {
  const plain = beforeUpdate(was, observed, target);
  const { before, conditional } = withReferences(target, plain);
  const asked = byName(target.blueprint);
  const isKnown = (name: string): boolean => Object.hasOwn(before, name);
  return {
    added: target.blueprint.components.map(({ name }) => name).filter((name) => !isKnown(name)),
    removed: Object.keys(before).filter((name) => !asked.has(name)),
    changed: target.blueprint.components.flatMap((component) => {
      const { former } = observedOf(before, component);
      if (!former) return [];
      const fields = new Set([
        ...changedFields(former, formerOf(component, target)),
        ...changedReferences(component, target, plain),
      ]);
      return [{ name: component.name, fields: [...fields] }];
    }),
    may_change: Object.entries(conditional).map(([name, values]) => ({ name, fields: Object.keys(values) })),
  };
}

function byName({ components }: Blueprint): ReadonlyMap<string, Component> {
  return new Map(components.map((component) => [component.name, component]));
}

function isThere({ state, begun, former }: ObservedComponent): boolean {
  return former !== undefined || begun.length > 0 || (state !== 'pending' && state !== 'undeployed');
}

function isHalfDown({ done }: ObservedComponent): boolean {
  return UNDEPLOY_OPERATIONS.some((operation) => done.includes(operation));
}

function formerOf(component: Component, { inputs, files }: Omit<Given, 'blueprint'>): FormerComponent {
  const named = filesOfBlueprint({ name: '', inputs: {}, outputs: {}, components: [component] });
  return {
    component,
    inputs: inputsOf(component, inputs),
    files: Object.fromEntries(Object.entries(files).filter(([path]) => named.has(path))),
  };
}

/** U1. As a blueprint has it: `operations.start.script`, `service.command`, `files.install.sh`, `inputs.model`. */
function changedFields(former: FormerComponent, next: FormerComponent): string[] {
  const fields = jsonDifferences(decisive(former), decisive(next)).map(({ path }) => {
    const inner = path.findIndex((step) => typeof step === 'number');
    return path
      .slice(0, inner < 0 ? path.length : inner)
      .map(String)
      .join('.');
  });
  return [...new Set(fields)];
}

/** U1. */
function decisive({ component, inputs, files }: FormerComponent): unknown {
  const { require, together, resources, operations, env, attributes, service } = component;
  return {
    ...{ require, resources, operations, env, inputs },
    ...(together !== undefined && { together }),
    ...(attributes && { attributes }),
    files: Object.fromEntries(Object.entries(files).map(([path, { sha256 }]) => [path, sha256])),
    ...(service && { service: decisiveService(service.spec) }),
  };
}

function decisiveService({ run, restart, startupDeadlineMs, disconnect, ...spec }: ServiceOf): unknown {
  const { work, env, files, resources } = run;
  return {
    ...{ ...spec, command: wordsOf(work), env, files, resources, restart },
    ...(work.kind === 'script' && { script: work.path }),
    ...(startupDeadlineMs !== undefined && { startup_deadline: startupDeadlineMs }),
    ...(disconnect && { disconnect }),
  };
}

type ServiceOf = NonNullable<Component['service']>['spec'];
