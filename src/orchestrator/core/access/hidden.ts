/** The answer to a caller of one project about an object of another project: that it does not exist. */
import { maySee } from '../../../model/access.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { Refusal } from '../../port.js';
import { refusal } from '../../refusal.js';
import { unknownCampaign } from '../campaigns/campaigns.js';
import { unknownDeployment } from '../deployments/deployments.js';
import type { PreparedRequest, Turn } from '../turn.js';
import { projectOfRequest } from './audit.js';

/** Where a request is about the problem or the webhook of another project. */
export function hiddenFrom(turn: Turn, bound: string, request: PreparedRequest): Refusal | undefined {
  if (maySee(bound, projectOfRequest(turn, request))) return undefined;
  switch (request.kind) {
    case 'iterate':
    case 'change_problem':
      return refusal('not_found', 'unknown_problem', `no problem ${request.problemId}`);
    case 'task_command':
    case 'decide_approval':
      return refusal('not_found', 'unknown_task', `no task ${formatTaskId(request.taskId)}`);
    case 'operate_deployment':
    case 'cancel_deployment':
      return unknownDeployment(request.deploymentId);
    case 'command_campaign':
      return unknownCampaign(request.campaignId);
    case 'remove_webhook':
    case 'test_webhook':
      return refusal('not_found', 'unknown_webhook', `no webhook ${request.name}`);
    default:
      return undefined;
  }
}
