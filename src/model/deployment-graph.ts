/**
 * The graph of a deployment's plan: one module for each operation of a component.
 *
 * G1. Up, a step comes after all steps of what its component comes after; down, after all of what comes after its component, as that is there.
 * G2. What may be replaced waits until the attributes that it refers to are known: nothing waits for it to be taken down.
 */
import type { Comparison, Expression, Scalar } from '../base/expression/expression.js';
import {
  type BlueprintReference,
  type Component,
  type ComponentOperation,
  filesOfOperation,
  INPUTS_NAME,
  type OperationSpec,
  replaceReferences,
  valueAt,
} from './blueprint.js';
import {
  type DeploymentPlan,
  deploymentGraphName,
  type FormerComponent,
  isConditional,
  type ObservedComponents,
  observedOf,
  type PlannedStep,
  serviceName,
  stepModule,
  stepsByComponent,
} from './deployment.js';
import { referencesOf } from './deployment-references.js';
import { componentsThere, goesDown } from './deployment-steps.js';
import type { Graph, ModuleSpec } from './graph.js';
import type { BlobRef } from './payload.js';
import { isPlaybook, playbookWork } from './playbook.js';

/** What every step is given beside outputs of others: the inputs, and what was there before. */
const SOURCE = 'deployment';

/** The payload that every step is given. */
export function planInput({
  blueprint,
  inputs,
  before,
}: Pick<DeploymentPlan, 'blueprint' | 'inputs' | 'before'>): Readonly<Record<string, unknown>> {
  const components = blueprint.components.map((component) => {
    const { former, attributes } = observedOf(before, component);
    return [component.name, former ? (component.attributes ?? {}) : attributes];
  });
  const former = Object.entries(before).flatMap(([name, one]) =>
    one.former ? [[name, { inputs: one.former.inputs, attributes: one.attributes }]] : [],
  );
  return {
    ...{ inputs, components: Object.fromEntries(components) },
    ...(former.length > 0 && { former: Object.fromEntries(former) }),
  };
}

/** Files of components as they were brought up, by a key that no path of a blueprint is. */
export function formerFiles(before: ObservedComponents): Record<string, BlobRef> {
  const blobs = Object.values(before).flatMap(({ former }) => Object.values(former?.files ?? {}));
  return Object.fromEntries(blobs.map((blob) => [formerKey(blob), blob]));
}

function formerKey({ sha256 }: BlobRef): string {
  return `/former/${sha256}`;
}

/** What the steps of a plan are made from. */
interface Making {
  readonly plan: DeploymentPlan;
  readonly down: ReadonlyMap<string, readonly PlannedStep[]>;
  readonly up: ReadonlyMap<string, readonly PlannedStep[]>;
  /** What is there of each component. */
  readonly there: ReadonlyMap<string, Component>;
  readonly asked: ReadonlyMap<string, Component>;
}

/** The graph of a plan. */
export function planGraph(deploymentId: string, plan: DeploymentPlan): Graph {
  const making: Making = {
    plan,
    down: stepsByComponent(plan.steps.filter(goesDown)),
    up: stepsByComponent(plan.steps.filter((step) => !goesDown(step))),
    there: new Map(componentsThere(plan).map((component) => [component.name, component])),
    asked: new Map(plan.blueprint.components.map((component) => [component.name, component])),
  };
  return {
    name: deploymentGraphName(deploymentId),
    source: { name: SOURCE, type: 'json' },
    modules: inOrder(stepsOfAll(making).map((step) => moduleOf(making, step))),
  };
}

/** What goes down, in the reverse order of the components, then what goes up. */
function stepsOfAll({ down, up, there, asked }: Making): PlannedStep[] {
  return [
    ...[...there.keys()].reverse().flatMap((name) => down.get(name) ?? []),
    ...[...asked.keys()].flatMap((name) => up.get(name) ?? []),
  ];
}

/** A graph has its modules in an order in which each comes after its inputs. */
function inOrder(modules: readonly ModuleSpec[]): ModuleSpec[] {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const placed = new Set<ModuleSpec>();
  const place = (module: ModuleSpec): void => {
    if (placed.has(module)) return;
    for (const input of module.inputs) if (input !== SOURCE) place(byName.get(input)!);
    placed.add(module);
  };
  for (const module of modules) place(module);
  return [...placed];
}

