/** How much of one thing a frame of a node may say. */
import fc from 'fast-check';
import protobuf from 'protobufjs/minimal.js';
import { describe, expect, it } from 'vitest';
import * as limits from '../../src/model/limits.js';
import type { LogLine, NodeMessage } from '../../src/model/protocol.js';
import { decodeOutputs, decodeToOrchestrator, encodeToOrchestrator } from '../../src/wire/codec.js';
import { CUT_MARK, cut, jsonBytes } from '../../src/wire/fields.js';

const jsonSize = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

function decoded(...messages: readonly NodeMessage[]): ReturnType<typeof decodeToOrchestrator> {
  return decodeToOrchestrator(
    encodeToOrchestrator({ protocolVersion: 1, nodeId: 'n', incarnation: 1, messages }),
  );
}

/** What came of one message; or the fault that it is. */
function received(message: NodeMessage): NodeMessage | string {
  const frame = decoded(message);
  if (!frame.ok) return frame.message;
  return frame.value.messages[0] ?? frame.faults[0]!.message;
}

const ABOUT = { executionId: 'e', lease: 'l' };
const line = (more: Partial<LogLine>): LogLine => ({
  ...{ kind: 'log', ...ABOUT, at: 1, level: 'info', message: '', fields: {}, ...more },
});

describe('free text', () => {
  it('is as it was, or is cut between two characters, to no more bytes as JSON than it may have', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc
        .string({ unit: 'binary', maxLength: 300 })
        .filter((value) => Buffer.from(value).toString() === value),
      fc.string({ unit: fc.constantFrom('\u0000', '\n', '"', 'é', '€', '😀', 'a'), maxLength: 300 }),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 10, max: 400 }), (value, max) => {
        const kept = cut(value, max);
        expect(jsonBytes(value)).toBe(jsonSize(value));
        expect(jsonSize(kept)).toBeLessThanOrEqual(max);
        if (jsonSize(value) <= max) expect(kept).toBe(value);
        else {
          expect(kept.endsWith(CUT_MARK)).toBe(true);
          const part = kept.slice(0, -CUT_MARK.length);
          expect(value.startsWith(part)).toBe(true);
          expect(Buffer.from(part).toString()).toBe(part);
          // As much as can be: the next character would be too much.
          const next = String.fromCodePoint(value.codePointAt(part.length)!);
          expect(jsonSize(part + next) + Buffer.byteLength(CUT_MARK)).toBeGreaterThan(max);
        }
      }),
      { numRuns: 2000 },
    );
  });

  const error = (message: string): NodeMessage => ({
    ...{ kind: 'node_report', status: 'ERROR', error: { code: 'x', message, retryable: false } },
  });
  const report = (message: string): NodeMessage => ({
    ...{ kind: 'execution_report', ...ABOUT, state: 'PROGRESS', lastSeq: 0, progress: 0, message },
  });
  const ack = (message: string): NodeMessage => ({
    ...{ kind: 'command_ack', commandId: 'c', executionId: '', accepted: false },
    error: { code: 'x', message, retryable: false },
  });
  const reply = (message: string): NodeMessage => ({
    ...{ kind: 'config_reply', transactionId: 't', success: false, configuration: '' },
    error: { code: 'x', message, retryable: false },
  });

  it.each<[string, (text: string) => NodeMessage, number]>([
    ['of a line of a log', (message) => line({ message }), limits.MAX_LOG_BYTES],
    ['of a field of it', (value) => line({ fields: { value } }), limits.MAX_LOG_FIELD_BYTES],
    ['of a node’s error', error, limits.MAX_ERROR_BYTES],
    ['of an error in an acknowledgement', ack, limits.MAX_ERROR_BYTES],
    ['of an error in a reply', reply, limits.MAX_ERROR_BYTES],
    ['of progress', report, limits.MAX_PROGRESS_BYTES],
  ])('%s is cut with a mark, whatever it is made of', (_what, message, max) => {
    for (const character of ['x', '\u0001', '"', '€', '😀']) {
      const came = JSON.stringify(received(message(character.repeat(2 * max))));
      expect(Buffer.byteLength(came)).toBeLessThan(max + 300);
      expect(came).toContain(CUT_MARK);
      expect(JSON.stringify(received(message(character.repeat(10))))).not.toContain(CUT_MARK);
    }
  });

  it('the details of an error are cut, and too many of them are left out', () => {
    const report = (details: Record<string, string>): NodeMessage => ({
      ...{ kind: 'node_report', status: 'ERROR' },
      error: { code: 'exit_code', message: 'it exited with 3', retryable: true, details },
    });
    const details = (value: Record<string, string>) => {
      const got = received(report(value)) as Extract<NodeMessage, { kind: 'node_report' }>;
      return got.error!.details!;
    };
    const stderr = 'x'.repeat(limits.MAX_ERROR_DETAIL_BYTES + 1);
    const cutOff = details({ exit_code: '3', stderr });
    expect(cutOff.exit_code).toBe('3');
    expect(jsonSize(cutOff.stderr!)).toBeLessThanOrEqual(limits.MAX_ERROR_DETAIL_BYTES);
    expect(cutOff.stderr!.endsWith(CUT_MARK)).toBe(true);
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`d${n}`, 'x']));
    expect(details(many)['…']).toBe('4 more fields [cut]');
  });

  it('an agent’s cluster without even one core is refused', () => {
    const hello: NodeMessage = {
      ...{ kind: 'hello', module: 'tutti.agent', instance: 'hpc', bootId: 'b', version: '', capacity: 1 },
      ...{ labels: {}, outputType: '', status: 'IDLE', held: [], token: '', resources: { cpus: 0 } },
    };
    expect(received(hello)).toBe('hello.resources.cpus is 0, expected at least 1');
  });

  it('too many fields are left out, and the line says how many there were', () => {
    const fields = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`f${n}`, 'x']));
    const { fields: kept } = received(line({ fields })) as LogLine;
    expect(Object.keys(kept).length).toBe(limits.MAX_LOG_FIELDS + 1);
    expect(kept['…']).toBe('99936 more fields [cut]');
    const large = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`f${n}`, '\u0001'.repeat(150)]));
    const { fields: fewer } = received(line({ fields: large })) as LogLine;
    expect(Buffer.byteLength(JSON.stringify(fewer))).toBeLessThan(limits.MAX_LOG_FIELDS_BYTES + 300);
  });
});

