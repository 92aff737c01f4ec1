/** The frames of `/v1/stream`: what the server says, encoded; what a client says, understood or refused. */
import { z } from 'zod';
import { encodeTexts } from '../../../src/base/encode-texts.js';
import type { StreamEvent } from '../../../src/orchestrator/port.js';
import { type ErrorBody, errorBody, HttpError } from '../errors.js';

export type ServerFrame =
  | { readonly type: 'hello'; readonly cursor: number; readonly epoch: number; readonly store_id: string }
  | { readonly type: 'subscribed'; readonly cursor: number }
  | { readonly type: 'tick'; readonly cursor: number }
  | { readonly type: 'gap'; readonly from: number; readonly to: number }
  | ({ readonly type: 'error' } & ErrorBody);

export interface Subscribe {
  readonly type: 'subscribe';
  /** Everything after it. @default from now */
  readonly cursor?: number;
  readonly store_id?: string;
  /** Only this problem's events. @default all */
  readonly problem_id?: string;
}
export type ClientMessage = Subscribe | { readonly type: 'unsubscribe' };

export function encodeFrame(frame: ServerFrame): Buffer {
  return Buffer.from(JSON.stringify(frame));
}

/** A batch, from the events' own encoded JSON. There is at least one event. */
export function encodeEvents(events: readonly StreamEvent[]): Buffer {
  const cursor = events[events.length - 1]!.seq;
  const texts = events.map(({ json }) => json);
  return encodeTexts(texts, ',', `{"type":"events","cursor":${cursor},"events":[`, ']}');
}

const messageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('subscribe'),
    cursor: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).exactOptional(),
    store_id: z.string().exactOptional(),
    problem_id: z.string().exactOptional(),
  }),
  z.object({ type: z.literal('unsubscribe') }),
]);

/** Fields that are not known here are a newer client's, and ignored. */
export function parseClientMessage(
  text: string,
):
  | { readonly ok: true; readonly message: ClientMessage }
  | { readonly ok: false; readonly frame: ServerFrame } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return refuse(
      'malformed_message',
      `A message is one JSON object; this is not JSON: ${(cause as Error).message}`,
    );
  }
  const parsed = messageSchema.safeParse(value);
  if (parsed.success) return { ok: true, message: parsed.data };
  const details = parsed.error.issues.map((issue) => ({
    path: issue.path.map((key) => `/${String(key)}`).join(''),
    code: 'invalid_value',
    message: issue.message,
  }));
  return refuse(
    'invalid_message',
    'Send {"type":"subscribe"} or {"type":"unsubscribe"}; this has faults.',
    details,
  );
}

function refuse(
  code: string,
  message: string,
  details: HttpError['details'] = [],
): { ok: false; frame: ServerFrame } {
  return { ok: false, frame: errorFrame(code, message, { details }) };
}

export function errorFrame(
  code: string,
  message: string,
  options: { readonly hint?: string; readonly details?: HttpError['details'] } = {},
): ServerFrame {
  return { type: 'error', ...errorBody(new HttpError(400, code, message, options)) };
}
