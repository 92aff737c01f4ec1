/**
 * The results that the front ends get: an object for each node with its task, every value of the type that the original gives it.
 *
 * A node that will have no output is answered in the same shape, with the words that the form shows as an error, and with `error`.
 */
import type { View } from '../../src/orchestrator/port.js';
import { extraFields, inGrams, namesOf } from './user-input.js';
import {
  APP_REQUIREMENTS,
  CARBON_FOOTPRINT,
  type FormNode,
  ML_MODEL,
  ML_MODEL_METADATA,
  type TaskName,
} from './words.js';

/** Of a node's output, decoded: `chain` is what the user asked for, where an iteration follows on this one. */
export function shownOutput(
  node: FormNode,
  output: View,
  task: TaskName,
  chain: { readonly outputs: number; readonly restrains: readonly string[] },
): Record<string, unknown> {
  return { task_id: task, ...fieldsOf(node.id, output, chain) };
}

function fieldsOf(
  id: number,
  output: View,
  chain: { readonly outputs: number; readonly restrains: readonly string[] },
): Record<string, unknown> {
  switch (id) {
    case APP_REQUIREMENTS:
      return { app_requirements: joined(output.app_requirements) };
    case CARBON_FOOTPRINT: {
      const own = extraFields(output.extra_data);
      return {
        carbon_footprint: inGrams(output.carbon_footprint),
        energy_consumption: number(output.energy_consumption),
        carbon_intensity: number(output.carbon_intensity),
        extra_data: {
          ...own,
          num_outputs: chain.outputs,
          model_restrains: own.model_restrains === undefined ? chain.restrains : namesOf(own.model_restrains),
        },
      };
    }
    case 2:
      return {
        max_memory_footprint: number(output.max_memory_footprint),
        hardware_required: joined(output.hardware_required),
      };
    case 3:
      return {
        hw_description: text(output.hw_description),
        power_consumption: number(output.power_consumption),
        latency: number(output.latency),
        memory_footprint_of_ml_model: number(output.memory_footprint_of_ml_model),
        max_hw_memory_footprint: number(output.max_hw_memory_footprint),
      };
    case ML_MODEL_METADATA:
      return { keywords: joined(output.keywords), metadata: joined(output.ml_model_metadata) };
    case ML_MODEL:
      return {
        model: text(output.model),
        model_path: text(output.model_path),
        model_properties: text(output.model_properties),
        model_properties_path: text(output.model_properties_path),
        input_batch: joined(output.input_batch),
        target_latency: number(output.target_latency),
      };
    default:
      return {};
  }
}

/** Of a node without an output: `why` says what went wrong, in which module. */
export function shownFailure(node: FormNode, task: TaskName, why: string): Record<string, unknown> {
  const none = { outputs: 1, restrains: [] };
  const empty = shownOutput(node, {}, task, none);
  const words: Readonly<Record<number, Record<string, unknown>>> = {
    [APP_REQUIREMENTS]: { app_requirements: `Error: ${why}` },
    2: { hardware_required: `Error: ${why}` },
    3: { hw_description: `error: ${why}` },
    [ML_MODEL_METADATA]: { metadata: 'Error' },
    [ML_MODEL]: { model: 'Error', model_properties: why },
  };
  return { ...empty, ...words[node.id], error: why };
}

/** Why a node of an iteration that has ended has no output. */
export function failureOf(node: FormNode, iteration: View): string {
  const module = (iteration.modules as Record<string, View> | undefined)?.[node.module];
  const own = module?.error as View | null | undefined;
  if (own) return `${node.module}: ${String(own.message)}`;
  const { error, state, reason } = iteration as View & { error?: View | null };
  if (error) return `${error.module ? `${String(error.module)}: ` : ''}${String(error.message)}`;
  return `the iteration was ${String(state)}${reason ? ` (${String(reason)})` : ''}`;
}

function joined(items: unknown): string {
  return Array.isArray(items) ? items.map(String).join(', ') : text(items);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** JSON has numbers that are not finite as text. */
function number(value: unknown): number {
  const read = Number(value ?? 0);
  return Number.isFinite(read) ? read : 0;
}
