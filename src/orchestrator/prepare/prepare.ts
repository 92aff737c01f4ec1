/**
 * Requests before they enter the mailbox: what needs no state is worked out here, so that the loop does not: inputs are
 * encoded in the type of their graph, large ones become blobs, graph files are parsed.
 */

import type { IdSource } from '../../base/ids.js';
import { ALL_PROJECTS, maySee, projectFor } from '../../model/access.js';
import { isDeploymentGraph } from '../../model/deployment.js';
import { isPrivateGraph } from '../../model/private-graph.js';
import { isServiceGraph } from '../../model/service.js';
import type { Reader } from '../../store/store.js';
import type { Vault } from '../access/vault.js';
import type { PrepareCampaignDeps } from '../campaigns/prepare.js';
import { deploymentNamed } from '../core/deployments/deployment-view.js';
import { unknownDeployment } from '../core/deployments/deployments.js';
import type { State } from '../core/state.js';
import { missingFiles } from '../core/tasks/graph-files.js';
import type { PreparedRequest, WebhookAttempt } from '../core/turn.js';
import { unknownWebhook } from '../core/webhooks/webhooks.js';
import type { Blobs, Queries, Refusal, Request } from '../port.js';
import { refusal } from '../refusal.js';
import { readProblem } from '../tables/read-rows.js';
import { projectOfRow } from '../tables/row.js';
import type { PrepareBlueprintDeps } from './blueprint.js';
import { prepareCampaignRun } from './campaign.js';
import { prepareDeploy } from './deployment.js';
import { prepareGrant } from './grant.js';
import { type PrepareGraphDeps, prepareGraph } from './graph.js';
import { type InputDeps, prepareInput, prepareOverrides, requireRefusal } from './input.js';
import { jobAsSubmission } from './job.js';
import { hiddenFiles } from './named-files.js';
import { nextOperation, nextUpdate, prepareOperation } from './operation.js';
import { unfitFiles, unknownClusterOf } from './service.js';
import { prepareWebhook } from './webhook.js';

export interface PrepareDeps extends PrepareGraphDeps, PrepareBlueprintDeps, PrepareCampaignDeps, InputDeps {
  readonly blobs: Pick<Blobs, 'put' | 'open'>;
  readonly store: Reader;
  readonly state: Pick<State, 'graph' | 'graphs' | 'clusters' | 'webhooks' | 'deployments'>;
  readonly vault: Pick<Vault, 'open' | 'seal'>;
  readonly queries: Pick<Queries, 'problemFits'>;
  /** The project that the caller is bound to; `ALL_PROJECTS`: none. */
  readonly bound: string;
  /** Nothing where there is no such webhook. */
  readonly testWebhook: (name: string) => Promise<WebhookAttempt | undefined>;
  readonly ids: Pick<IdSource, 'uuid'>;
}

/** The request made ready for the loop, or why it can never be done. */
export async function prepare(deps: PrepareDeps, request: Request): Promise<PreparedRequest | Refusal> {
  switch (request.kind) {
    case 'submit': {
      const graph = deps.state.graph(request.graph);
      if (!graph || isPrivateGraph(request.graph)) return unknownGraph(deps, request.graph);
      const unmet = requireRefusal(graph, request.require);
      if (unmet) return unmet;
      const prepared = await prepareInput(deps, graph, request.input);
      if ('ok' in prepared) return prepared;
      const project = projectFor(deps.bound);
      return { ...request, project, graphVersion: graph.compiled.key.version, prepared };
    }
    case 'submit_job': {
      const submission = jobAsSubmission(deps.state, request);
      return 'ok' in submission ? submission : prepare(deps, submission);
    }
    case 'iterate':
      return prepareIteration(deps, request);
    case 'put_graph':
      return prepareGraph(deps, request);
    case 'deploy':
      return prepareDeploy(deps, request);
    case 'operate_deployment':
      return prepareOperation(deps, await nextOperation(deps, request), request.traceparent);
    case 'update_deployment':
      return prepareOperation(deps, await nextUpdate(deps, request), request.traceparent);
    case 'cancel_deployment': {
      const deployment = deploymentNamed(deps.state, deps.bound, request.deploymentId);
      if (!deployment) return unknownDeployment(request.deploymentId);
      return { ...request, deploymentId: deployment.id };
    }
    case 'apply_service':
      return prepareService(deps, request);
    case 'run_campaign':
      return prepareCampaignRun(deps, request);
    case 'set_secret': {
      const { kind, name, value } = request;
      return { kind, name, sealed: deps.vault.seal(name, value) };
    }
    case 'add_webhook':
    case 'declare_webhook': {
      const webhook = await prepareWebhook(deps, request.webhook);
      if ('ok' in webhook) return webhook;
      const project = deps.bound === ALL_PROJECTS ? {} : { project: deps.bound };
      return { kind: request.kind, webhook: { ...webhook, ...project } };
    }
    case 'test_webhook': {
      const attempt = await deps.testWebhook(request.name);
      return attempt ? { ...request, attempt } : unknownWebhook(request.name);
    }
    case 'grant_access':
      return { kind: request.kind, grant: prepareGrant(deps, request.grant) };
    case 'change_problem':
    case 'task_command':
    case 'decide_approval':
    case 'node_command':
    case 'remove_node':
    case 'add_cluster':
    case 'declare_cluster':
    case 'change_cluster':
    case 'remove_cluster':
    case 'command_campaign':
    case 'command_service':
    case 'remove_service':
    case 'remove_secret':
    case 'remove_webhook':
    case 'revoke_access':
    case 'configure':
      return request;
    default:
      return request satisfies never;
  }
}

