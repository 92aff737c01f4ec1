/**
 * Messages over a stream of bytes: the length of all that follows, the length of the message, the message as JSON, its body.
 *
 * P1. What is read is handed on whole; nothing is copied but what lies in several chunks.
 */
import type { Duplex } from 'node:stream';

const HEAD_BYTES = 8;
/** Longer ones would be a fault of ours. */
const MOST_BYTES = 2 ** 31;

export function writeMessage(pipe: Duplex, message: object, body?: Uint8Array): void {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.allocUnsafe(HEAD_BYTES + json.length);
  head.writeUInt32LE(4 + json.length + (body?.length ?? 0), 0);
  head.writeUInt32LE(json.length, 4);
  json.copy(head, HEAD_BYTES);
  if (body === undefined || body.length === 0) {
    pipe.write(head);
    return;
  }
  pipe.cork();
  pipe.write(head);
  pipe.write(body);
  pipe.uncork();
}

/** Calls `take` with each message of a pipe, in order. */
export function readMessages<Message>(pipe: Duplex, take: (message: Message, body: Buffer) => void): void {
  let chunks: Buffer[] = [];
  let held = 0;
  /** Of the message that is being read, its length included. */
  let wanted = 4;
  pipe.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    held += chunk.length;
    if (held < wanted) return;
    // P1.
    const all = chunks.length === 1 ? chunk : Buffer.concat(chunks, held);
    let at = 0;
    for (;;) {
      const left = held - at;
      wanted = left < 4 ? 4 : 4 + all.readUInt32LE(at);
      if (wanted > MOST_BYTES) {
        pipe.destroy(new Error('a message between processes is damaged'));
        return;
      }
      if (left < wanted || left < 4) break;
      const jsonEnd = at + HEAD_BYTES + all.readUInt32LE(at + 4);
      const message = JSON.parse(all.toString('utf8', at + HEAD_BYTES, jsonEnd)) as Message;
      take(message, all.subarray(jsonEnd, at + wanted));
      at += wanted;
    }
    chunks = at === held ? [] : [all.subarray(at)];
    held -= at;
  });
}
