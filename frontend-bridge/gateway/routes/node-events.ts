/** A node's history, from its newest end: what the event stream still holds, looked through backwards. */
import { z } from 'zod';
import { JsonText } from '../../../src/base/json/json-text.js';
import type { Coordinator, EventStream, StreamEvent, View } from '../../../src/orchestrator/port.js';
import { event } from '../answers/iteration.js';
import { answers, pageOf } from '../answers/shape.js';
import { HttpError } from '../errors.js';
import { type App, found, within } from '../http.js';
import { pageShape } from '../requests.js';

/** Events that one request may look through before it hands out what it found, with the cursor to go on from. */
const LOOK_LIMIT = 50_000;
const CHUNK = 2_000;
const DEFAULT_LIMIT = 50;

export function nodeEventRoutes(app: App, coordinator: Coordinator): void {
  app.get(
    '/v1/nodes/:node_id/events',
    {
      config: { action: 'read' },
      schema: {
        summary: 'Events of a node, newest first, as far back as the stream is kept',
        params: z.object({ node_id: z.string() }),
        querystring: z.strictObject(pageShape),
        response: answers({ 200: pageOf(event) }),
      },
    },
    async (request, reply) => {
      const { queries, events } = within(coordinator, request);
      const { node_id } = request.params;
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const reflects = events.cursor();
      const before = cursor === undefined ? reflects + 1 : readCursor(cursor);
      found(reply, await queries.node(node_id));
      return found(reply, { cursor: reflects, value: await lookBack(events, node_id, before, limit) });
    },
  );
}

/** Events of the node before `before`, newest first. */
async function lookBack(
  events: EventStream,
  nodeId: string,
  before: number,
  limit: number,
): Promise<{ items: JsonText[]; next_cursor: string | null }> {
  const items: JsonText[] = [];
  const mark = `"node_id":${JSON.stringify(nodeId)}`;
  let end = before;
  for (let looked = 0; looked < LOOK_LIMIT && end > events.oldest(); ) {
    const start = Math.max(events.oldest(), end - CHUNK);
    const chunk = await readBetween(events, start, end);
    looked += end - start;
    for (const event of chunk.reverse()) {
      if (!event.json.includes(mark)) continue;
      const view = JSON.parse(event.json) as View;
      if (view.node_id !== nodeId) continue;
      items.push(new JsonText(event.json, view));
      if (items.length === limit) return { items, next_cursor: String(event.seq) };
    }
    end = start;
  }
  return { items, next_cursor: end > events.oldest() ? String(end) : null };
}

/** The events from `start` on, before `end`. */
async function readBetween(events: EventStream, start: number, end: number): Promise<StreamEvent[]> {
  const found: StreamEvent[] = [];
  for (let after = start - 1; after < end - 1; ) {
    const read = await events.read(after, end - 1 - after);
    const last = read.at(-1);
    if (last === undefined) break;
    found.push(...read.filter((event) => event.seq < end));
    after = last.seq;
  }
  return found;
}

function readCursor(cursor: string): number {
  if (/^[1-9][0-9]{0,15}$/.test(cursor)) return Number(cursor);
  throw new HttpError(
    400,
    'bad_cursor',
    `cursor ${JSON.stringify(cursor)} is not one of a page of this list`,
    {
      details: [
        { path: 'cursor', code: 'bad_cursor', message: 'take it from next_cursor of the page before' },
      ],
    },
  );
}
