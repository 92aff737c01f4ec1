/** Further operations of deployments, made ready: by what is observed after the newest one. */
import type { Open } from '../../contract/answer.js';
import type { DeploymentChangesJson } from '../../contract/deployment.js';
import type { Deployment, DeploymentPlan, ObservedComponents } from '../../model/deployment.js';
import { beforeUpdate, changesTo, withReferences } from '../../model/deployment-changes.js';
import { planInput } from '../../model/deployment-graph.js';
import type { BlobRef } from '../../model/payload.js';
import type { Reader } from '../../store/store.js';
import type { TypeRegistry } from '../../wire/types.js';
import { deploymentNamed } from '../core/deployments/deployment-view.js';
import { unknownDeployment } from '../core/deployments/deployments.js';
import type { State } from '../core/state.js';
import type { PreparedRequest } from '../core/turn.js';
import type { AskedUpdate, Refusal, Request } from '../port.js';
import { Payloads } from '../queries/payloads.js';
import { plannedBy } from '../queries/planned.js';
import { readTask } from '../tables/read-rows.js';
import { type PrepareBlueprintDeps, type PreparedBlueprint, prepareBlueprint } from './blueprint.js';
import { type InputDeps, keepJson } from './input.js';

export interface StandingDeps {
  readonly store: Reader;
  readonly state: Pick<State, 'graph' | 'graphs' | 'clusters' | 'deployments'>;
  readonly bound: string;
}

export type OperationDeps = StandingDeps & PrepareBlueprintDeps;

/** A further operation, without its steps. */
export type NextOperation = Omit<
  Extract<PreparedRequest, { kind: 'operate_deployment' }>,
  'kind' | 'prepared' | 'types' | 'typesJson' | 'traceparent'
>;

/** What a further operation goes on from. */
interface Standing {
  readonly deployment: Deployment;
  readonly plan: DeploymentPlan;
  readonly observed: ObservedComponents;
  readonly files: Readonly<Record<string, BlobRef>>;
}

/** By what is observed after the newest operation; while that goes on, the loop refuses another one. */
export async function nextOperation(
  deps: StandingDeps,
  { deploymentId, operation, clean = false }: Extract<Request, { kind: 'operate_deployment' }>,
): Promise<NextOperation | Refusal> {
  const standing = await standingOf(deps, deploymentId);
  if ('ok' in standing) return standing;
  const { deployment, plan, files } = standing;
  const { name, blueprint, inputs } = plan;
  const direction = operation === 'undeploy' ? 'down' : deployment.direction;
  const observed = clean ? anew(standing.observed) : standing.observed;
  const { before, conditional } =
    direction === 'up'
      ? withReferences({ blueprint, inputs, files }, observed)
      : { before: observed, conditional: {} };
  return {
    ...{ deploymentId: deployment.id, after: deployment.operationId, operation },
    asked: { ...{ name, blueprint, operation, direction, inputs }, before, conditional },
  };
}

/** From the beginning; but what is there and is no longer asked for is taken down all the same. */
function anew(observed: ObservedComponents): ObservedComponents {
  return Object.fromEntries(Object.entries(observed).filter(([, { former }]) => former !== undefined));
}

/** With what its steps are given. */
export async function prepareOperation(
  deps: InputDeps & { readonly types: TypeRegistry },
  next: NextOperation | Refusal,
  traceparent: string | undefined,
): Promise<Extract<PreparedRequest, { kind: 'operate_deployment' }> | Refusal> {
  if ('ok' in next) return next;
  const prepared = await keepJson(deps, planInput(next.asked));
  if ('ok' in prepared) return prepared;
  const typesJson = deps.types.toJson(['json']);
  const traced = traceparent === undefined ? {} : { traceparent };
  return { kind: 'operate_deployment', ...next, ...traced, prepared, types: deps.types, typesJson };
}

type Update = AskedUpdate & { readonly deploymentId: string };

export async function nextUpdate(deps: OperationDeps, request: Update): Promise<NextOperation | Refusal> {
  const standing = await standingOf(deps, request.deploymentId);
  if ('ok' in standing) return standing;
  const target = await targetOf(deps, standing, request);
  if ('ok' in target) return target;
  const { deployment, plan, observed } = standing;
  const { blueprint, inputs, files } = target;
  const given = { blueprint, inputs, files: sized(files, standing.files) };
  const there = beforeUpdate({ ...plan, files: standing.files }, observed, given);
  const { before, conditional } = withReferences(given, there);
  return {
    ...{ deploymentId: deployment.id, after: deployment.operationId, operation: 'update' },
    asked: { name: plan.name, operation: 'update', direction: 'up', blueprint, inputs, before, conditional },
    files,
  };
}

export async function deploymentChanges(
  deps: OperationDeps,
  request: Update,
): Promise<{ readonly changes: Open<DeploymentChangesJson> } | Refusal> {
  const standing = await standingOf(deps, request.deploymentId);
  if ('ok' in standing) return standing;
  const target = await targetOf(deps, standing, request);
  if ('ok' in target) return target;
  const { plan, observed, files } = standing;
  const given = { ...target, files: sized(target.files, files) };
  return { changes: { ...changesTo({ ...plan, files }, observed, given) } };
}

/** What the deployment is to become. */
async function targetOf(
  deps: OperationDeps,
  { plan }: Standing,
  { deploymentId: _, ...asked }: Update,
): Promise<Omit<PreparedBlueprint, 'ok'> | Refusal> {
  const prepared = await prepareBlueprint(deps, { ...asked, former: plan });
  if (!prepared.ok) return prepared;
  const { blueprint, inputs, files } = prepared;
  return { blueprint, inputs, files };
}

/** The size of one that is not there yet is not known, and is not needed. */
function sized(
  files: Readonly<Record<string, string>>,
  known: Readonly<Record<string, BlobRef>>,
): Record<string, BlobRef> {
  const sizes = new Map(Object.values(known).map(({ sha256, size }) => [sha256, size]));
  return Object.fromEntries(
    Object.entries(files).map(([path, sha256]) => [path, { sha256, size: sizes.get(sha256) ?? 0 }]),
  );
}

async function standingOf(deps: StandingDeps, which: string): Promise<Standing | Refusal> {
  const { state, store } = deps;
  const deployment = deploymentNamed(state, deps.bound, which);
  if (!deployment) return unknownDeployment(which);
  const row = await readTask(store, { problemId: deployment.id, iterationId: deployment.operationId });
  if (!row) return unknownDeployment(which);
  const { plan, observed } = await plannedBy(store, new Payloads(state), row);
  const { files = {} } = state.graph(row.graph, row.graph_version) ?? {};
  // What ran on a cluster that is gone is gone with it.
  const there = Object.entries(observed).filter(
    ([, { cluster }]) => cluster === undefined || state.clusters.has(cluster),
  );
  return { deployment, plan, observed: Object.fromEntries(there), files };
}
