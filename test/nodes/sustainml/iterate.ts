/** Runs `ml_model` and `hw_resources` as a line of iterations, each improving on the one before. */
import { readDevices } from '../../../nodes/sustainml/estimate/devices.js';
import { chooseHardware } from '../../../nodes/sustainml/hw_resources/choose-hardware.js';
import type { ModelInputs } from '../../../nodes/sustainml/ml_model/choose-goal.js';
import { readModels } from '../../../nodes/sustainml/ml_model/models.js';
import type { PreviousOutputs } from '../../../nodes/sustainml/ml_model/parent.js';
import { type Catalogues, proposeModel } from '../../../nodes/sustainml/ml_model/propose-model.js';
import type { HWResource, MLModel, UserInput } from '../../../nodes/sustainml/types.js';
import { userInput } from './problem-statements.js';

export const CATALOGUES: Catalogues = { models: readModels(), devices: readDevices() };
export const GOALS: string[] = [...new Set(CATALOGUES.models.map((model) => model.goal))];

export interface Ask {
  goals: string[];
  user?: Partial<UserInput>;
  requirements?: string[];
  hardware?: string[];
  /** MiB. */
  memory?: number;
}

export interface Iteration {
  ml_model: MLModel;
  hw_resources: HWResource;
}

const NONE = new Uint8Array();

export function asked({ goals, user, requirements, hardware, memory }: Ask): ModelInputs {
  return {
    user_input: userInput({ modality: '', ...user }),
    ml_model_metadata: { keywords: [], ml_model_metadata: goals, extra_data: NONE },
    app_requirements: { app_requirements: requirements ?? [], extra_data: NONE },
    hw_constraints: {
      max_memory_footprint: memory ?? 65536,
      hardware_required: hardware ?? [],
      extra_data: NONE,
    },
  };
}

export function iterate(ask: Ask, previous: PreviousOutputs = {}): Iteration {
  const inputs = asked(ask);
  const ml_model = proposeModel(inputs, previous, CATALOGUES);
  return { ml_model, hw_resources: chooseHardware({ ...inputs, ml_model }, CATALOGUES.devices) };
}

/** Iterates until no model fits: what was proposed, and the error in the end. */
export function exhaust(
  first: Ask,
  next: Ask,
): { line: Iteration[]; error: { code: string; message: string } } {
  const line: Iteration[] = [];
  for (;;) {
    try {
      line.push(iterate(line.length === 0 ? first : next, line.at(-1)));
    } catch (error) {
      return { line, error: error as { code: string; message: string } & Error };
    }
    if (line.length > CATALOGUES.models.length) throw new Error('the line never ends');
  }
}

/** Joules an inference. */
export function energy({ hw_resources: hardware }: Iteration): number {
  return hardware.power_consumption * (hardware.latency / 1000);
}

/** The error that the call throws. */
export function thrown(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    return error as { code: string; message: string } & Error;
  }
  throw new Error('nothing was thrown');
}
