import { describe, expect, it } from 'vitest';
import { keptTraceparent, spanOfTask, traceparentOf } from '../../src/model/trace-context.js';

const PARENT = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7';
const ID = { problemId: '0198c0de-0000-7000-8000-00000000000f', iterationId: 1 };
const EXECUTION = '0198c0de-1111-7222-9333-444455556666';

describe('a traceparent', () => {
  it('is kept where it is valid', () => {
    expect(keptTraceparent(`00-${PARENT}-01`)).toBe(`00-${PARENT}-01`);
    expect(keptTraceparent(`00-${PARENT}-03`)).toBe(`00-${PARENT}-03`);
  });

  it('a traceparent of a later version is kept as one of this version', () => {
    expect(keptTraceparent(`cc-${PARENT}-07-what-the-future-will-be`)).toBe(`00-${PARENT}-01`);
  });

  it.each([
    ['of a forbidden version', `ff-${PARENT}-01`],
    ['with more than this version has', `00-${PARENT}-01-more`],
    ['in capitals', `00-${PARENT.toUpperCase()}-01`],
    ['without a trace', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['without a span', `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`],
    ['twice', `00-${PARENT}-01, 00-${PARENT}-01`],
    ['empty', ''],
  ])('is ignored: %s', (_, header) => {
    expect(keptTraceparent(header)).toBeUndefined();
  });
});

describe('the span of a task', () => {
  it('is below that of its submission, or the root of a trace of its own', () => {
    expect(spanOfTask({ id: ID, traceparent: `00-${PARENT}-00` })).toEqual({
      ...{ traceId: PARENT.slice(0, 32), spanId: '800000000000000e', flags: 0 },
      parent: { traceId: PARENT.slice(0, 32), spanId: PARENT.slice(33), flags: 0 },
    });
    expect(spanOfTask({ id: ID })).toEqual({
      ...{ traceId: '0198c0de00007000800000000000000e', spanId: '800000000000000e', flags: 1 },
      parent: undefined,
    });
  });

  it('differs between the iterations of a problem', () => {
    const [a, b] = [1, 2].map((iterationId) => spanOfTask({ id: { ...ID, iterationId } }));
    expect(a!.traceId).not.toBe(b!.traceId);
    expect(a!.spanId).not.toBe(b!.spanId);
  });

  it('is above those of its executions, which nodes are told', () => {
    const own = `00-${PARENT.slice(0, 32)}-9333444455556666-01`;
    expect(traceparentOf({ id: ID, traceparent: `00-${PARENT}-01` }, EXECUTION, true)).toBe(own);
    expect(traceparentOf({ id: ID, traceparent: `00-${PARENT}-01` }, EXECUTION, false)).toBe(
      `00-${PARENT}-01`,
    );
    expect(traceparentOf({ id: ID }, EXECUTION, false)).toBeUndefined();
  });
});
