/** Says why no model fits: how many models each constraint removed. */
import { unknownHardware } from '../estimate/choose-device.js';
import type { DeviceCatalogue } from '../estimate/devices.js';
import { type Candidate, MODEL_EXCLUSIONS, type ModelDemands, type ModelExclusion } from './candidates.js';

/** How many candidates each constraint ruled out. */
export function counts(candidates: readonly Candidate[]): Record<ModelExclusion, number> {
  const count = (exclusion: ModelExclusion) =>
    candidates.filter((each) => each.excluded_by === exclusion).length;
  return Object.fromEntries(MODEL_EXCLUSIONS.map((each) => [each, count(each)])) as Record<
    ModelExclusion,
    number
  >;
}

/** Names the constraints in the order in which they were asked, so the last one is what excluded the last candidates. */
export function noneFits(
  goal: string,
  candidates: readonly Candidate[],
  demands: ModelDemands,
  catalogue: DeviceCatalogue,
): string {
  const excluded = counts(candidates);
  const steps = MODEL_EXCLUSIONS.filter((each) => excluded[each] > 0);
  const reasons = steps.map((each) => `${excluded[each]} ${phrase(each, candidates, demands)}`);
  const hint = unknownHardware(demands.hardware_required, catalogue);
  return `No model fits for ${goal}: of ${candidates.length} in the catalogue, ${reasons.join(', then ')}.${hint}`;
}

function phrase(exclusion: ModelExclusion, candidates: readonly Candidate[], demands: ModelDemands): string {
  switch (exclusion) {
    case 'already_proposed':
      return 'already proposed by earlier iterations (already_proposed)';
    case 'memory':
      return `over ${demands.max_memory_footprint} MiB (memory)`;
    case 'hardware': {
      const required = demands.hardware_required.join(' or ');
      const where = demands.requirements.on_device ? ' on the spot' : '';
      return `without a device${required === '' ? '' : ` called ${required}`}${where} that can hold it (hardware)`;
    }
    case 'latency': {
      const slow = candidates
        .filter((each) => each.excluded_by === 'latency')
        .map((each) => each.target_latency_ms);
      return `slower than ${[...new Set(slow)].join(' or ')} ms on every such device (latency)`;
    }
    case 'footprint':
      return "not below the parent iteration's footprint by 1 % (footprint)";
    default:
      return exclusion satisfies never;
  }
}
