import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeNode } from '../../support/fake-coordinator.js';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

let running: RunningGateway;
afterEach(() => running.gateway.stop());

// biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
async function get(path: string): Promise<{ status: number; body: any; cursor: string | null }> {
  const reply = await fetch(running.url + path);
  return { status: reply.status, body: await reply.json(), cursor: reply.headers.get('tutti-cursor') };
}

describe("a node's events", () => {
  async function withHistory(): Promise<string> {
    running = await startGateway();
    const node = fakeNode();
    const id = String(node.node_id);
    running.coordinator.nodes.set(id, node);
    // More than one chunk of the stream, with the node named in every thousandth event.
    const events = Array.from({ length: 4500 }, (_, index) => ({
      type: 'execution.log',
      node_id: index % 1000 === 0 ? id : 'another',
      message: `about "node_id":"${id}"`,
    }));
    running.coordinator.events.commit(events);
    return id;
  }

  it('come newest first, page by page, and of no other node', async () => {
    const id = await withHistory();
    const first = await get(`/v1/nodes/${id}/events?limit=3`);
    expect(first.cursor).toBe('4500');
    expect(first.body.items.map((event: { seq: number }) => event.seq)).toEqual([4001, 3001, 2001]);
    const second = await get(`/v1/nodes/${id}/events?limit=3&cursor=${first.body.next_cursor}`);
    expect(second.body.items.map((event: { seq: number }) => event.seq)).toEqual([1001, 1]);
    expect(second.body.next_cursor).toBeNull();
  });

  it('end where the stream has been trimmed', async () => {
    const id = await withHistory();
    running.coordinator.events.trim(2500);
    const { body } = await get(`/v1/nodes/${id}/events`);
    expect(body.items.map((event: { seq: number }) => event.seq)).toEqual([4001, 3001]);
    expect(body.next_cursor).toBeNull();
  });

  it('are those of a node that there is, from a cursor that was given', async () => {
    const id = await withHistory();
    expect((await get('/v1/nodes/nobody/events')).status).toBe(404);
    const refused = await get(`/v1/nodes/${id}/events?cursor=soon`);
    expect([refused.status, refused.body.error.code]).toEqual([400, 'bad_cursor']);
  });
});

describe('the samples of a graph', () => {
  it('are the JSON files of its folder, each as an input; what is not JSON is left out', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tutti-samples-'));
    writeFileSync(join(folder, 'two-words.json'), '{"a": 1}');
    writeFileSync(join(folder, 'broken.json'), '{');
    writeFileSync(join(folder, 'notes.txt'), 'not one');
    running = await startGateway({ samples: new Map([['demo', folder]]) });
    const { body } = await get('/v1/graphs/demo/samples');
    expect(body).toEqual({
      items: [{ name: 'two-words', title: 'Two words', input: { a: 1 } }],
      next_cursor: null,
    });
    rmSync(folder, { recursive: true });
    expect((await get('/v1/graphs/demo/samples')).body.items).toEqual([]);
  });

  it('are none where no folder is known, and a fault where no graph is', async () => {
    running = await startGateway();
    expect((await get('/v1/graphs/demo/samples')).body.items).toEqual([]);
    expect((await get('/v1/graphs/none/samples')).status).toBe(404);
  });
});
