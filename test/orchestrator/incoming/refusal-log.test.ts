import { beforeEach, describe, expect, it } from 'vitest';
import { RefusalLog } from '../../../src/orchestrator/incoming/refusal-log.js';

interface Line {
  readonly peer: string;
  readonly code: string;
  readonly reason: string;
  readonly unlogged?: number;
}

let now: number;
let lines: Line[];
let log: RefusalLog;

beforeEach(() => {
  now = 0;
  lines = [];
  const info = (fields: object | string): void => void lines.push(fields as Line);
  log = new RefusalLog({ logger: { info }, nowMs: () => now });
});

const refuse = (peer: string, code = 'bad_frame', times?: number) =>
  log.note({ via: 'control', peer, code, message: 'because', ...(times !== undefined && { times }) });

describe('the log of refusals', () => {
  it('has one line a second for each peer and code, and the next one says how many had none', () => {
    for (let count = 0; count < 5; count += 1) refuse('a');
    refuse('b');
    refuse('a', 'too_many', 3);
    now = 1000;
    refuse('a');
    expect(lines.map(({ peer, code, unlogged }) => [peer, code, unlogged])).toEqual([
      ['a', 'bad_frame', undefined],
      ['b', 'bad_frame', 4],
      ['a', 'too_many', 2],
      ['a', 'bad_frame', undefined],
    ]);
  });

  it('has few lines a second in all, however many peers there are', () => {
    for (let peer = 0; peer < 10_000; peer += 1) refuse(String(peer));
    expect(lines).toHaveLength(10);
    now = 1000;
    refuse('late');
    expect(lines.at(-1)).toMatchObject({ peer: 'late', unlogged: 9990 });
  });

  it('cuts what peers sent', () => {
    log.note({ via: 'http', peer: 'x'.repeat(10_000), code: 'c', message: 'y'.repeat(1_000_000) });
    expect(JSON.stringify(lines[0]).length).toBeLessThan(500);
  });
});
