/** Reads `AppRequirements.app_requirements` for the two modules that act on them. */
import { NonRetryableError } from 'tutti/sdk';

export interface Requirements {
  /** Milliseconds, the strictest when there are several; absent when none is asked for. */
  max_latency_ms?: number;
  real_time: boolean;
  on_device: boolean;
  explainability: boolean;
  /** The rest, which neither module acts on: `privacy`, `min_samples=…`, `max_samples=…` and unknown ones. */
  not_used: string[];
}

/**
 * What "real time" means, in milliseconds, where no number is given and the input has no length of its own: the tenth of a second
 * up to which an answer seems immediate.
 */
export const REAL_TIME_MS = 100;

const MAX_LATENCY = 'max_latency_ms=';
const MS_PER_S = 1000;

/** @throws NonRetryableError `bad_requirement` when `max_latency_ms` is not a number over 0. */
export function readAppRequirements(list: readonly string[]): Requirements {
  const read: Requirements = { real_time: false, on_device: false, explainability: false, not_used: [] };
  for (const requirement of list) {
    if (requirement.startsWith(MAX_LATENCY)) {
      const ms = latency(requirement);
      read.max_latency_ms = Math.min(ms, read.max_latency_ms ?? ms);
    } else if (
      requirement === 'real_time' ||
      requirement === 'on_device' ||
      requirement === 'explainability'
    ) {
      read[requirement] = true;
    } else {
      read.not_used.push(requirement);
    }
  }
  return read;
}

/**
 * The latency to stay under, in milliseconds, 0 when none is asked for: `max_latency_ms` where there is one; else, for
 * `real_time`, the length of the signal that one inference takes (a model that hears ten seconds keeps up when it needs less),
 * and {@link REAL_TIME_MS} for inputs without a length.
 */
export function targetLatencyMs(requirements: Requirements, inputSeconds: number | undefined): number {
  if (requirements.max_latency_ms !== undefined) return requirements.max_latency_ms;
  if (!requirements.real_time) return 0;
  return inputSeconds === undefined ? REAL_TIME_MS : inputSeconds * MS_PER_S;
}

function latency(requirement: string): number {
  const text = requirement.slice(MAX_LATENCY.length);
  const ms = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(ms) && ms > 0) return ms;
  throw new NonRetryableError(
    'bad_requirement',
    `app_requirements: max_latency_ms must be a number over 0, but is "${text}".`,
  );
}
