/** Webhooks as the core stores them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_WEBHOOKS } from '../../../src/model/webhook.js';
import type { SealedWebhook, WebhookProgress } from '../../../src/orchestrator/core/turn.js';
import { webhookViews } from '../../../src/orchestrator/core/webhooks/webhooks.js';
import type { Answer } from '../../../src/orchestrator/port.js';
import { Core, graphOf, moduleSpec } from '../core.js';

const CHAT: SealedWebhook = {
  ...{ name: 'chat', origin: 'https://chat.example', sealed: 'c2VhbGVk', signed: true },
  filter: ['iteration.failed'],
};

let core: Core;

beforeEach(async () => {
  core = await Core.open([graphOf('one', moduleSpec('a', ['source']))]);
});

const add = (webhook: SealedWebhook = CHAT): Promise<Answer> => core.ask({ kind: 'add_webhook', webhook });
const declare = (webhook: SealedWebhook): Promise<Answer> => core.ask({ kind: 'declare_webhook', webhook });
const note = (progress: Omit<WebhookProgress, 'name'>): Promise<Answer> =>
  core.ask({ kind: 'note_webhook', progress: { name: 'chat', ...progress } });
const codeOf = (answer: Answer): string => (answer.ok ? answer.kind : answer.code);
const chat = () => core.state.webhooks.get('chat')!;

describe('a webhook', () => {
  it('is answered without what is sealed, begins at the present, and is there after a restart', async () => {
    const cursor = core.state.cursor;
    const answer = await add();
    expect(answer).toMatchObject({
      kind: 'created',
      body: {
        ...{ name: 'chat', url: 'https://chat.example/…', filter: ['iteration.failed'], problem: null },
        ...{ signed: true, cursor, last_status: null, last_at: null, failures: 0, missed: 0 },
      },
    });
    expect(JSON.stringify(answer)).not.toContain(CHAT.sealed);
    const before = chat();
    await core.restart();
    expect(chat()).toEqual(before);
    expect(await core.faults()).toEqual([]);
  });

  it('has a name of its own, and there are not too many', async () => {
    await add();
    expect(codeOf(await add())).toBe('name_taken');
    for (let index = 1; index < MAX_WEBHOOKS; index += 1) await add({ ...CHAT, name: `chat-${index}` });
    expect(codeOf(await add({ ...CHAT, name: 'one-more' }))).toBe('too_many_webhooks');
  });

  it('keeps its cursor when it is declared as another, and nothing happens when it is declared as it is', async () => {
    await declare(CHAT);
    const { id } = chat();
    await note({ id, cursor: 0, attempt: { isDelivered: false, status: '503' } });
    const before = chat();
    expect(codeOf(await declare(CHAT))).toBe('done');
    expect(chat()).toBe(before);
    await declare({ ...CHAT, origin: 'https://other.example', sealed: 'b3RoZXI=' });
    expect(chat()).toEqual({ ...before, origin: 'https://other.example', sealed: 'b3RoZXI=' });
  });

  it('notes attempts and what was missed, over a restart', async () => {
    await add();
    const { id } = chat();
    await note({ id, cursor: 0, attempt: { isDelivered: false, status: '503' } });
    await note({ id, cursor: 0, attempt: { isDelivered: false, status: 'no connection' } });
    expect(chat()).toMatchObject({ failures: 2, lastStatus: 'no connection', cursor: 0 });
    await note({ id, cursor: 1, missed: 1 });
    await core.restart();
    expect(webhookViews(core.state, '*')[0]).toMatchObject({ failures: 2, missed: 1, cursor: 1 });
    await note({ id, cursor: 1, attempt: { isDelivered: true, status: '200' } });
    expect(chat()).toMatchObject({ failures: 0, missed: 1, lastStatus: '200' });
  });

  it('is not moved by a delivery of another one that had its name', async () => {
    await add();
    const { id } = chat();
    await core.ask({ kind: 'remove_webhook', name: 'chat' });
    expect(codeOf(await core.ask({ kind: 'remove_webhook', name: 'chat' }))).toBe('unknown_webhook');
    await add();
    const before = chat();
    expect(codeOf(await note({ id, cursor: 0, attempt: { isDelivered: true, status: '200' } }))).toBe(
      'unknown_webhook',
    );
    expect(chat()).toBe(before);
  });
});
