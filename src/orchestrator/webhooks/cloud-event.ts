/**
 * Events as CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec). The event itself is `data`, digit by digit as it is stored, which is
 * why its text is put in place, and not read and written anew.
 */

import { headOfEvent } from '../core/event-json.js';

/** The media type of the structured mode. */
export const CLOUD_EVENT_TYPE = 'application/cloudevents+json; charset=utf-8';

/** `id` is the same whenever the event is sent, and no other event of any store has it. */
export function cloudEvent(storeId: string, json: string): string {
  const { seq, at, type } = headOfEvent(json);
  return write(storeId, `${storeId}-${seq}`, at, type, json);
}

/** The event of a test. `id`: unique. */
export function testEvent(storeId: string, id: string, at: string, webhook: string): string {
  return write(
    storeId,
    `test-${id}`,
    at,
    'webhook.test',
    JSON.stringify({ at, type: 'webhook.test', webhook }),
  );
}

function write(storeId: string, id: string, time: string, type: string, data: string): string {
  const head = { specversion: '1.0', id, source: `/tutti/${storeId}`, type, time };
  return `${JSON.stringify({ ...head, datacontenttype: 'application/json' }).slice(0, -1)},"data":${data}}`;
}
