/** The inputs of iterations and proposers of campaigns, encoded and kept. */
import { summaryOf } from '../../base/errors.js';
import type { Campaign, CampaignError } from '../../model/campaign.js';
import type { Reader } from '../../store/store.js';
import type { BlobFiles } from '../core/blob-files.js';
import type { LoadedGraph, State } from '../core/state.js';
import type { CampaignFound, FoundInput } from '../core/turn.js';
import { readTask } from '../tables/read-rows.js';
import * as tables from '../tables/tables.js';

export interface CampaignLookUpDeps {
  readonly store: Reader;
  readonly files: BlobFiles;
  readonly inlineMaxBytes: number;
  readonly state: Pick<State, 'graph' | 'campaigns'>;
}

export interface About {
  readonly campaign: Campaign;
  readonly graph: LoadedGraph;
}

/** In the type of the graph's source. */
export async function inputOf(
  deps: CampaignLookUpDeps,
  { campaign, graph }: About,
  input: unknown,
): Promise<CampaignFound | undefined> {
  const { source, modules } = graph.compiled.graph;
  const encoded = graph.types.encode(source.type, input);
  if (!encoded.ok) {
    const message = `iteration ${campaign.begun + 1} has no valid ${source.type} as its input: ${summaryOf(encoded.faults)}`;
    return bad({ type: 'bad_proposal', scope: 'proposer', context: { message, faults: encoded.faults } });
  }
  const kept = await keep(deps, encoded.bytes);
  const parentId = modules.some(({ previous }) => previous.length > 0) ? campaign.newestSucceeded : undefined;
  const parent =
    parentId === undefined
      ? undefined
      : await readTask(deps.store, { problemId: campaign.id, iterationId: parentId });
  return kept && { ...kept, ...(parent && { parent }) };
}

/** Inline while it is small, as the file of a blob beyond. Nothing: it has to be tried again. */
export async function keep(
  { store, files, inlineMaxBytes }: Omit<CampaignLookUpDeps, 'state'>,
  bytes: Uint8Array,
): Promise<FoundInput | undefined> {
  if (bytes.byteLength <= inlineMaxBytes) return { kind: 'input', prepared: { kind: 'inline', bytes } };
  const blob = await files.keep(bytes);
  if (blob === 'busy' || blob === 'no room') return undefined;
  const known = await tables.blobs.get(store, [blob.sha256]);
  const projects = known?.projects;
  return { kind: 'input', prepared: { kind: 'blob', ...blob }, ...(projects && { projects }) };
}

export function bad(error: CampaignError): CampaignFound {
  return { kind: 'bad', error };
}
