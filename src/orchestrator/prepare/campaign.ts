/** A campaign that is asked for, with the deployment that it waits for or brings up first. */
import type { IdSource } from '../../base/ids.js';
import { missingRole } from '../../model/access.js';
import { type PrepareCampaignDeps, prepareCampaign } from '../campaigns/prepare.js';
import { deploymentNamed } from '../core/deployments/deployment-view.js';
import { unknownDeployment } from '../core/deployments/deployments.js';
import type { State } from '../core/state.js';
import type { PreparedRequest } from '../core/turn.js';
import type { AskedDeployment, Refusal, Request } from '../port.js';
import { refusal } from '../refusal.js';
import { type PrepareDeployDeps, prepareDeploy } from './deployment.js';

export interface PrepareCampaignRunDeps extends PrepareCampaignDeps, PrepareDeployDeps {
  readonly state: PrepareCampaignDeps['state'] & PrepareDeployDeps['state'] & Pick<State, 'deployments'>;
  readonly ids: Pick<IdSource, 'uuid'>;
}

type Asked = Extract<Request, { kind: 'run_campaign' }>;
type Run = Extract<PreparedRequest, { kind: 'run_campaign' }>;

export async function prepareCampaignRun(deps: PrepareCampaignRunDeps, asked: Asked): Promise<Run | Refusal> {
  const campaign = prepareCampaign(deps, asked);
  if ('ok' in campaign || asked.deployment === undefined) return campaign;
  const deployment = await deploymentOf(deps, asked.deployment, asked.role);
  return 'ok' in deployment ? deployment : { ...campaign, deployment };
}

async function deploymentOf(
  deps: PrepareCampaignRunDeps,
  asked: string | AskedDeployment,
  role: Asked['role'],
): Promise<NonNullable<Run['deployment']> | Refusal> {
  if (typeof asked !== 'string') return ownDeployment(deps, asked, role);
  // A name has one line.
  if (asked.includes('\n')) return ownDeployment(deps, { blueprint: asked }, role);
  const known = deploymentNamed(deps.state, deps.bound, asked);
  if (!known) {
    const { kind, code, message } = unknownDeployment(asked);
    return refusal(kind, code, message, { details: [{ path: '/deployment', code, message }] });
  }
  return { kind: 'named', id: known.id, name: known.name };
}

/** To bring up a deployment takes more rights than to run a campaign. */
async function ownDeployment(
  deps: PrepareCampaignRunDeps,
  { blueprint, csar, inputs = {}, files = {} }: AskedDeployment,
  role: Asked['role'],
): Promise<NonNullable<Run['deployment']> | Refusal> {
  const needed = role === undefined ? undefined : missingRole(role, 'operator', 'this token');
  if (needed) return refusal('forbidden', needed.code, needed.message, { hint: needed.hint });
  const request = await prepareDeploy(deps, {
    kind: 'deploy',
    name: `campaign-${deps.ids.uuid().slice(-8)}`,
    ...(blueprint !== undefined && { blueprint }),
    ...(csar !== undefined && { csar }),
    inputs,
    files,
  });
  return 'ok' in request ? request : { kind: 'own', request };
}