describe('identifiers and lists', () => {
  const hello = (more: object): NodeMessage =>
    ({
      ...{ kind: 'hello', module: 'm', instance: 'i', bootId: 'b', version: '', capacity: 1, labels: {} },
      ...{ outputType: '', status: 'IDLE', held: [], token: '', ...more },
    }) as NodeMessage;
  const long = 'x'.repeat(limits.MAX_NAME_CHARS + 1);
  const schema = { type: 't', hash: 'h', definition: Buffer.alloc(0) };
  const held = { ...ABOUT, state: 'RUNNING' };

  it.each<[string, NodeMessage]>([
    ['hello.module', hello({ module: long })],
    ['hello.instance', hello({ instance: long })],
    ['hello.boot_id', hello({ bootId: long })],
    ['hello.version', hello({ version: long })],
    ['hello.output_type', hello({ outputType: long })],
    ['hello.token', hello({ token: 'x'.repeat(limits.MAX_TOKEN_CHARS + 1) })],
    ['hello.labels', hello({ labels: { [long]: '' } })],
    ['hello.labels[a]', hello({ labels: { a: long } })],
    ['hello.schemas[0].type', hello({ schemas: [{ ...schema, type: long }] })],
    ['hello.held[0].lease', hello({ held: [{ ...held, lease: long }] })],
    ['heartbeat.running[1]', { kind: 'heartbeat', status: 'IDLE', running: ['e', long] }],
    ['log.execution_id', line({ executionId: long })],
    ['log.lease', line({ lease: long })],
    ['command_ack.command_id', { kind: 'command_ack', commandId: long, executionId: '', accepted: true }],
    ['command_ack.execution_id', { kind: 'command_ack', commandId: 'c', executionId: long, accepted: true }],
    [
      'config_reply.transaction_id',
      { kind: 'config_reply', transactionId: long, success: true, configuration: '' },
    ],
    [
      'config_reply.configuration',
      {
        ...{ kind: 'config_reply', transactionId: 't', success: true },
        configuration: '\u0001'.repeat(limits.MAX_CONFIGURATION_BYTES / 6 + 1),
      },
    ],
  ])('%s that is too long is refused, by its name', (field, message) => {
    expect(received(message)).toMatch(
      new RegExp(`^${field.replace(/[[\].]/g, '\\$&')} is .*expected at most \\d+`),
    );
  });

  it.each<[string, NodeMessage, number]>([
    [
      'hello.labels',
      hello({ labels: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [n, ''])) }),
      64,
    ],
    ['hello.schemas', hello({ schemas: Array.from({ length: 257 }, () => schema) }), 256],
    ['hello.held', hello({ held: Array.from({ length: 65_537 }, () => held) }), 65_536],
    [
      'heartbeat.running',
      { kind: 'heartbeat', status: 'IDLE', running: Array.from({ length: 65_537 }, () => 'e') },
      65_536,
    ],
  ])('%s with too many entries is refused, by its name', (field, message, max) => {
    expect(received(message)).toBe(`${field} has ${max + 1} entries, expected at most ${max}`);
  });

  it('identifiers and lists that are too long are not repeated in the fault', () => {
    const frame = decoded(line({ executionId: 'x'.repeat(1_000_000) }));
    expect(JSON.stringify(frame).length).toBeLessThan(500);
  });
});