function moduleOf(making: Making, step: PlannedStep): ModuleSpec {
  const { plan, down, up, there, asked } = making;
  const { component: name, cluster } = step;
  const isDown = goesDown(step);
  const component = (isDown ? there : asked).get(name)!;
  const own = (isDown ? down : up).get(name)!;
  const earlier = own.slice(0, own.indexOf(step));
  const before =
    earlier.length > 0
      ? earlier.slice(-1)
      : [...ownBefore(making, step), ...othersBefore(making, name, isDown)];
  const attributes = isDown ? [] : attributesBefore(making, component, step, earlier);
  const condition = conditionFor(making, name);
  const inputs = [...before, ...attributes, ...awaited(making, name)].map(stepModule);
  return {
    ...{ name: stepModule(step), inputs: [SOURCE, ...new Set(inputs)], previous: [], output: 'json' },
    require: { ...component.require, ...(cluster !== undefined && { cluster }) },
    ...{ timeoutMs: undefined, onError: 'fail', start: 'auto' },
    retry: { attempts: component.attempts, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 },
    liveness: { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 },
    ...(condition && { when: condition }),
    ...workOf(plan, component, step, (reference) => placeOf(making, step, earlier, reference)),
  };
}

/** What is replaced is taken down before it is brought up. */
function ownBefore({ down }: Making, step: PlannedStep): readonly PlannedStep[] {
  return goesDown(step) ? [] : (down.get(step.component)?.slice(-1) ?? []);
}

/** G1. The last steps of what has to come first. */
function othersBefore(
  making: Making,
  name: string,
  isDown: boolean,
  seen: Set<string> = new Set(),
): PlannedStep[] {
  const { plan, down, up, there, asked } = making;
  const next = isDown
    ? [...there.values()].filter(({ after }) => after.includes(name)).map((one) => one.name)
    : (asked.get(name)?.after ?? []);
  return next.flatMap((one) => {
    if (seen.has(one)) return [];
    seen.add(one);
    // G2.
    const steps = isDown ? (isConditional(plan, one) ? undefined : down.get(one)) : up.get(one);
    const last = steps?.at(-1);
    // One without steps of its own passes on what it waits for.
    return last ? [last] : othersBefore(making, one, isDown, seen);
  });
}

/** What of others decides on whether a component is replaced. */
function awaited({ plan, up }: Making, name: string): PlannedStep[] {
  return isConditional(plan, name)
    ? Object.keys(plan.conditional![name]!).flatMap((text) => up.get(ownerIn(text)) ?? [])
    : [];
}

function ownerIn(text: string): string {
  return text.slice(0, text.indexOf('.'));
}

/** It is replaced unless each value that it refers to is what it was. */
function conditionFor({ plan, up, asked }: Making, name: string): ModuleSpec['when'] {
  if (!isConditional(plan, name)) return undefined;
  const of = Object.entries(plan.conditional![name]!).map(([text, value]): Expression => {
    const owner = ownerIn(text);
    const rest = text.slice(owner.length + 1);
    const steps = [...(up.get(owner) ?? [])].reverse();
    const { former, attributes } = observedOf(plan.before, asked.get(owner)!);
    const isKept = former === undefined && valueAt(attributes, rest.split('.')) === value;
    return {
      kind: 'not',
      of: sameExpression(
        steps.map((step) => `${stepModule(step)}.${rest}`),
        value,
        isKept,
      ),
    };
  });
  const expression: Expression = of.length === 1 ? of[0]! : { kind: 'or', of };
  return { expression, text: expressionText(expression) };
}

/** The newest operation that has the attribute counts. `isKept`: where none has, it is as it was. */
function sameExpression(places: readonly string[], value: Scalar, isKept: boolean): Expression {
  const [newest, ...older] = places;
  const equal = comparison(newest!, value);
  const absent = comparison(newest!, null);
  const rest = older.length > 0 ? sameExpression(older, value, isKept) : undefined;
  if (rest) return { kind: 'or', of: [equal, { kind: 'and', of: [absent, rest] }] };
  return isKept ? { kind: 'or', of: [equal, absent] } : equal;
}

