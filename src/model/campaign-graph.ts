/** The private graph of a campaign whose inputs a module proposes: that module alone. Each proposal is a problem's iteration on it. */
import type { Graph, ModuleSpec } from './graph.js';

const PREFIX = 'campaign:';
const TEXT_HEAD = '# The proposer of a campaign, which is a part of Tutti.\n';
/** Each proposal is kept for as long as people may look into why it was made. */
const PROPOSALS_KEPT = 100;

/** No graph of a user can be called so. */
export function campaignGraphName(campaignId: string): string {
  return PREFIX + campaignId;
}

export function isCampaignGraph(graph: string): boolean {
  return graph.startsWith(PREFIX);
}

/** The campaign whose proposer a graph is; nothing where it is another graph. */
export function campaignOfGraph(graph: string): string | undefined {
  return isCampaignGraph(graph) ? graph.slice(PREFIX.length) : undefined;
}

/** As it is stored. */
export function campaignGraphText(campaignId: string, module: ModuleSpec): string {
  return `${TEXT_HEAD}${JSON.stringify({ campaign: campaignId, module })}\n`;
}

/** Nothing where it is the text of another graph. */
export function readCampaignGraph(text: string): Graph | undefined {
  if (!text.startsWith(TEXT_HEAD)) return undefined;
  const { campaign, module } = JSON.parse(text.slice(TEXT_HEAD.length)) as {
    readonly campaign: string;
    readonly module: ModuleSpec;
  };
  return campaignGraph(campaign, module);
}

/** The history comes as the module's one input, under the name that its author knows. */
export function campaignGraph(campaignId: string, module: ModuleSpec): Graph {
  const { when: _, map: __, cache: ___, ...work } = module;
  const [input = 'history'] = module.inputs;
  return {
    name: campaignGraphName(campaignId),
    source: { name: input, type: 'json' },
    retention: { maxIterations: PROPOSALS_KEPT, keepLast: 0 },
    modules: [{ ...work, inputs: [input], previous: [], onError: 'fail' }],
  };
}