async function prepareService(
  deps: PrepareDeps,
  request: Extract<Request, { kind: 'apply_service' }>,
): Promise<PreparedRequest | Refusal> {
  const unknown = unknownClusterOf(deps.state, request.spec);
  if (unknown) return unknown;
  const unfit = unfitFiles(request);
  if (unfit) return unfit;
  const hidden = await hiddenFiles(deps, request.files);
  if (hidden.length > 0) return missingFiles(hidden, 'bad_service');
  const typesJson = deps.types.toJson(['json']);
  return { ...request, project: projectFor(deps.bound), types: deps.types, typesJson };
}

async function prepareIteration(
  deps: PrepareDeps,
  request: Extract<Request, { kind: 'iterate' }>,
): Promise<PreparedRequest | Refusal> {
  const problem = await readProblem(deps.store, request.problemId);
  if (!problem || !maySee(deps.bound, projectOfRow(problem)))
    return refusal('not_found', 'unknown_problem', `no problem ${request.problemId}`);
  const graph = deps.state.graph(problem.graph);
  if (!graph) return unknownGraph(deps, problem.graph);
  if (isServiceGraph(problem.graph)) return runOfService(request.problemId);
  if (isDeploymentGraph(problem.graph)) return operationOfDeployment(request.problemId);
  const graphVersion = graph.compiled.key.version;
  const unmet = requireRefusal(graph, request.require);
  if (unmet) return unmet;
  const preparedOverrides = await prepareOverrides(deps, graph, request.overrides ?? {});
  if ('ok' in preparedOverrides) return preparedOverrides;
  const iterate = { ...request, graphVersion, preparedOverrides };
  if (request.input === undefined) return iterate;
  const prepared = await prepareInput(deps, graph, request.input);
  return 'ok' in prepared ? prepared : { ...iterate, prepared };
}

function runOfService(problemId: string): Refusal {
  return refusal(
    'conflict',
    'run_of_service',
    `problem ${problemId} is a run of a replica, which has no further iterations`,
    { hint: 'restart or scale the service' },
  );
}

function operationOfDeployment(problemId: string): Refusal {
  return refusal(
    'conflict',
    'is_a_deployment',
    `problem ${problemId} is a deployment, whose iterations are its operations`,
    { hint: 'continue or undeploy the deployment' },
  );
}

function unknownGraph(deps: PrepareDeps, name: string): Refusal {
  const known = [...deps.state.graphs.keys()].filter((graph) => !isPrivateGraph(graph)).join(', ');
  const message = known === '' ? 'there is none' : `one of ${known}`;
  return refusal('invalid', 'unknown_graph', `no graph ${JSON.stringify(name)}`, {
    hint: known === '' ? 'no graph is loaded: PUT /v1/graphs/{name}' : `known graphs: ${known}`,
    details: [{ path: '/graph', code: 'unknown_graph', message }],
  });
}
