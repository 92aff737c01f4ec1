import { beforeEach, describe, expect, it } from 'vitest';
import type { Step } from '../../src/orchestrator/decide/turn.js';
import { ingest } from '../../src/orchestrator/ingest.js';
import type { Refused } from '../../src/orchestrator/port.js';
import { encodeOutputs } from '../../src/wire/codec.js';

const FRAME = encodeOutputs({ protocolVersion: 1, outputs: [] });
let steps: Step[];
let refused: Refused[];
let door: ReturnType<typeof ingest>;

beforeEach(() => {
  steps = [];
  refused = [];
  door = ingest(
    (step) => void steps.push(step),
    (one) => void refused.push(one),
  );
});

describe('the door for outputs', () => {
  it('hands on what it can read, with the address that it came from', () => {
    void door.onOutputs('output/m/', FRAME, '127.0.0.1');
    expect([steps, refused]).toMatchObject([[{ kind: 'outputs', peer: '127.0.0.1' }], []]);
  });

  it.each([
    ['no frame of outputs', () => door.onOutputs('output/m/', Buffer.from([0xff]), 'x')],
    ['no topic of outputs', () => door.onOutputs('elsewhere', FRAME, 'x')],
    ['no topic and frame', () => door.onMalformed('outputs', 'x')],
  ])('refuses what is %s, and says whose it was', (_what, come) => {
    void come();
    expect(steps).toEqual([]);
    expect(refused).toMatchObject([{ via: 'outputs', peer: 'x', code: 'bad_frame' }]);
  });

  it('refuses on the control socket by the route', () => {
    door.onMalformed('control', 'route');
    expect([steps, refused]).toMatchObject([[{ kind: 'bad control', route: 'route' }], []]);
  });
});
