/** The stream's frames, read with care: what is not one of them is nothing. */
import { readExactly } from '../../../../src/base/json/exact.js';
import type { ErrorJson } from '../../../../src/contract/answer.js';
import type { EventJson } from '../../../../src/contract/event.js';

export type ServerFrame =
  | { readonly type: 'hello'; readonly cursor: number; readonly epoch: number; readonly store_id: string }
  | { readonly type: 'subscribed'; readonly cursor: number }
  | { readonly type: 'events'; readonly cursor: number; readonly events: readonly EventJson[] }
  | { readonly type: 'tick'; readonly cursor: number }
  | { readonly type: 'gap'; readonly from: number; readonly to: number }
  | { readonly type: 'error'; readonly error: ErrorJson };

const TYPES = new Set<unknown>(['hello', 'subscribed', 'events', 'tick', 'gap', 'error']);

/** The frame in `data`; nothing for one of a kind that a newer server may send. */
export function readFrame(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  let value: unknown;
  try {
    value = readExactly(data);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  return TYPES.has((value as { type?: unknown }).type) ? (value as ServerFrame) : undefined;
}
