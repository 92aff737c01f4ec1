import type { ViewerSocket } from '../../frontend-bridge/gateway/stream/hub.js';

/** A viewer's end of a socket that reads only when it is told to. */
export interface FakeViewer extends ViewerSocket {
  /** What was read, decoded. */
  readonly frames: Record<string, unknown>[];
  /** The very buffers that were sent, read or not. */
  readonly sent: Buffer[];
  readonly closed: { code: number; reason: string } | undefined;
  /** Read everything that is queued. */
  drain(): void;
  /** From now on, read at once what is sent. @default true */
  reading: boolean;
}

export function createFakeViewer(): FakeViewer {
  let queue: { frame: Buffer; sent: () => void }[] = [];
  let closed: { code: number; reason: string } | undefined;
  const fake: FakeViewer = {
    frames: [],
    sent: [],
    reading: true,
    get closed() {
      return closed;
    },
    send(frame, sent) {
      fake.sent.push(frame);
      queue.push({ frame, sent });
      if (fake.reading) queueMicrotask(() => fake.reading && fake.drain());
    },
    buffered: () => queue.reduce((sum, { frame }) => sum + frame.length, 0),
    close(code, reason) {
      closed ??= { code, reason };
    },
    drain() {
      const due = queue;
      queue = [];
      for (const { frame } of due) fake.frames.push(JSON.parse(frame.toString()));
      for (const { sent } of due) sent();
    },
  };
  return fake;
}
