/**
 * Which node gets an execution: of those that are alive, started, with a free slot and with the required labels, the one that
 * runs fewest; among equals the least recently used.
 */

export interface Candidate {
  readonly nodeId: string;
  /** Executions that take up a slot now, those being stopped included. */
  readonly taken: number;
  readonly capacity: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Grows with every assignment; 0 for a node that has never been used. */
  readonly lastUsed: number;
}

export function hasLabels(
  candidate: Pick<Candidate, 'labels'>,
  require: Readonly<Record<string, string>>,
): boolean {
  for (const label in require) {
    if (candidate.labels[label] !== require[label]) return false;
  }
  return true;
}

/** The node to take, or nothing when none has a free slot. */
export function pickNode<C extends Candidate>(
  candidates: Iterable<C>,
  require: Readonly<Record<string, string>>,
): C | undefined {
  let best: C | undefined;
  for (const candidate of candidates) {
    if (candidate.taken >= candidate.capacity || !hasLabels(candidate, require)) continue;
    if (
      !best ||
      candidate.taken < best.taken ||
      (candidate.taken === best.taken && candidate.lastUsed < best.lastUsed)
    ) {
      best = candidate;
    }
  }
  return best;
}
