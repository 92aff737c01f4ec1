/** Refusals: coded, counted, noted for the log, and rate-limited for each peer. */
import type { Route } from '../../bus/bus.js';
import type { RefusalCode, Refused } from '../../model/protocol.js';
import type { FleetNode } from './state.js';
import type { Turn } from './turn.js';

/** The message that a refusal answers. */
export type Answers = Partial<Pick<Refused, 'executionId' | 'seq' | 'commandId' | 'transactionId' | 'hint'>>;

/** Returns whether it was within the peer's limit. */
export function refuse(
  turn: Turn,
  route: Route,
  incarnation: number,
  code: RefusalCode,
  message: string,
  answers: Answers = {},
): boolean {
  turn.state.counters.add(`refused_${code}`);
  turn.journal.refused('control', route, code, message);
  if (!turn.state.refusals.admits(route, turn.nowMs)) return false;
  turn.journal.tellRoute(route, incarnation, { kind: 'refused', code, message, incarnation, ...answers });
  return true;
}

/** To a registered node; nothing when it has no connection. */
export function refuseAt(
  turn: Turn,
  node: FleetNode,
  code: RefusalCode,
  message: string,
  answers: Answers,
): boolean {
  return node.route !== undefined && refuse(turn, node.route, node.incarnation, code, message, answers);
}
