/** The deployment of a campaign: brought up with it, or there already, and taken down at its end where it is its own. */
import type { Campaign, CampaignDeployment } from '../../../model/campaign.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { CampaignQuestion, DeploymentView } from '../../../scheduling/campaign-scheduler.js';
import type { Refusal } from '../../port.js';
import { deploy, operate } from '../deployments/deployments.js';
import { campaignLookUpKey, type State } from '../state.js';
import { stopTask } from '../tasks/stop-task.js';
import type { PreparedRequest, Turn } from '../turn.js';
import { keepBlob } from './begin.js';

type Asked = NonNullable<Extract<PreparedRequest, { kind: 'run_campaign' }>['deployment']>;

/** As the campaign refers to it: one that it brings up is begun here. */
export function deploymentFor(turn: Turn, asked: Asked): CampaignDeployment | Refusal {
  if (asked.kind === 'named') return { id: asked.id, name: asked.name, isOwn: false };
  const answer = deploy(turn, asked.request);
  if (!answer.ok) return answer;
  return { id: String(answer.body.deployment_id), name: asked.request.name, isOwn: true };
}

export function deploymentOf(state: State, { rules }: Campaign): DeploymentView | undefined {
  if (!rules.deployment) return undefined;
  const { id, name, isOwn } = rules.deployment;
  const known = state.deployments.get(id);
  if (!known) return { name, isOwn, state: 'gone', direction: 'down', operationId: 0 };
  const { state: standing, direction, operationId, message } = known;
  return { name, isOwn, state: standing, direction, operationId, ...(message !== undefined && { message }) };
}

/** It fails then, and can be taken down. */
export function cancelDeployment(turn: Turn, { name, rules }: Campaign): void {
  const known = rules.deployment && turn.state.deployments.get(rules.deployment.id);
  if (!known) return;
  const key = formatTaskId({ problemId: known.id, iterationId: known.operationId });
  const task = turn.state.tasks.get(key);
  if (task?.desired === 'ended') stopTask(turn, task, 'stop', `campaign ${name} is ending`);
}

/** Where it cannot begin now, it is tried again. */
export function undeploy(turn: Turn, { id }: Campaign, question: CampaignQuestion): void {
  const found = turn.loaded.campaigns.get(campaignLookUpKey(id, question));
  if (found?.kind !== 'operation') throw new Error('a deployment is taken down that was not looked up');
  keepBlob(turn, found.input);
  operate(turn, found.request);
}
