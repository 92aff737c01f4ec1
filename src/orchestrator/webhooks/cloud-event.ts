/**
 * Events as CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec). The event itself is `data`, digit by digit as it is stored, which is
 * why its text is put in place, and not read and written anew.
 */

/** The media type of the structured mode. */
export const CLOUD_EVENT_TYPE = 'application/cloudevents+json; charset=utf-8';

const HEAD = /^\{"seq":(\d+),"at":"([^"]*)","type":"([^"]*)"/;

/** The type of an event, from its text. */
export function typeOfEvent(json: string): string {
  return partsOf(json).type;
}

/** `id` is the same whenever the event is sent, and no other event of any store has it. */
export function cloudEvent(storeId: string, json: string): string {
  const { seq, at, type } = partsOf(json);
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

/** Every event's text begins so: see `core/event-json.ts`. */
function partsOf(json: string): { readonly seq: string; readonly at: string; readonly type: string } {
  const [, seq, at, type] = HEAD.exec(json) ?? [];
  if (seq === undefined || at === undefined || type === undefined)
    throw new Error(`an event begins ${JSON.stringify(json.slice(0, 80))}`);
  return { seq, at, type };
}
