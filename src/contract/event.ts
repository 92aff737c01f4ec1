/** An event of the stream. */
import type { EventType, Subject } from '../model/facts.js';

/** One fact of the stream. What an event of a type carries beyond the common fields is read by the reducer, field by field. */
export interface EventJson extends Subject {
  readonly seq: number;
  readonly at: string;
  readonly type: EventType;
  readonly [field: string]: unknown;
}
