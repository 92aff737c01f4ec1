/** What a person may ask for. Each call carries the caller's idempotency key: sent again, it is still done once. */

import type { ErrorJson } from '../../../../src/contract/answer.js';
import type { ListedCampaignJson } from '../../../../src/contract/campaign.js';
import type { ClusterJson } from '../../../../src/contract/cluster.js';
import type { DeploymentChangesJson } from '../../../../src/contract/deployment.js';
import type { ProblemChangeJson, WholeProblemJson } from '../../../../src/contract/problem.js';
import type { ServiceJson } from '../../../../src/contract/service.js';
import type { WebhookJson, WebhookTestedJson } from '../../../../src/contract/webhook.js';
import type { Decision } from '../../../../src/model/approval.js';
import type { CampaignCommand } from '../../../../src/model/campaign.js';
import type { ClusterStatus } from '../../../../src/model/cluster.js';
import { deleteAt, newIdempotencyKey, patchJson, postJson, putBytes } from './http.js';
import { deploymentPath, taskPath } from './queries.js';

export interface Created {
  readonly problem_id: string;
  readonly iteration_id: number;
}

export interface NewProblem {
  readonly graph: string;
  readonly input: unknown;
  readonly title?: string;
}

export function submitProblem(problem: NewProblem, key: string): Promise<Created> {
  return postJson('problems', problem, key);
}

export interface NewIteration {
  readonly input?: unknown;
  readonly parent_iteration_id?: number;
}

export function iterate(problemId: string, iteration: NewIteration, key: string): Promise<Created> {
  return postJson(`problems/${encodeURIComponent(problemId)}/iterations`, iteration, key);
}

export type TaskCommand = 'stop' | 'reset' | 'preempt' | 'terminate';
export type NodeCommand = 'start' | 'stop' | 'reset' | 'terminate';

export interface Issued {
  readonly command_id: string;
}

export function commandTask(
  problemId: string,
  iterationId: number,
  asked: { readonly command: TaskCommand; readonly module?: string; readonly reason?: string },
  key: string,
): Promise<Issued> {
  return postJson(`${taskPath(problemId, iterationId)}/commands`, asked, key);
}

export function decide(
  problemId: string,
  iterationId: number,
  module: string,
  asked: { readonly decision: Decision; readonly reason?: string },
  key: string,
): Promise<unknown> {
  return postJson(`${taskPath(problemId, iterationId)}/approvals/${encodeURIComponent(module)}`, asked, key);
}

export function commandNode(
  nodeId: string,
  asked: { readonly command: NodeCommand; readonly reason?: string },
  key: string,
): Promise<Issued> {
  return postJson(`nodes/${encodeURIComponent(nodeId)}/commands`, asked, key);
}

/** What a node answered to a configuration. */
export interface Configured {
  readonly success: boolean;
  readonly configuration: string;
  readonly error?: ErrorJson;
}

export function configureNode(nodeId: string, configuration: string, key: string): Promise<Configured> {
  return postJson(`nodes/${encodeURIComponent(nodeId)}/configuration`, { configuration }, key);
}

/** With `revision`, only where it still is the newest: otherwise `revision_outdated`. */
export function changeProblem(
  problemId: string,
  change: ProblemChangeJson,
  revision?: number,
): Promise<WholeProblemJson> {
  return patchJson(`problems/${encodeURIComponent(problemId)}`, change, revision);
}

export function changeCluster(name: string, status: ClusterStatus): Promise<ClusterJson> {
  return patchJson(`clusters/${encodeURIComponent(name)}`, { status });
}

export type ServiceCommand =
  | { readonly command: 'restart' | 'stop' | 'start' }
  | { readonly command: 'scale'; readonly count: number };

export function commandService(name: string, asked: ServiceCommand, key: string): Promise<ServiceJson> {
  return postJson(`services/${encodeURIComponent(name)}/commands`, asked, key);
}

/** An operation that was begun. */
export interface OperationBegun {
  readonly deployment_id: string;
  readonly operation_id: number;
  readonly task_id: string;
}

export interface Update {
  readonly blueprint: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** By path, the SHA-256. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Deploy extends Update {
  /** @default that of the blueprint */
  readonly name?: string;
}

export function deploy(asked: Deploy, key: string): Promise<OperationBegun> {
  return postJson('deployments', asked, key);
}

/** What an update would do. Nothing has to be uploaded for it. */
export function changesOf(deploymentId: string, asked: Update): Promise<DeploymentChangesJson> {
  return postJson(`${deploymentPath(deploymentId)}/diff`, asked, newIdempotencyKey());
}

export function updateDeployment(deploymentId: string, asked: Update, key: string): Promise<OperationBegun> {
  return postJson(`${deploymentPath(deploymentId)}/update`, asked, key);
}

/** Contents by their SHA-256; what is there already is not stored again. */
export async function uploadAll(contents: ReadonlyMap<string, BlobPart>): Promise<void> {
  for (const [sha256, content] of contents) await putBytes(`blobs/${sha256}`, content);
}

export type DeploymentCommand =
  | { readonly command: 'continue'; readonly clean?: true }
  | { readonly command: 'undeploy' | 'cancel' };

/** `cancel` begins no operation: it stops the one that is under way. */
export function commandDeployment(
  deploymentId: string,
  { command, ...body }: DeploymentCommand,
  key: string,
): Promise<OperationBegun | Issued> {
  return postJson(`${deploymentPath(deploymentId)}/${command}`, body, key);
}

export function commandCampaign(
  campaignId: string,
  command: CampaignCommand,
  key: string,
): Promise<ListedCampaignJson> {
  return postJson(`campaigns/${encodeURIComponent(campaignId)}/commands`, { command }, key);
}

export function cancelJob(jobId: string, key: string): Promise<unknown> {
  return postJson(`jobs/${encodeURIComponent(jobId)}/cancel`, {}, key);
}

export interface NewWebhook {
  readonly name: string;
  readonly url: string;
  readonly filter?: readonly string[];
  readonly problem?: string;
  readonly secret?: string;
}

export function addWebhook(webhook: NewWebhook, key: string): Promise<WebhookJson> {
  return postJson('webhooks', webhook, key);
}

/** Posts one event of the type `webhook.test`. */
export function testWebhook(name: string, key: string): Promise<WebhookTestedJson> {
  return postJson(`webhooks/${encodeURIComponent(name)}/test`, {}, key);
}

export function removeWebhook(name: string): Promise<void> {
  return deleteAt(`webhooks/${encodeURIComponent(name)}`);
}
