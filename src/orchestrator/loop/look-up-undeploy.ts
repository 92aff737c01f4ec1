/** Reads how the deployment of a campaign is taken down, right before the batch that begins it. */
import { ALL_PROJECTS } from '../../model/access.js';
import { deploymentGraphName } from '../../model/deployment.js';
import { planInput } from '../../model/deployment-graph.js';
import type { Reader } from '../../store/store.js';
import { keep } from '../campaigns/inputs.js';
import type { CampaignAnswer } from '../campaigns/look-up.js';
import type { State } from '../core/state.js';
import { nextOperation } from '../prepare/operation.js';
import { readProblem } from '../tables/read-rows.js';
import type { LookUpDeps } from './look-up.js';

/** Nothing where it is gone, or has to be looked up again. */
export async function lookUpUndeploy(
  deps: LookUpDeps & { readonly store: Reader; readonly state: State },
  campaignId: string,
): Promise<CampaignAnswer | undefined> {
  const { store, state } = deps;
  const deploymentId = state.campaigns.get(campaignId)?.rules.deployment?.id;
  const graph = deploymentId === undefined ? undefined : state.graph(deploymentGraphName(deploymentId));
  if (deploymentId === undefined || !graph) return undefined;
  const asked = { kind: 'operate_deployment', deploymentId, operation: 'undeploy' } as const;
  const next = await nextOperation({ store, state, bound: ALL_PROJECTS }, asked);
  if ('ok' in next) return undefined;
  const input = await keep(deps, new TextEncoder().encode(JSON.stringify(planInput(next.asked))));
  if (!input) return undefined;
  const { types, typesJson } = graph;
  const request = { kind: asked.kind, ...next, prepared: input.prepared, types, typesJson };
  return { found: { kind: 'operation', request, input }, problem: await readProblem(store, deploymentId) };
}
