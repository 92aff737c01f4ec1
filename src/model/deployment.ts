/**
 * Deployments: problems whose iterations are operations. Each operation is a task of a private plan, a graph with one run module for each
 * operation of a component that is to run.
 */
import type { Scalar } from '../base/expression/expression.js';
import type { Blueprint, Component, ComponentOperation } from './blueprint.js';
import type { BlobRef } from './payload.js';

export const DEPLOYMENT_OPERATIONS = ['deploy', 'update', 'continue', 'undeploy'] as const;
export type DeploymentOperation = (typeof DEPLOYMENT_OPERATIONS)[number];

export const DEPLOYMENT_STATES = [
  'deploying',
  'deployed',
  'updating',
  'undeploying',
  'undeployed',
  'failed',
] as const;
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
  /** Of its blueprint: 1, and one more with each update. */
  readonly version: number;
  /** Why it has failed. */
  readonly message?: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Whether an operation is. */
export function isUnderWay({ state }: { readonly state: DeploymentState }): boolean {
  return state === 'deploying' || state === 'updating' || state === 'undeploying';
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
  /** By reference, the value that it was brought up with. @default not known */
  readonly given?: Readonly<Record<string, GivenValue>>;
  /** As what it was brought up, where it has to be taken down as that before anything else. */
  readonly former?: FormerComponent;
}

/** A value; a digest of one that is long, or an object or a list, or nothing. */
export type GivenValue = Scalar | { readonly digest: string };

/** A component as it was brought up, with all that taking it down needs. */
export interface FormerComponent {
  readonly component: Component;
  /** Those that it refers to. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** By path beside its blueprint. */
  readonly files: Readonly<Record<string, BlobRef>>;
}

export type ObservedComponents = Readonly<Record<string, ObservedComponent>>;

export const UNTOUCHED: ObservedComponent = { state: 'pending', done: [], begun: [], attributes: {} };

/** A component may have the name of something that every object has, like `constructor`. */
export function observedOf(
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
  /** Components that are replaced only if one of the values that they refer to changes by this operation: by reference, the value now. @default none */
  readonly conditional?: Readonly<Record<string, Readonly<Record<string, Scalar>>>>;
  readonly steps: readonly PlannedStep[];
}

const PREFIX = 'deployment:';
const TEXT_HEAD = '# The plan of a deployment, which is a part of Tutti.\n';
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

/** Whether a component is replaced only if a value changes that it refers to. */
export function isConditional(
  { conditional = {} }: Pick<DeploymentPlan, 'conditional'>,
  component: string,
): boolean {
  return Object.hasOwn(conditional, component);
}

/** Of each component, in their order. */
export function stepsByComponent(steps: readonly PlannedStep[]): Map<string, PlannedStep[]> {
  const found = new Map<string, PlannedStep[]>();
  for (const step of steps) {
    const own = found.get(step.component);
    if (own) own.push(step);
    else found.set(step.component, [step]);
  }
  return found;
}

/** The service that a component is. */
export function serviceName({ name }: Pick<DeploymentPlan, 'name'>, component: string): string {
  return `${name}-${component}`;
}
