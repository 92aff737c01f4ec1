/**
 * The seven messages of `proto/sustainml/v1/types.proto` as plain objects: what a module gets decoded and gives back.
 * Every field is present (proto3 has no missing scalar, only its default), `bytes` are `Uint8Array`, `extra_data` is UTF-8 JSON.
 */

/** What a user asks for. The graph's source. */
export interface UserInput {
  /** "image", "audio", "text", "tabular", "time series", "video". */
  modality: string;
  problem_short_description: string;
  problem_definition: string;
  inputs: string[];
  outputs: string[];
  minimum_samples: number;
  /** 0 when unknown. */
  maximum_samples: number;
  /** Ask for a model with a lower footprint than the parent iteration's. */
  optimize_carbon_footprint_manual: boolean;
  /** The iteration that this one improves on; 0 when it is the first. */
  previous_iteration: number;
  optimize_carbon_footprint_auto: boolean;
  /** kg CO2e for one million inferences; 0 when none is asked for. */
  desired_carbon_footprint: number;
  geo_location_continent: string;
  geo_location_region: string;
  /** `max_memory_footprint` (MiB), `hardware_required` (names), `inferences` (number). */
  extra_data: Uint8Array;
}

/** What the problem is about, and the machine-learning goal that it asks for. */
export interface MLModelMetadata {
  /** Best first. */
  keywords: string[];
  /** Goals, best first. */
  ml_model_metadata: string[];
  extra_data: Uint8Array;
}

/** What the application needs from the model. */
export interface AppRequirements {
  /** `name=value` or a bare name. */
  app_requirements: string[];
  extra_data: Uint8Array;
}

/** What the hardware allows. */
export interface HWConstraints {
  /** MiB. */
  max_memory_footprint: number;
  /** Names or kinds, one of which has to be used; empty when any will do. */
  hardware_required: string[];
  extra_data: Uint8Array;
}

/** The model that is proposed. */
export interface MLModel {
  /** A public address. */
  model_path: string;
  /** The name in the catalogue. */
  model: string;
  raw_model: Uint8Array;
  /** Where the figures were looked up. */
  model_properties_path: string;
  /** JSON: the model's figures. */
  model_properties: string;
  /** One item a dimension. */
  input_batch: string[];
  /** Milliseconds; 0 when none is asked for. */
  target_latency: number;
  extra_data: Uint8Array;
}

/** The hardware that is proposed, with the model's figures on it. */
export interface HWResource {
  /** The device's name in the catalogue. */
  hw_description: string;
  /** Watts while the model runs. */
  power_consumption: number;
  /** Milliseconds of one inference. */
  latency: number;
  /** MiB that the model takes. */
  memory_footprint_of_ml_model: number;
  /** MiB that the device has. */
  max_hw_memory_footprint: number;
  extra_data: Uint8Array;
}

/** What running the model costs the climate. */
export interface CO2Footprint {
  /** kg CO2e. */
  carbon_footprint: number;
  /** kWh. */
  energy_consumption: number;
  /** g CO2e per kWh. */
  carbon_intensity: number;
  extra_data: Uint8Array;
}