function comparison(field: string, value: Scalar | null): Comparison {
  return { kind: 'compare', field, at: 1, operator: '=', value, valueAt: 1 };
}

function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'compare':
      return `${expression.field} ${expression.operator} ${JSON.stringify(expression.value)}`;
    case 'not':
      return `NOT (${expressionText(expression.of)})`;
    case 'and':
    case 'or':
      return expression.of
        .map((one) => `(${expressionText(one)})`)
        .join(` ${expression.kind.toUpperCase()} `);
    default:
      return expression satisfies never;
  }
}

function workOf(
  plan: DeploymentPlan,
  component: Component,
  step: PlannedStep,
  place: (reference: BlueprintReference) => string,
): Pick<ModuleSpec, 'run' | 'serve'> {
  const { name, service, operations } = component;
  const { operation, cluster = '' } = step;
  const former = goesDown(step) ? observedOf(plan.before, component).former : undefined;
  if (!service) return { run: runOf(component, operations[operation]!, { cluster, former }, place) };
  const action = goesDown(step) ? 'remove' : 'apply';
  const { withinMs } = service;
  return { serve: { component: name, service: serviceName(plan, name), action, withinMs } };
}

function runOf(
  { resources, env, files }: Component,
  operation: OperationSpec,
  { cluster, former }: { readonly cluster: string; readonly former: FormerComponent | undefined },
  place: (reference: BlueprintReference) => string,
): NonNullable<ModuleSpec['run']> {
  const { script, args, inputs, typed } = operation;
  const resolved = (text: string): string => replaceReferences(text, place);
  const variables = Object.entries({ ...env, ...inputs }).map(([name, value]) => [
    name,
    typeof value === 'string' ? resolved(value) : value,
  ]);
  const words = args.map(resolved);
  const found = { ...Object.fromEntries(files.map((path) => [path, path])), ...filesOfOperation(operation) };
  const names = variables.map(([name]) => name as string);
  return {
    work: isPlaybook(script)
      ? playbookWork(script, words, names, { cluster, typed })
      : { kind: 'script', path: script, args: words },
    env: Object.fromEntries(variables),
    files: Object.fromEntries(
      Object.entries(found).map(([path, beside]) => [
        path,
        former ? formerKey(former.files[beside]!) : beside,
      ]),
    ),
    ...{ resources, result: 'attributes', keep: 'never', envReferences: true, retryExitCodes: undefined },
  };
}

/** The steps of this operation whose attributes a step refers to. */
function attributesBefore(
  { up }: Making,
  component: Component,
  { operation }: { readonly operation: ComponentOperation },
  earlier: readonly PlannedStep[],
): PlannedStep[] {
  const owners = new Set(referencesOf(component, operation).map(({ owner }) => owner));
  return [...owners].flatMap((owner) => (owner === component.name ? earlier : (up.get(owner) ?? [])));
}

/** Where the value of a reference is among the inputs of a step: the newest operation that has it counts. */
function placeOf(
  { plan, up }: Making,
  step: PlannedStep,
  earlier: readonly PlannedStep[],
  { owner, path }: BlueprintReference,
): string {
  const rest = path.join('.');
  const isDown = goesDown(step);
  const isReplaced = (name: string): boolean => observedOf(plan.before, { name }).former !== undefined;
  if (owner === INPUTS_NAME) {
    const isFormer = isDown && isReplaced(step.component);
    return `\${${SOURCE}.${isFormer ? `former.${step.component}.inputs` : 'inputs'}.${rest}}`;
  }
  if (isDown && isReplaced(owner)) return `\${${SOURCE}.former.${owner}.attributes.${rest}}`;
  const steps = isDown ? [] : owner === step.component ? earlier : (up.get(owner) ?? []);
  const places = [...steps].reverse().map((one) => `${stepModule(one)}.${rest}`);
  return `\${${[...places, `${SOURCE}.components.${owner}.${rest}`].join('|')}}`;
}
