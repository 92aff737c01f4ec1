/** Faults of an input at their fields, as the form library wants them. */
import type { FaultJson } from '../../../../src/contract/answer.js';
import { steps } from '../problems/input-faults.js';

/** By field; `__errors` are the field's own. */
export interface FieldErrors {
  __errors?: string[];
  [field: string]: FieldErrors | string[] | undefined;
}

/** Paths are pointers into the request: `/input/minimum_samples`. */
export function fieldErrors(faults: readonly FaultJson[]): FieldErrors {
  const root: FieldErrors = {};
  for (const fault of faults) {
    let place = root;
    for (const step of steps(fault.path).slice(1)) {
      place[step] ??= {};
      place = place[step] as FieldErrors;
    }
    place.__errors = [...(place.__errors ?? []), fault.message];
  }
  return root;
}
