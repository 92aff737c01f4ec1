/** What a campaign's proposer is given, and what it has said. */
import { readExactly } from '../../base/json/exact.js';
import { JsonText, membersOf, printJson } from '../../base/json/json-text.js';
import { MAX_LIST_BYTES } from '../../model/map.js';
import { parseTaskId } from '../../model/task-id.js';
import { taskHasEnded } from '../../model/task-state.js';
import type { CampaignFound } from '../core/turn.js';
import { Payloads } from '../queries/payloads.js';
import { readTask } from '../tables/read-rows.js';
import * as tables from '../tables/tables.js';
import { type About, bad, type CampaignLookUpDeps, inputOf, keep } from './inputs.js';

/** `{history: [{iteration_id, input, outputs, state}]}`, the oldest first. Of an iteration that goes on, what is there so far. */
export async function historyOf(
  deps: CampaignLookUpDeps,
  campaignId: string,
): Promise<CampaignFound | undefined> {
  const { store, state } = deps;
  const payloads = new Payloads(state);
  const entries: string[] = [];
  let size = 0;
  for await (const { row } of tables.iterations.walk(store, { prefix: [campaignId] })) {
    const outputs: Record<string, unknown> = {};
    for (const module of Object.keys(row.modules)) {
      const output = await payloads.moduleOutput(store, row, module);
      if (output) outputs[module] = output.json;
    }
    const { iteration_id, state: standing } = row;
    const input = await payloads.inputOf(store, row);
    entries.push(printJson({ iteration_id, input, outputs, state: standing }));
    size += entries.at(-1)!.length;
    if (size <= MAX_LIST_BYTES) continue;
    const message = `the history is larger than the ${MAX_LIST_BYTES} bytes that a proposer is given`;
    return bad({ type: 'proposer_failed', scope: 'proposer', context: { message } });
  }
  return keep(deps, Buffer.from(`{"history":[${entries.join(',')}]}`));
}

export async function proposedBy(deps: CampaignLookUpDeps, about: About): Promise<CampaignFound | undefined> {
  const taskId = about.campaign.proposal?.taskKey ?? '';
  const row = await readTask(deps.store, parseTaskId(taskId)!);
  if (!row || !taskHasEnded(row.state)) return undefined;
  const fail = (message: string): CampaignFound =>
    bad({ type: 'proposer_failed', scope: 'proposer', context: { task_id: taskId, message } });
  if (row.state !== 'succeeded') return fail(row.error?.message ?? `it was ${row.state}`);
  const [module = ''] = Object.keys(row.modules);
  const output = await new Payloads(deps.state).moduleOutput(deps.store, row, module);
  const raw = output?.raw;
  const bytes = raw?.kind === 'blob' ? await deps.files.read(raw.blob) : raw?.bytes;
  if (!bytes) return fail('what it has put out is gone');
  const said = Buffer.from(bytes).toString();
  const members = isJson(said) ? membersOf(new JsonText(said)) : undefined;
  if (members?.size === 1 && members.get('done')?.value === true) return { kind: 'none' };
  const input = members?.size === 1 ? members.get('input') : undefined;
  if (input) return inputOf(deps, about, readExactly(input.text));
  const message = 'a proposer puts out {"input": …} or {"done": true}, and nothing else';
  return bad({ type: 'bad_proposal', scope: 'proposer', context: { task_id: taskId, message } });
}

/** A blob may hold anything. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