describe('a frame', () => {
  const version = Buffer.from([8, 1]);
  const repeated = (bytes: readonly number[], count: number): Buffer =>
    Buffer.concat([version, Buffer.alloc(bytes.length * count, Buffer.from(bytes))]);
  /** One message of the frame, and within it, if so, a body, of many small entries. */
  function wrapping(
    field: number,
    body: number | undefined,
    entry: readonly number[],
    count: number,
  ): Buffer {
    const entries = Buffer.alloc(entry.length * count, Buffer.from(entry));
    const within = (number: number, bytes: Uint8Array): Uint8Array =>
      protobuf.Writer.create()
        .uint32((number << 3) | 2)
        .bytes(bytes)
        .finish();
    return Buffer.concat([version, within(field, body === undefined ? entries : within(body, entries))]);
  }
  const tooManyFields = /more than 262144 fields/;

  it.each<[string, Buffer, RegExp]>([
    ['1.4 million heartbeats', repeated([0x22, 4, 0x12, 2, 8, 3], 1_400_000), /1400000 messages/],
    ['a million empty messages', repeated([0x22, 0], 1_000_000), /1000000 messages/],
    ['400,000 labels', wrapping(4, 1, [0x32, 4, 0x0a, 2, 65, 66], 400_000), tooManyFields],
    ['400,000 held executions', wrapping(4, 1, [0x4a, 2, 0x18, 1], 400_000), tooManyFields],
    ['400,000 schemas', wrapping(4, 1, [0x5a, 0], 400_000), tooManyFields],
    ['4 million names of executions', wrapping(4, 2, [0x12, 0], 4_000_000), tooManyFields],
    ['400,000 fields of a log', wrapping(4, 7, [0x32, 4, 0x0a, 2, 65, 66], 400_000), tooManyFields],
    ['a million bodies of one message', wrapping(4, undefined, [0x12, 2, 8, 3], 1_000_000), tooManyFields],
    ['a million unknown fields', wrapping(4, 2, [0x78, 1], 1_000_000), tooManyFields],
  ])('a frame with %s is refused as a whole, before any of it is decoded', (_what, frame, why) => {
    refusesCheaply(() => decodeToOrchestrator(frame), why);
  });

  it.each<[string, Buffer, RegExp]>([
    ['559,000 outputs', repeated([0x12, 6, 0x0a, 1, 65, 0x12, 1, 65], 559_000), /559000 messages/],
    ['a million fields', wrapping(2, undefined, [0x18, 1], 1_000_000), tooManyFields],
  ])('an outputs frame with %s is refused as a whole', (_what, frame, why) => {
    refusesCheaply(() => decodeOutputs(frame), why);
  });

  function refusesCheaply(decode: () => unknown, why: RegExp): void {
    const heapBefore = process.memoryUsage().heapUsed;
    const answer = decode();
    // Whatever was decoded of the smallest of them would take more than this.
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(16 * 1024 ** 2);
    expect(answer).toMatchObject({ ok: false, code: 'bad_frame', message: expect.stringMatching(why) });
  }

  it('a frame with one large text is read, regardless of its bytes', () => {
    const message = '\u0012\u0000'.repeat(500_000);
    expect(received(line({ message }))).toMatchObject({ kind: 'log' });
  });

  it('costs what it takes in memory, not what it took on the wire', () => {
    const small = decoded(...Array.from({ length: 4000 }, () => ({ kind: 'goodbye' }) as const));
    expect(small.ok && small.cost).toBeGreaterThan(4000 * 400);
    const names = decoded({
      kind: 'heartbeat',
      status: 'IDLE',
      running: Array.from({ length: 1000 }, () => 'e'),
    });
    expect(names.ok && names.cost).toBeGreaterThan(1000 * 100);
  });
});
