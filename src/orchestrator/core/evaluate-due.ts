/**
 * The evaluations of a broker that are due: each in a step of its own, and its outcome told to the broker.
 *
 * V1. A scheduler that throws leaves nothing behind and is tried again; where it keeps throwing, the subject is given up, and everything else continues.
 */
import { messageOf } from '../../base/errors.js';
import { assertWithinLimit, type Evaluable, type EvaluationBroker } from '../../scheduling/broker.js';
import { attempt } from './attempt.js';
import { tryRows } from './rows.js';
import type { Turn } from './turn.js';

interface Evaluation<Subject> {
  /** Nothing where it is gone, or no longer to be evaluated. */
  readonly find: (key: string) => Subject | undefined;
  /** Plans, and carries the plan out. */
  readonly evaluate: (subject: Subject) => {
    readonly steps: readonly unknown[];
    readonly followUpMs: number | undefined;
  };
  readonly giveUp: (subject: Subject, why: string) => void;
  /** Gets what `giveUp` throws. */
  readonly onError: (thrown: unknown) => void;
}

/** Whether there were any steps: tasks may have to be evaluated anew. */
export function evaluateDue<Subject>(
  turn: Turn,
  broker: EvaluationBroker<Evaluable>,
  { find, evaluate, giveUp, onError }: Evaluation<Subject>,
): boolean {
  const { state } = turn;
  let isChanged = false;
  for (let next = broker.dequeue(turn.nowMs); next; next = broker.dequeue(turn.nowMs)) {
    const delivery = next;
    const subject = find(delivery.item.key);
    if (subject === undefined) {
      broker.forget(delivery.item.key);
      continue;
    }
    let plan: ReturnType<typeof evaluate> | undefined;
    // V1.
    const evaluated = attempt(turn, () => {
      assertWithinLimit(delivery);
      plan = evaluate(subject);
      if (state.isCareful) tryRows(turn.journal);
    });
    if (evaluated.ok) {
      isChanged ||= plan!.steps.length > 0;
      broker.ack(delivery, plan!.followUpMs);
      continue;
    }
    state.counters.add('evaluations_failed');
    if (broker.nack(delivery, turn.nowMs) !== 'exhausted') continue;
    const given = attempt(turn, () => giveUp(subject, messageOf(evaluated.thrown)));
    if (!given.ok) onError(given.thrown);
  }
  return isChanged;
}
