/** A step of the core takes effect completely or not at all. */
import type { Turn } from './turn.js';

export type Attempted = { readonly ok: true } | { readonly ok: false; readonly thrown: unknown };

/** Where the work throws, all that it has done is undone: state, facts, messages, answers, timers, evaluations, allowances. */
export function attempt({ state }: Pick<Turn, 'state'>, work: () => void): Attempted {
  const { mark } = state.undo;
  try {
    work();
    return { ok: true };
  } catch (thrown) {
    state.undo.back(mark);
    return { ok: false, thrown };
  }
}
