/** A front end of SustainML, as its form speaks: what it sends, and the calls that it makes. */
import type { Json } from './orchestrator.js';

/** The form as it is before anybody touches it, as traced on the wire. */
export const UNTOUCHED: Readonly<Record<string, unknown>> = {
  problem_short_description: '',
  modality: '',
  problem_definition: '',
  inputs: [''],
  outputs: [''],
  minimum_samples: 1,
  maximum_samples: 1,
  optimize_carbon_footprint_auto: false,
  optimize_carbon_footprint_manual: false,
  previous_iteration: 0,
  desired_carbon_footprint: 0,
  geo_location_continent: '',
  geo_location_region: '',
  extra_data: {
    hardware_required: 'PIM-AI-1chip',
    max_memory_footprint: 0,
    goal: '',
    metric: '',
    previous_problem_id: 0,
    num_outputs: 1,
    model_selected: '',
    type: 'Transformers',
    dataset_metadata_description: '',
    dataset_metadata_topic: '',
    dataset_metadata_profile: '',
    dataset_metadata_keywords: '',
    dataset_metadata_applications: '',
  },
};

/** The form with a problem in it. */
export function form(
  fields: Readonly<Record<string, unknown>> = {},
  extra: Readonly<Record<string, unknown>> = {},
): Json {
  return {
    ...UNTOUCHED,
    modality: 'image',
    problem_short_description: 'Defects on steel',
    problem_definition: 'Classify photos of steel surfaces by the kind of defect.',
    ...fields,
    extra_data: { ...(UNTOUCHED.extra_data as object), ...extra },
  };
}

export interface FormTask {
  readonly problem_id: number;
  readonly iteration_id: number;
}

export interface FormReply {
  readonly status: number;
  readonly body: Json;
  readonly text: string;
  readonly type: string;
}

export const NAMES = [
  'APP_REQUIREMENTS',
  'CARBON_FOOTPRINT',
  'HW_CONSTRAINTS',
  'HW_RESOURCES',
  'ML_MODEL_METADATA',
  'ML_MODEL',
] as const;

export class FrontEnd {
  readonly #url: () => string;

  constructor(url: () => string) {
    this.#url = url;
  }

  async get(path: string, init: RequestInit = {}): Promise<FormReply> {
    const response = await fetch(this.#url() + path, init);
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    return {
      status: response.status,
      body: type.includes('json') ? JSON.parse(text) : undefined,
      text,
      type,
    };
  }

  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<FormReply> {
    return this.get(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body:
        body instanceof Uint8Array
          ? Buffer.from(body)
          : typeof body === 'string'
            ? body
            : JSON.stringify(body),
    });
  }

  async submit(input: Json): Promise<FormTask> {
    const { status, body, text } = await this.post('/user_input', input);
    if (status !== 200) throw new Error(`${status}: ${text}`);
    return body.task_id;
  }

  /** Of one node: the only key of the answer and what it holds. */
  async result(node_id: number, task_id: FormTask): Promise<{ status: number; name: string; value: Json }> {
    const { status, body } = await this.post('/results', { node_id, task_id });
    const [name, ...others] = Object.keys(body);
    if (others.length > 0 || name === undefined) throw new Error(`keys: ${Object.keys(body).join(', ')}`);
    return { status, name, value: body[name] };
  }

  async all(task: FormTask): Promise<Json> {
    return (await this.post('/results', { node_id: 9, task_id: task })).body;
  }

  async configure(node_id: number, configuration: string): Promise<Json> {
    return (await this.post('/config_request', { node_id, configuration })).body.response;
  }
}
