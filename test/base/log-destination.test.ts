import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { LogDestination, type Sink } from '../../src/base/log-destination.js';

/** A descriptor that does as it is told. */
class FakeSink implements Sink {
  taken = '';
  writes = 0;
  /** What the next writes fail with. */
  failure: string | undefined;
  /** At most so many bytes go at once. */
  most = Number.POSITIVE_INFINITY;

  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    let written = 0;
    let error: NodeJS.ErrnoException | null = null;
    try {
      written = this.writeNow(bytes);
    } catch (thrown) {
      error = thrown as NodeJS.ErrnoException;
    }
    queueMicrotask(() => done(error, written));
  }

  writeNow(bytes: Uint8Array): number {
    this.writes += 1;
    if (this.failure !== undefined) throw Object.assign(new Error(this.failure), { code: this.failure });
    const part = bytes.subarray(0, this.most);
    this.taken += Buffer.from(part).toString();
    return part.length;
  }

  get lines(): string[] {
    return this.taken.split('\n').slice(0, -1);
  }
}

function destinationOn(sink: FakeSink, backlogBytes = 1000): LogDestination {
  return new LogDestination({ sink, backlogBytes, base: { pid: 7 } });
}

const line = (number: number): string => `{"line":${number},"filling":"${'x'.repeat(60)}"}\n`;

describe('a log destination', () => {
  it('writes every line in order, however few bytes go at once', async () => {
    const sink = new FakeSink();
    sink.most = 7;
    const destination = destinationOn(sink, 1_000_000);
    for (let number = 0; number < 100; number += 1) destination.write(line(number));
    await vi.waitFor(() => expect(sink.lines).toHaveLength(100));
    expect(sink.lines.map((each) => JSON.parse(each).line)).toEqual([...Array(100).keys()]);
    expect([destination.dropped, destination.failures]).toEqual([0, 0]);
  });

  it.each(['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG', 'EPIPE', 'EBADF', 'EROFS'])(
    'keeps what it can while writing fails with %s, then says in their place how many lines are missing',
    async (code) => {
      vi.useFakeTimers();
      const sink = new FakeSink();
      sink.failure = code;
      const destination = destinationOn(sink);
      for (let number = 0; number < 50; number += 1)
        expect(() => destination.write(line(number))).not.toThrow();
      await vi.advanceTimersByTimeAsync(2_000);
      const { dropped } = destination;
      expect(dropped).toBeGreaterThan(20);
      expect(dropped).toBeLessThan(50);
      expect(destination.failures).toBeGreaterThan(1);
      sink.failure = undefined;
      await vi.advanceTimersByTimeAsync(2_000);
      destination.write(line(50));
      await vi.advanceTimersByTimeAsync(2_000);
      vi.useRealTimers();
      const lines = sink.lines.map((each) => JSON.parse(each));
      const kept = 50 - dropped;
      expect(lines.slice(0, kept).map((each) => each.line)).toEqual([...Array(kept).keys()]);
      expect(lines[kept]).toMatchObject({ level: 40, pid: 7, lines_dropped: dropped });
      expect(lines[kept].msg).toContain(`${dropped} log lines were dropped`);
      expect(lines.slice(kept + 1).map((each) => each.line)).toEqual([50]);
    },
  );

  it('does not count a reader that is behind as a failure, and drops nothing that fits', async () => {
    vi.useFakeTimers();
    const sink = new FakeSink();
    sink.failure = 'EAGAIN';
    const destination = destinationOn(sink);
    for (let number = 0; number < 5; number += 1) destination.write(line(number));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sink.writes).toBeGreaterThan(3);
    sink.failure = undefined;
    await vi.advanceTimersByTimeAsync(1_000);
    vi.useRealTimers();
    expect(sink.lines).toHaveLength(5);
    expect([destination.dropped, destination.failures]).toEqual([0, 0]);
  });

  it('writes what is left when the process exits, with the number of lines that are missing', () => {
    const sink = new FakeSink();
    const destination = destinationOn(sink, 300);
    for (let number = 0; number < 10; number += 1) destination.write(line(number));
    expect(sink.taken).toBe('');
    destination.finish();
    expect(sink.lines).toHaveLength(4);
    expect(JSON.parse(sink.lines[3]!)).toMatchObject({ lines_dropped: 7 });
  });

  it.each(['ENOSPC', 'EAGAIN', 'EPIPE'])('lets the process exit where writing fails with %s', (code) => {
    const sink = new FakeSink();
    sink.failure = code;
    const destination = destinationOn(sink);
    destination.write(line(0));
    const begin = performance.now();
    destination.finish();
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it('is what pino writes to, and a line from others cannot act on a terminal', async () => {
    const sink = new FakeSink();
    const destination = destinationOn(sink);
    pino({}, destination).warn({ peer: '\u009b2J\u202e' }, 'refused');
    await vi.waitFor(() => expect(sink.lines).toHaveLength(1));
    expect(sink.taken).toContain('\\u009b2J\\u202e');
    expect(JSON.parse(sink.taken).peer).toBe('\u009b2J\u202e');
  });
});
