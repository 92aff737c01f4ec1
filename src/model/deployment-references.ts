/** What components of a blueprint refer to, and with which values they were brought up. */
import type { Scalar } from '../base/expression/expression.js';
import { sha256Of } from '../base/sha256.js';
import {
  type BlueprintReference,
  type Component,
  type ComponentOperation,
  INPUTS_NAME,
  REPLICA_NAME,
  referencesIn,
  valueAt,
  wordsOf,
} from './blueprint.js';
import type { GivenValue, ObservedComponent, ObservedComponents } from './deployment.js';

/** Characters of a digest. It tells a change, and protects nothing. */
const DIGEST = 16;
/** Characters of a value that is kept as it is, as JSON. */
const MAX_SCALAR = 128;

/** What an operation of a component refers to; without one, all of them. */
export function referencesOf(
  { env, operations, service }: Component,
  operation?: ComponentOperation,
): BlueprintReference[] {
  const specs =
    operation === undefined ? Object.values(operations) : [operations[operation] ?? { args: [], inputs: {} }];
  const ofOperations = specs.flatMap(({ args, inputs }) => [...args, ...Object.values(inputs)]);
  const ofService = service
    ? [...wordsOf(service.spec.run.work), ...Object.values(service.spec.run.env)]
    : [];
  return [...Object.values(env), ...ofOperations, ...ofService]
    .filter((text) => typeof text === 'string')
    .flatMap(referencesIn);
}

/** As a blueprint has it, without what stands around it. */
export function referenceText({ owner, path }: BlueprintReference): string {
  return [owner, ...path].join('.');
}

/** What of others a component refers to, by text: inputs and attributes. Its own come and go with it. */
export function referencesToOthers(component: Component): ReadonlyMap<string, BlueprintReference> {
  const others = referencesOf(component).filter(
    ({ owner }) => owner !== component.name && owner !== REPLICA_NAME,
  );
  return new Map(others.map((reference) => [referenceText(reference), reference]));
}

/** The value of a reference; nothing where there is none. */
export function referredValue(
  { owner, path }: BlueprintReference,
  inputs: Readonly<Record<string, unknown>>,
  components: ObservedComponents,
): unknown {
  if (owner === INPUTS_NAME) return valueAt(inputs, path);
  return Object.hasOwn(components, owner) ? valueAt(components[owner]!.attributes, path) : undefined;
}

/** With what a component is brought up now. */
export function givenTo(
  component: Component,
  inputs: Readonly<Record<string, unknown>>,
  components: ObservedComponents,
): Record<string, GivenValue> {
  return Object.fromEntries(
    [...referencesToOthers(component)].map(([text, reference]) => [
      text,
      givenValue(referredValue(reference, inputs, components)),
    ]),
  );
}

/** The value that a component was brought up with, as far as it is known. */
export function givenBefore({ given = {} }: ObservedComponent, text: string): GivenValue | undefined {
  return Object.hasOwn(given, text) ? given[text] : undefined;
}

/** Whether a value is what a component was given. */
export function isGiven(value: unknown, given: GivenValue): boolean {
  const now = givenValue(value);
  return isScalar(now) || isScalar(given) ? now === given : now.digest === given.digest;
}

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function givenValue(value: unknown): GivenValue {
  const text = JSON.stringify(value ?? null);
  return isScalar(value) && text.length <= MAX_SCALAR ? value : { digest: sha256Of(text).slice(0, DIGEST) };
}

/** The inputs that a component refers to. */
export function inputsOf(
  component: Component,
  inputs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = new Set(
    referencesOf(component).flatMap(({ owner, path }) => (owner === INPUTS_NAME ? path.slice(0, 1) : [])),
  );
  return Object.fromEntries([...names].map((name) => [name, inputs[name]]));
}
