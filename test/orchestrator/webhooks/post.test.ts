/** What a delivery over a real connection tells: whether it was taken, and when to come again. */
import { createServer, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WebhookAttempt } from '../../../src/orchestrator/core/turn.js';
import { post } from '../../../src/orchestrator/webhooks/post.js';

let answer: { readonly status: number; readonly headers?: OutgoingHttpHeaders };
let server: Server;

beforeAll(async () => {
  server = createServer((_request, response) => response.writeHead(answer.status, answer.headers).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

function answered(status: number, headers?: OutgoingHttpHeaders): Promise<WebhookAttempt> {
  answer = { status, ...(headers && { headers }) };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return post({ url }, '{}', new AbortController().signal);
}

const DATE = 'Wed, 21 Oct 2015 07:28:00 GMT';

it('reads the seconds after which a receiver may be tried again', async () => {
  const attempt = { isDelivered: false, status: '429', retryAfterMs: 120_000 };
  expect(await answered(429, { 'retry-after': '120' })).toEqual(attempt);
  expect(await answered(503, { 'retry-after': '0' })).toEqual({ ...attempt, status: '503', retryAfterMs: 0 });
});

it("reads a time as the difference to the receiver's own clock, and one that is past as now", async () => {
  const later = { date: DATE, 'retry-after': 'Wed, 21 Oct 2015 07:30:00 GMT' };
  expect((await answered(503, later)).retryAfterMs).toBe(120_000);
  const past = { date: DATE, 'retry-after': 'Wed, 21 Oct 2015 07:20:00 GMT' };
  expect((await answered(503, past)).retryAfterMs).toBe(0);
});

it('knows no such time from other answers, nor where it cannot be read', async () => {
  expect(await answered(503)).toEqual({ isDelivered: false, status: '503' });
  for (const unreadable of ['soon', '-5', '1.5e3', ''])
    expect(await answered(429, { date: DATE, 'retry-after': unreadable }), unreadable).toEqual({
      isDelivered: false,
      status: '429',
    });
  expect(await answered(500, { 'retry-after': '120' })).toEqual({ isDelivered: false, status: '500' });
  expect(await answered(204, { 'retry-after': '120' })).toEqual({ isDelivered: true, status: '204' });
});
