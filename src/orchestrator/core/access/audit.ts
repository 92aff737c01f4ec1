/** The audit: an entry comes with what was done, in the same commit. */
import type { AuditNote } from '../../../model/audit.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { Request, View } from '../../port.js';
import { projectOfRow } from '../../tables/row.js';
import { emit } from '../emit.js';
import { projectOfProblem } from '../tasks/project.js';
import type { Asking, PreparedRequest, Turn } from '../turn.js';

/** Returns the number of its entry. */
export function noteAudit(turn: Turn, note: AuditNote): number {
  const { by, accessId, address, action, operation, target, project, result } = note;
  const id = (note.result === 'refused' ? note.entry?.id : undefined) ?? turn.state.audited + 1;
  emit(turn, {
    ...{ type: 'audit.noted', audit_id: id, times: note.result === 'refused' ? note.times : 1 },
    ...(note.result === 'refused' && note.entry && { first_at: note.entry.at }),
    ...(by !== undefined && { by }),
    ...(accessId !== undefined && { access_id: accessId }),
    ...(address !== undefined && { address }),
    ...(project !== undefined && { project }),
    ...{ action, operation },
    ...(target && { target }),
    result,
    ...(note.result === 'refused' && { code: note.code, message: note.message }),
  });
  return id;
}

/** A requested action was done. `project`: that of its subject, before the action. */
export function noteDone(
  turn: Turn,
  asking: Asking,
  request: PreparedRequest,
  { project, body = {} }: { readonly project: string | undefined; readonly body?: View },
): void {
  const target = targetOf(request, body);
  noteAudit(turn, { ...asking, target, ...(project !== undefined && { project }), result: 'done' });
}

/** Of the problem, the webhook or the grant that a request is about. Nothing where it is about what is shared, or not there. */
export function projectOfRequest(turn: Turn, request: PreparedRequest): string | undefined {
  switch (request.kind) {
    case 'submit':
    case 'deploy':
    case 'run_campaign':
      return request.project;
    case 'command_campaign':
      return turn.state.campaigns.get(request.campaignId)?.project;
    case 'operate_deployment':
    case 'cancel_deployment':
      return turn.state.deployments.get(request.deploymentId)?.project;
    case 'iterate':
    case 'change_problem':
      return projectOfProblem(turn, request.problemId);
    case 'task_command':
    case 'decide_approval': {
      const key = formatTaskId(request.taskId);
      const ended = turn.loaded.parents.get(key);
      return turn.state.tasks.get(key)?.project ?? (ended && projectOfRow(ended));
    }
    case 'remove_webhook':
    case 'test_webhook':
      return turn.state.webhooks.get(request.name)?.project;
    default:
      return undefined;
  }
}

/** The subject of a request, by the names of the public JSON. */
export function targetOf(
  request: Request | PreparedRequest,
  body: View = {},
): Record<string, string | number> {
  switch (request.kind) {
    case 'submit':
      return { graph: request.graph, ...taken(body, 'problem_id', 'iteration_id') };
    case 'submit_job':
      return { job: request.name };
    case 'iterate':
      return { problem_id: request.problemId, ...taken(body, 'iteration_id') };
    case 'change_problem':
      return { problem_id: request.problemId };
    case 'task_command':
      return { ...taskOf(request), ...moduleOf(request), command: request.command };
    case 'decide_approval':
      return { ...taskOf(request), ...moduleOf(request), decision: request.decision };
    case 'node_command':
      return { node_id: request.nodeId, command: request.command };
    case 'configure':
    case 'remove_node':
      return { node_id: request.nodeId };
    case 'add_cluster':
    case 'declare_cluster':
      return { cluster: request.cluster.name };
    case 'change_cluster':
      return { cluster: request.name, ...(request.status !== undefined && { status: request.status }) };
    case 'remove_cluster':
      return { cluster: request.name };
    case 'set_secret':
    case 'remove_secret':
      return { secret: request.name };
    case 'add_webhook':
    case 'declare_webhook':
      return { webhook: request.webhook.name };
    case 'remove_webhook':
    case 'test_webhook':
      return { webhook: request.name };
    case 'note_webhook':
      return { webhook: request.progress.name };
    case 'grant_access': {
      const { name, role } = request.grant;
      return { ...taken(body, 'access_id', 'project'), name, role };
    }
    case 'revoke_access':
      return { access_id: request.id, ...taken(body, 'name', 'role') };
    case 'deploy':
      return {
        ...(request.name !== undefined && { deployment: request.name }),
        ...taken(body, 'deployment_id'),
      };
    case 'operate_deployment':
      return { deployment_id: request.deploymentId, operation: request.operation };
    case 'update_deployment':
      return { deployment_id: request.deploymentId, operation: 'update' };
    case 'cancel_deployment':
      return { deployment_id: request.deploymentId, operation: 'cancel' };
    case 'run_campaign':
      return { campaign: request.name, ...taken(body, 'campaign_id') };
    case 'command_campaign':
      return { campaign_id: request.campaignId, command: request.command };
    case 'apply_service':
      return { service: request.spec.name };
    case 'command_service':
      return { service: request.name, command: request.command };
    case 'remove_service':
      return { service: request.name };
    case 'put_graph':
      return { ...(request.name !== undefined && { graph: request.name }), ...graphVersion(body) };
    default:
      return request satisfies never;
  }
}

function taskOf({
  taskId,
}: {
  readonly taskId: { readonly problemId: string; readonly iterationId: number };
}): {
  problem_id: string;
  iteration_id: number;
} {
  return { problem_id: taskId.problemId, iteration_id: taskId.iterationId };
}

function moduleOf({ module }: { readonly module?: string }): { module?: string } {
  return module === undefined ? {} : { module };
}

function graphVersion({ version }: View): { graph_version?: number } {
  return typeof version === 'number' ? { graph_version: version } : {};
}

function taken(body: View, ...names: readonly string[]): Record<string, string | number> {
  const found: Record<string, string | number> = {};
  for (const name of names) {
    const value = body[name];
    if (typeof value === 'string' || typeof value === 'number') found[name] = value;
  }
  return found;
}
