/**
 * How a module stands, and what it waits for: one rule for the server's views, the page and `tutti watch`.
 *
 * M1. A module that has begun anew waits, whatever its last execution came to.
 * M2. An input is there once its module has put something out or never will: who then still waits for it ignores its error.
 * M3. A module with `map` runs while any of its items does: `newest` is one of them then.
 */
import { hasEnded, type ModuleState, type ObservedState } from './execution.js';
import { splitReference } from './graph.js';
import type { ModulePhase } from './task.js';
import type { Wait } from './waiting.js';

/** M1. `phase` is absent where nothing has happened to the module, `newest` where it has no execution. */
export function moduleState(
  phase: ModulePhase['kind'] | undefined,
  newest: ObservedState | undefined,
  hasTaskEnded: boolean,
): ModuleState {
  switch (phase) {
    case undefined:
    case 'waiting':
      return hasTaskEnded ? (newest ?? 'skipped') : 'waiting';
    case 'skipped':
    case 'reused':
    case 'failed':
      return phase;
    case 'approved':
    case 'served':
      return 'succeeded';
    case 'mapped':
      return 'succeeded';
    case 'mapping':
      // M3.
      return hasTaskEnded ? (newest ?? 'skipped') : newest && !hasEnded(newest) ? 'running' : 'waiting';
    case 'placed':
    case 'succeeded':
    case 'stopped':
      return newest ?? 'skipped';
    default:
      return phase satisfies never;
  }
}

/** Those of a module's inputs that it waits for. `stateOf` knows modules only: another input is there from the beginning. */
export function missingInputs(
  inputs: readonly string[],
  overridden: readonly string[],
  stateOf: (module: string) => string | undefined,
): string[] {
  return inputs.filter(
    (input) => !overridden.includes(input) && isComing(stateOf(splitReference(input).module)),
  );
}

/** As much of a loop as tells what it holds back. */
export interface HoldingLoop {
  readonly from: string;
  /** Its body. */
  readonly modules: readonly string[];
}

/** L3 of `loop.ts`. States as a module sees them: to what is not in its body, a loop is at work until it has ended. `hasEnded`: by its `from`. */
export function statesFor(
  module: string,
  loops: readonly HoldingLoop[],
  stateOf: (module: string) => string | undefined,
  hasEnded: (from: string) => boolean,
): (module: string) => string | undefined {
  const holding = loops.filter(({ from, modules }) => !modules.includes(module) && !hasEnded(from));
  return (other) => (holding.some(({ modules }) => modules.includes(other)) ? 'looping' : stateOf(other));
}

/** That a module waits for these. */
export function waitingFor(missing: readonly string[]): Wait | undefined {
  return missing.length === 0
    ? undefined
    : { waiting: { code: 'inputs', inputs: missing }, reason: `waiting for ${missing.join(', ')}` };
}

/** M2. */
function isComing(state: string | undefined): boolean {
  return state !== undefined && !['succeeded', 'reused', 'failed', 'skipped'].includes(state);
}
