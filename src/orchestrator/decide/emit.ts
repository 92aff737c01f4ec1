/** Facts happen here: each is recorded, and the state and the rows are what it makes of them, at once. */
import type { Moment } from '../../model/durable.js';
import type { Fact } from '../../model/facts.js';
import { apply } from '../../model/fold.js';
import { writeFact } from './rows.js';
import type { Turn } from './turn.js';

/** Returns the fact's `seq`; of a private fact, that of the last public one. */
export function emit(turn: Turn, fact: Fact): number {
  const seq = turn.journal.record(fact);
  const moment = momentOf(turn, seq);
  apply(turn.state, fact, moment);
  writeFact(turn.state, turn.journal, fact, moment);
  return seq;
}

export function momentOf({ journal, wallMs, nowMs }: Turn, seq: number): Moment {
  return { seq, at: wallMs, nowMs, changed: journal };
}
