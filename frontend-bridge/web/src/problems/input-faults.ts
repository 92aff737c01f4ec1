/** Faults of an input, sorted to where the person can mend them. */
import { JsonText } from '../../../../src/base/json/json-text.js';
import type { FaultJson } from '../../../../src/contract/answer.js';
import { ApiError } from '../api/http.js';

export interface FormFaults {
  /** Of no field in particular. */
  readonly form: string | undefined;
  readonly hint: string | undefined;
  readonly graph: readonly FaultJson[];
  readonly title: readonly FaultJson[];
  readonly input: readonly FaultJson[];
}

export const NO_FAULTS: FormFaults = { form: undefined, hint: undefined, graph: [], title: [], input: [] };

/** The faults of a refused request by field. Paths are pointers into the request (`/input/minimum_samples`). */
export function sortFaults(thrown: unknown): FormFaults {
  if (!(thrown instanceof ApiError)) return { ...NO_FAULTS, form: String(thrown) };
  const at = (field: string): FaultJson[] => thrown.details.filter((fault) => steps(fault.path)[0] === field);
  const sorted = { graph: at('graph'), title: at('title'), input: at('input') };
  const placed = sorted.graph.length + sorted.title.length + sorted.input.length;
  const others = thrown.details.filter(
    (fault) => !['graph', 'title', 'input'].includes(steps(fault.path)[0] ?? ''),
  );
  const said = [...(placed === 0 ? [thrown.message] : []), ...others.map((fault) => fault.message)];
  return { ...sorted, form: said.length > 0 ? [...new Set(said)].join(' ') : undefined, hint: thrown.hint };
}

/** A JSON text, to be sent as it was typed, or the fault in it. */
export function parseInput(text: string): { ok: true; value: JsonText } | { ok: false; fault: FaultJson } {
  try {
    return { ok: true, value: new JsonText(text, JSON.parse(text)) };
  } catch (thrown) {
    const message =
      text.trim() === ''
        ? 'An input is required, as JSON.'
        : `This is not JSON: ${(thrown as Error).message}`;
    return { ok: false, fault: { path: '/input', code: 'bad_json', message } };
  }
}

/** Where in the JSON text the field of a fault's path stands, for the cursor to go there; nothing when it is not in it. */
export function locate(
  text: string,
  path: string,
): { readonly start: number; readonly end: number } | undefined {
  let start = 0;
  let end = 0;
  for (const step of steps(path).slice(1)) {
    if (/^[0-9]+$/.test(step)) continue;
    const key = JSON.stringify(step);
    const found = text.indexOf(key, end);
    if (found < 0) return undefined;
    start = found;
    end = found + key.length;
  }
  return end === 0 ? undefined : { start, end };
}

/** A fault's place within the input, as people read it. */
export function placeInInput(path: string): string {
  return steps(path).slice(1).join('.');
}

/** The names on the way of a path. */
export function steps(path: string): string[] {
  return path
    .split(/[/.[\]]/)
    .filter((step) => step !== '')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}
