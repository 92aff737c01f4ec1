/** Events as CloudEvents, and their signatures. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { eventJson, typeOfEvent } from '../../../src/orchestrator/core/event-json.js';
import { cloudEvent } from '../../../src/orchestrator/webhooks/cloud-event.js';
import { signatureOf } from '../../../src/orchestrator/webhooks/post.js';

describe('an event as a CloudEvent', () => {
  it('has all that version 1.0 requires, and an id of its store and its number', () => {
    const json = eventJson(7, '2026-01-01T00:00:00.000Z', {
      ...{ type: 'iteration.failed', problem_id: 'p', iteration_id: 2 },
    });
    expect(typeOfEvent(json)).toBe('iteration.failed');
    expect(JSON.parse(cloudEvent('store', json))).toEqual({
      ...{ specversion: '1.0', id: 'store-7', source: '/tutti/store', type: 'iteration.failed' },
      ...{ time: '2026-01-01T00:00:00.000Z', datacontenttype: 'application/json' },
      data: {
        ...{ seq: 7, at: '2026-01-01T00:00:00.000Z', type: 'iteration.failed' },
        ...{ problem_id: 'p', iteration_id: 2 },
      },
    });
  });

  it('keeps every digit of a number', () => {
    const json = '{"seq":1,"at":"t","type":"output.recorded","output":12345678901234567890.10}';
    expect(cloudEvent('store', json)).toContain('"output":12345678901234567890.10}');
  });

  it('is signed with the HMAC of its bytes', () => {
    const body = '{"text":"ä"}';
    const digits = createHmac('sha256', 'key').update(Buffer.from(body)).digest('hex');
    expect(signatureOf('key', body)).toBe(`sha256=${digits}`);
  });
});
