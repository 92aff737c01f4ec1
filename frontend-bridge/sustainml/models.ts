/**
 * Information about models: from the catalogue that the nodes choose from, and from the Hugging Face hub where its token is given. Without the hub,
 * a model that the catalogue does not have is said to be unknown.
 */
import { messageOf } from '../../src/base/errors.js';
import type { View } from '../../src/orchestrator/port.js';
import { bad } from './refused.js';

/** A row of the catalogue. */
export type CatalogueModel = View & { readonly name: string };

export interface ModelsDeps {
  readonly catalogue: () => readonly CatalogueModel[];
  /** @default the hub is not asked */
  readonly hub?: { readonly token: string; readonly fetch: typeof fetch } | undefined;
}

interface ModelInfo {
  readonly model_id: string;
  /** As of HTTP; 0 where there was no answer. */
  readonly status: number;
  readonly info: View;
  readonly error?: string;
}

const MOST_MODELS = 50;
/** As many as the form compares. */
const MOST_COMPARED = 5;
const ID_CHARACTERS = 200;
/** `name` or `owner/name`, as the hub has them: nothing that leads elsewhere. */
const ID = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)?$/;
const HUB = 'https://huggingface.co/api/models';
const HUB_WITHIN_MS = 10_000;
const UNKNOWN = '—';

/** `POST /hf_models_info`. Throws `Refused`. */
export async function modelsInfo(deps: ModelsDeps, body: View): Promise<View> {
  const { model_ids: ids } = body;
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > MOST_MODELS)
    throw bad('invalid_body', 'model_ids must be a non-empty list');
  const models = await Promise.all(ids.map((id) => infoOf(deps, id)));
  const errors = models.flatMap(({ model_id, error }) => (error === undefined ? [] : [{ model_id, error }]));
  return { models, errors };
}

async function infoOf({ catalogue, hub }: ModelsDeps, id: unknown): Promise<ModelInfo> {
  const model_id = typeof id === 'string' ? id : String(JSON.stringify(id)).slice(0, ID_CHARACTERS);
  const row = catalogue().find(({ name }) => name === id);
  if (row) return { model_id, status: 200, info: cardOf(row) };
  if (typeof id !== 'string' || id.length > ID_CHARACTERS || !ID.test(id))
    return { model_id, status: 0, info: {}, error: 'not the name of a model' };
  if (!hub) {
    const error = 'not in the catalogue; the Hugging Face hub is not asked without HF_TOKEN';
    return { model_id, status: 0, info: {}, error };
  }
  try {
    const url = `${HUB}/${id}?expand[]=cardData&expand[]=config`;
    const headers = { authorization: `Bearer ${hub.token}` };
    const answer = await hub.fetch(url, { headers, signal: AbortSignal.timeout(HUB_WITHIN_MS) });
    const info: unknown = await answer.json().catch(() => ({}));
    const isFound = answer.ok && typeof info === 'object' && info !== null;
    return isFound
      ? { model_id, status: answer.status, info: info as View }
      : { model_id, status: answer.status, info: {}, error: `the hub answered ${answer.status}` };
  } catch (thrown) {
    return { model_id, status: 0, info: {}, error: `the hub cannot be reached: ${messageOf(thrown)}` };
  }
}

/** A row in the form of the hub's cards. */
function cardOf({
  name,
  goal,
  modalities,
  parameters,
  macs,
  quality,
  model_path,
  inference,
}: CatalogueModel): View {
  return {
    id: name,
    modelId: name,
    pipeline_tag: String(goal).replaceAll('_', '-'),
    tags: [goal, ...(modalities as string[])],
    cardData: {},
    config: {},
    catalogue: { goal, modalities, parameters, macs, inference, quality, address: model_path },
  };
}

/** `POST /hf_models_compare`: the known figures of each, in words, without a language model. Throws `Refused`. */
export function compareModels({ catalogue }: Pick<ModelsDeps, 'catalogue'>, body: View): View {
  const { models } = body;
  if (!Array.isArray(models) || models.length === 0 || !models.every(isObject))
    throw bad('invalid_body', 'models must be a non-empty list (use output from /hf_models_info)');
  const compared = (models as readonly View[])
    .slice(0, MOST_COMPARED)
    .map((model) => factsOf(model, catalogue()));
  return {
    comparison_summary: summary(compared),
    model_cards: compared.map(({ model_id, purpose, best_for, watch_out_for }) => ({
      model_id,
      purpose,
      best_for,
      watch_out_for,
    })),
    comparison_table: compared.map(({ model_id, license, model_family, architectures, languages }) => ({
      model_id,
      license,
      model_family,
      architectures,
      languages,
    })),
  };
}

function factsOf(model: View, catalogue: readonly CatalogueModel[]) {
  const info = isObject(model.info) ? model.info : {};
  const model_id = [model.model_id, info.modelId, info.id].find((id) => typeof id === 'string') ?? '';
  const row = catalogue.find(({ name }) => name === model_id);
  const card = isObject(info.cardData) ? info.cardData : {};
  const config = isObject(info.config) ? info.config : {};
  const tags = Array.isArray(info.tags) ? info.tags.filter((tag) => typeof tag === 'string') : [];
  const license = [card.license, tags.find((tag) => tag.startsWith('license:'))?.slice(8)];
  const task = [info.pipeline_tag, card.pipeline_tag].find((tag) => typeof tag === 'string');
  const quality = row && (row.quality as View);
  return {
    model_id: model_id as string,
    license: String(license.find((one) => typeof one === 'string') ?? 'unknown'),
    model_family: typeof config.model_type === 'string' ? config.model_type : '',
    architectures: textsOf(config.architectures).slice(0, 3).join(', '),
    languages: textsOf(card.language).join(', '),
    purpose: row
      ? `${String(row.goal)}; one inference is ${String(row.inference)}.`
      : task === undefined
        ? 'Nothing is known of this model here.'
        : `${String(task)}, as its card says.`,
    best_for: row ? [`${(row.modalities as string[]).join(', ')} data`] : [UNKNOWN],
    watch_out_for: quality
      ? [`${String(quality.metric)} ${String(quality.value)} on ${String(quality.dataset)}`]
      : [UNKNOWN],
    parameters: row ? Number(row.parameters) : undefined,
  };
}

function summary(compared: readonly ReturnType<typeof factsOf>[]): string {
  const known = compared.filter(({ parameters }) => parameters !== undefined);
  if (known.length === 0) return 'The catalogue knows none of these models, so they are not compared.';
  const sizes = [...known]
    .sort((a, b) => a.parameters! - b.parameters!)
    .map(({ model_id, parameters }) => `${model_id} (${parameters} parameters)`);
  const unknown = compared.length - known.length;
  const rest = unknown === 0 ? '' : ` ${unknown} of the ${compared.length} are not in the catalogue.`;
  return `From small to large: ${sizes.join(', ')}.${rest}`;
}

function textsOf(value: unknown): string[] {
  const list = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
  return list.filter((one) => typeof one === 'string');
}

function isObject(value: unknown): value is View {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
