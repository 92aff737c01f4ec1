/**
 * What one viewer of the stream has seen and what is due to it. Decides only; the hub reads and sends.
 *
 * 1. `behind`: everything up to `position` is sent or announced as a gap; what follows must be read from the past.
 *    `live`: so is everything up to what was announced; the next commit is pushed.
 * 2. A viewer becomes live only when what it has read reaches what was announced to all, in the same turn of the event loop: no commit falls
 *    between the two.
 * 3. Reading may run ahead of the announcements. `from` remembers how far, so that those events are not sent twice.
 * 4. Numbers that are missing where they were asked for are announced as a gap, once, inclusive on both ends.
 */
import { maySee } from '../../../src/model/access.js';
import type { StreamEvent } from '../../../src/orchestrator/port.js';
import { errorFrame, type ServerFrame, type Subscribe } from './frames.js';

export interface Silent {
  readonly kind: 'silent';
}
export interface Behind {
  readonly kind: 'behind';
  readonly position: number;
  readonly problemId: string | undefined;
}
export interface Live {
  readonly kind: 'live';
  readonly from: number;
  readonly problemId: string | undefined;
}
export type Phase = Silent | Behind | Live;

/** What the stream has, at this moment. */
export interface Horizon {
  readonly storeId: string;
  readonly oldest: number;
  readonly newest: number;
  /** The newest that live viewers were told of; at most `newest`. */
  readonly announced: number;
}

export type Due = { readonly frame: ServerFrame } | { readonly events: readonly StreamEvent[] };

export interface Step {
  readonly phase: Phase;
  readonly due: readonly Due[];
}

/** A new subscription replaces the one in `phase`, unless its cursor lies in the future. */
export function subscribe(phase: Phase, message: Subscribe, horizon: Horizon): Step {
  const problemId = message.problem_id;
  const { newest } = horizon;
  if (message.store_id !== undefined && message.store_id !== horizon.storeId) {
    return {
      phase: settle(newest, problemId, horizon),
      due: [subscribed(0), ...(newest > 0 ? [gap(1, newest)] : [])],
    };
  }
  const cursor = message.cursor ?? newest;
  if (cursor > newest) {
    const text = `The cursor ${cursor} is past the newest event, ${newest}.`;
    return {
      phase,
      due: [{ frame: errorFrame('bad_cursor', text, { hint: 'Subscribe without a cursor.' }) }],
    };
  }
  return { phase: settle(cursor, problemId, horizon), due: [subscribed(cursor)] };
}

/**
 * A page that was read after `phase.position`, of which the viewer gets what is of the project that it is `bound` to. An empty one means
 * that nothing is there, or nothing is left.
 */
export function take(phase: Behind, page: readonly StreamEvent[], horizon: Horizon, bound: string): Step {
  const { position, problemId } = phase;
  const next = page[0]?.seq ?? Math.max(horizon.oldest, position + 1);
  const due: Due[] = next > position + 1 ? [gap(position + 1, next - 1)] : [];
  const wanted = page.filter((event) => isDue(event, problemId, bound));
  if (wanted.length > 0) due.push({ events: wanted });
  return { phase: settle(page[page.length - 1]?.seq ?? next - 1, problemId, horizon), due };
}

/** What of a commit is still due to a live viewer whose reading had run ahead of it. */
export function remainder(phase: Live, batch: readonly StreamEvent[], bound: string): readonly StreamEvent[] {
  return batch.filter((event) => event.seq > phase.from && isDue(event, phase.problemId, bound));
}

function isDue(event: StreamEvent, problemId: string | undefined, bound: string): boolean {
  return maySee(bound, event.project) && (problemId === undefined || event.problemId === problemId);
}

/** A live viewer that cannot take more goes on from the past; `announced` is what it was told last. */
export function fallBehind(phase: Live, announced: number): Behind {
  return { kind: 'behind', position: Math.max(phase.from, announced), problemId: phase.problemId };
}

/** Up to where nothing is missing for this viewer. */
export function cursorOf(phase: Phase, announced: number): number {
  switch (phase.kind) {
    case 'silent':
      return announced;
    case 'behind':
      return phase.position;
    case 'live':
      return Math.max(phase.from, announced);
    default:
      return phase satisfies never;
  }
}

function settle(position: number, problemId: string | undefined, horizon: Horizon): Behind | Live {
  return position >= horizon.announced
    ? { kind: 'live', from: position, problemId }
    : { kind: 'behind', position, problemId };
}

function subscribed(cursor: number): Due {
  return { frame: { type: 'subscribed', cursor } };
}

function gap(from: number, to: number): Due {
  return { frame: { type: 'gap', from, to } };
}
