import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readMessages, writeMessage } from '../../../src/orchestrator/queries/service/pipe.js';

it('hands on every message with its body, whatever pieces the bytes come in', () => {
  const messages = fc.array(fc.tuple(fc.object(), fc.option(fc.uint8Array({ maxLength: 300 }))), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(messages, fc.infiniteStream(fc.integer({ min: 1, max: 50 })), (sent, sizes) => {
      const written = new PassThrough({ highWaterMark: 1e6 });
      for (const [message, body] of sent) writeMessage(written, message, body ?? undefined);
      const bytes: Buffer = written.read() ?? Buffer.alloc(0);
      const pipe = new PassThrough();
      const read: unknown[] = [];
      readMessages<unknown>(pipe, (message, body) => read.push([message, Buffer.from(body)]));
      for (let at = 0; at < bytes.length; ) {
        const size = sizes.next().value;
        pipe.emit('data', bytes.subarray(at, at + size));
        at += size;
      }
      expect(read).toEqual(
        sent.map(([message, body]) => [JSON.parse(JSON.stringify(message)), Buffer.from(body ?? [])]),
      );
    }),
  );
});
