import fc from 'fast-check';
import protobuf from 'protobufjs/minimal.js';
import { describe, expect, it } from 'vitest';
import type { NodeMessage, Output, ToOrchestrator } from '../../src/model/protocol.js';
import {
  type Decoded,
  decodeEvent,
  decodeOutputs,
  decodeToNode,
  decodeToOrchestrator,
  encodeEvent,
  encodeOutputs,
  encodeToNode,
  encodeToOrchestrator,
} from '../../src/wire/codec.js';
import { MAX_FAULTS_PER_FRAME } from '../../src/wire/envelope.js';
import { tutti } from '../../src/wire/generated/tutti.js';
import * as any from './messages.js';

const v1 = tutti.v1;

/** What the frame said, all of it. */
function wholeOf<T>(decoded: Decoded<T>): T {
  if (!decoded.ok) throw new Error(decoded.message);
  expect(decoded.faults).toEqual([]);
  return decoded.value;
}

const decoders = { decodeToOrchestrator, decodeToNode, decodeOutputs, decodeEvent };

describe('the codec', () => {
  it.each(Object.entries(any.nodeMessages))('gives back a %s as it was', (_kind, message) => {
    fc.assert(
      fc.property(message, any.toOrchestrator, (one, frame) => {
        const sent: ToOrchestrator = { ...frame, messages: [one, ...frame.messages] };
        expect(wholeOf(decodeToOrchestrator(encodeToOrchestrator(sent)))).toStrictEqual(sent);
      }),
    );
  });

  it.each(Object.entries(any.orchestratorMessages))('gives back a %s as it was', (_kind, message) => {
    fc.assert(
      fc.property(message, any.toNode, (one, frame) => {
        const sent = { ...frame, messages: [one, ...frame.messages] };
        expect(wholeOf(decodeToNode(encodeToNode(sent)))).toStrictEqual(sent);
      }),
    );
  });

  it('gives back outputs as they were', () => {
    fc.assert(
      fc.property(any.outputs, (sent) => {
        expect(wholeOf(decodeOutputs(encodeOutputs(sent)))).toStrictEqual(sent);
      }),
    );
  });

  it('gives back events as they were', () => {
    fc.assert(
      fc.property(any.event, (sent) => {
        expect(wholeOf(decodeEvent(encodeEvent(sent)))).toStrictEqual(sent);
      }),
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const decode of Object.values(decoders)) expect(decode(bytes).ok).toBeTypeOf('boolean');
      }),
      { numRuns: 2_000 },
    );
  });

  const frames = fc.oneof(
    any.toOrchestrator.map(encodeToOrchestrator),
    any.toNode.map(encodeToNode),
    any.outputs.map(encodeOutputs),
    any.event.map((event) => encodeEvent({ ...event })),
  );

  it('never throws over a frame that was cut short or has flipped bits', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 4 });
    fc.assert(
      fc.property(frames, fc.nat(), damage, (whole, end, flips) => {
        const frame = Uint8Array.from(whole.subarray(0, whole.length - (end % (whole.length + 1))));
        for (const [at, bit] of flips) if (frame.length > 0) frame[at % frame.length]! ^= 1 << bit;
        for (const decode of Object.values(decoders)) expect(decode(frame).ok).toBeTypeOf('boolean');
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses a frame that ends within a message', () => {
    const whole = encodeToOrchestrator({
      protocolVersion: 1,
      nodeId: 'n',
      incarnation: 1,
      messages: [{ kind: 'heartbeat', status: 'IDLE', running: ['e1', 'e2'] }],
    });
    expect(decodeToOrchestrator(whole.subarray(0, -1))).toMatchObject({ ok: false, code: 'bad_frame' });
  });

  it.each([0, 2, 4_294_967_295])(
    'refuses protocol version %i as a whole, naming both versions',
    (version) => {
      for (const decode of [decodeToOrchestrator, decodeToNode, decodeOutputs]) {
        expect(decode(v1.ToOrchestrator.encode({ protocolVersion: version }).finish())).toEqual({
          ok: false,
          code: 'protocol_version',
          message: `protocol_version is ${version}, expected 1`,
        });
      }
    },
  );

  it('reads the header wherever it stands in the frame', () => {
    const messages = v1.ToOrchestrator.encode({ messages: [{ goodbye: {} }] }).finish();
    const header = v1.ToOrchestrator.encode({ incarnation: 7, nodeId: 'n', protocolVersion: 1 }).finish();
    const decoded = decodeToOrchestrator(Buffer.concat([messages, header]));
    expect(wholeOf(decoded)).toEqual({
      protocolVersion: 1,
      nodeId: 'n',
      incarnation: 7,
      messages: [{ kind: 'goodbye' }],
    });
  });

  it('takes a batch without messages', () => {
    const probe = { protocolVersion: 1, nodeId: 'n', incarnation: 7, messages: [] };
    expect(wholeOf(decodeToOrchestrator(encodeToOrchestrator(probe)))).toEqual(probe);
  });

  it('refuses a header number that is not exact as a number', () => {
    const frame = protobuf.Writer.create()
      .uint32(8)
      .uint32(1)
      .uint32(24)
      .uint64(2 ** 53)
      .finish();
    expect(decodeToOrchestrator(frame)).toMatchObject({
      ok: false,
      code: 'bad_frame',
      message: expect.stringContaining('incarnation is 9007199254740992'),
    });
  });

  it('ignores message kinds and fields that a newer peer knows', () => {
    const writer = protobuf.Writer.create();
    writer.uint32(8).uint32(1);
    writer.uint32(34).fork().uint32(802).string('a kind of body of its own').ldelim();
    writer.uint32(34).bytes(v1.NodeMessage.encode({ goodbye: {} }).finish());
    writer.uint32(34).fork().uint32(66).fork().uint32(808).uint32(5).ldelim().ldelim();
    writer.uint32(802).string('a field of the frame');
    expect(wholeOf(decodeToOrchestrator(writer.finish())).messages).toEqual([
      { kind: 'goodbye' },
      { kind: 'goodbye' },
    ]);
  });

  it('leaves payloads where they are in the frame', () => {
    const output: Output = {
      executionId: 'e',
      lease: 'l',
      seq: 1,
      last: true,
      type: 'bytes',
      payload: { kind: 'inline', bytes: Buffer.from('payload') },
    };
    const frame = new Uint8Array(encodeOutputs({ protocolVersion: 1, outputs: [output] }));
    const [decoded] = wholeOf(decodeOutputs(frame)).outputs;
    expect(decoded!.payload.kind === 'inline' && decoded!.payload.bytes.buffer).toBe(frame.buffer);
  });

  it('cuts a stack in its middle where it is longer than 16 KiB', () => {
    const stack = `first\n${'at somewhere\n'.repeat(5_000)}last`;
    const report = { status: v1.NodeStatus.NODE_STATUS_ERROR, error: { code: 'c', message: 'm', stack } };
    const frame = v1.ToOrchestrator.encode({
      protocolVersion: 1,
      messages: [{ nodeReport: report }],
    }).finish();
    const [read] = wholeOf(decodeToOrchestrator(frame)).messages;
    const kept = (read?.kind === 'node_report' && read.error?.stack) || '';
    expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(16_384);
    expect(kept).toMatch(/^first\n[\s\S]*\n… \d+ bytes are left out …\n[\s\S]*\nlast$/);
  });

  it('takes a capacity that is not given as 1', () => {
    const hello = { module: 'm', instance: 'i', bootId: 'b', status: v1.NodeStatus.NODE_STATUS_INACTIVE };
    const frame = v1.ToOrchestrator.encode({ protocolVersion: 1, messages: [{ hello }] }).finish();
    expect(wholeOf(decodeToOrchestrator(frame)).messages).toMatchObject([{ kind: 'hello', capacity: 1 }]);
  });
});

describe('a bad message', () => {
  const good: NodeMessage = { kind: 'heartbeat', status: 'IDLE', running: [] };
  const heartbeat = { heartbeat: { status: v1.NodeStatus.NODE_STATUS_IDLE } };
  const hello = {
    module: 'm',
    instance: 'i',
    bootId: 'b',
    status: v1.NodeStatus.NODE_STATUS_IDLE,
  };
  const report = { executionId: 'e1', lease: 'l', state: v1.ExecutionState.EXECUTION_STATE_PROGRESS };
  const log = { executionId: 'e1', lease: 'l', level: v1.LogLevel.LOG_LEVEL_INFO };

  const cases: [string, tutti.v1.NodeMessage.$Properties, object][] = [
    ['status is 99', { heartbeat: { status: 99 as never } }, {}],
    ['heartbeat.status is 0, expected one of NODE_STATUS_INACTIVE', { heartbeat: {} }, {}],
    ['heartbeat.running[1] is "", expected', { heartbeat: { status: 3, running: ['e', ''] } }, {}],
    ['hello.module is ""', { hello: { ...hello, module: '' } }, {}],
    ['hello.instance is "xxx', { hello: { ...hello, instance: 'x'.repeat(1_000) } }, {}],
    ['hello.boot_id is ""', { hello: { ...hello, bootId: '' } }, {}],
    ['hello.capacity is 4294967295', { hello: { ...hello, capacity: 2 ** 32 - 1 } }, {}],
    ['hello.held[0].lease is ""', { hello: { ...hello, held: [{ executionId: 'e', state: 1 }] } }, {}],
    ['hello.held[0].state is 0', { hello: { ...hello, held: [{ executionId: 'e', lease: 'l' }] } }, {}],
    ['node_report.status is -1', { nodeReport: { status: -1 as never } }, {}],
    [
      'execution_report.progress is NaN, expected 0 to 1',
      { executionReport: { ...report, progress: Number.NaN } },
      { executionId: 'e1' },
    ],
    [
      'execution_report.progress is 1.5',
      { executionReport: { ...report, progress: 1.5 } },
      { executionId: 'e1' },
    ],
    [
      'execution_report.progress is -0.1',
      { executionReport: { ...report, progress: -0.1 } },
      { executionId: 'e1' },
    ],
    ['execution_report.lease is ""', { executionReport: { ...report, lease: '' } }, { executionId: 'e1' }],
    ['execution_report.execution_id is ""', { executionReport: { ...report, executionId: '' } }, {}],
    [
      'execution_report.state is "EXECUTION_STATE_SUCCEEDED"',
      { executionReport: { ...report, state: v1.ExecutionState.EXECUTION_STATE_SUCCEEDED } },
      { executionId: 'e1' },
    ],
    [
      'execution_report.last_seq is 9007199254740992',
      { executionReport: { ...report, lastSeq: 2 ** 53 } },
      { executionId: 'e1' },
    ],
    ['command_ack.command_id is ""', { commandAck: { executionId: 'e1' } }, { executionId: 'e1' }],
    ['config_reply.transaction_id is ""', { configReply: { success: true } }, {}],
    ['log.level is 0', { log: { ...log, level: 0 } }, { executionId: 'e1' }],
    ['log.at is 8640000000000001', { log: { ...log, at: 8_640_000_000_000_001 } }, { executionId: 'e1' }],
  ];

  it.each(cases)(
    'a bad message from a node is a fault of its own, and the rest is read: %s',
    (part, bad, subject) => {
      const frame = v1.ToOrchestrator.encode({ protocolVersion: 1, messages: [heartbeat, bad, heartbeat] });
      const decoded = decodeToOrchestrator(frame.finish());
      if (!decoded.ok) throw new Error(decoded.message);
      expect(decoded.value.messages).toEqual([good, good]);
      expect(decoded.faults).toEqual([
        { index: 1, code: 'bad_frame', message: expect.stringContaining(part), ...subject },
      ]);
    },
  );

  const assign = {
    executionId: 'e1',
    lease: 'l',
    taskId: { problemId: 'p', iterationId: 1 },
    module: 'm',
    attempt: 1,
  };
  const toNodeCases: [string, tutti.v1.OrchestratorMessage.$Properties, object][] = [
    ['welcome.node_id is ""', { welcome: { heartbeatIntervalMs: 1, outputWindow: 1 } }, {}],
    ['welcome.heartbeat_interval_ms is 0', { welcome: { nodeId: 'n', outputWindow: 1 } }, {}],
    ['welcome.output_window is 0', { welcome: { nodeId: 'n', heartbeatIntervalMs: 1 } }, {}],
    ['refused.code is ""', { refused: { executionId: 'e1' } }, { executionId: 'e1' }],
    ['node_command.cmd is 0', { nodeCommand: { commandId: 'c1' } }, { commandId: 'c1' }],
    ['node_command.command_id is ""', { nodeCommand: { cmd: 1 } }, {}],
    [
      'task_command.cmd is 9',
      { taskCommand: { commandId: 'c1', executionId: 'e1', cmd: 9 as never } },
      { commandId: 'c1', executionId: 'e1' },
    ],
    ['task_command.execution_id is ""', { taskCommand: { commandId: 'c1', cmd: 1 } }, { commandId: 'c1' }],
    ['assign.lease is ""', { assign: { ...assign, lease: '' } }, { executionId: 'e1' }],
    [
      'assign.attempt is 0, expected at least 1',
      { assign: { ...assign, attempt: 0 } },
      { executionId: 'e1' },
    ],
    ['assign.task_id.problem_id is ""', { assign: { ...assign, taskId: null } }, { executionId: 'e1' }],
    [
      'assign.task_id.iteration_id is 0',
      { assign: { ...assign, taskId: { problemId: 'p' } } },
      { executionId: 'e1' },
    ],
    [
      'assign.inputs[0].value is "absent"',
      { assign: { ...assign, inputs: [{ name: 'n', type: 'json' }] } },
      { executionId: 'e1' },
    ],
    [
      'assign.inputs[0].blob.sha256 is "zz"',
      { assign: { ...assign, inputs: [{ name: 'n', type: 'json', blob: { sha256: 'zz' } }] } },
      { executionId: 'e1' },
    ],
    ['output_acks.acks[0].execution_id is ""', { outputAcks: { acks: [{ seq: 1 }] } }, {}],
    ['config_request.transaction_id is ""', { configRequest: {} }, {}],
  ];

  it.each(toNodeCases)(
    'a bad message from the orchestrator is a fault of its own as well: %s',
    (part, bad, subject) => {
      const request = { configRequest: { transactionId: 't' } };
      const frame = v1.ToNode.encode({ protocolVersion: 1, messages: [request, bad, request] }).finish();
      const decoded = decodeToNode(frame);
      if (!decoded.ok) throw new Error(decoded.message);
      expect(decoded.value.messages).toHaveLength(2);
      expect(decoded.faults).toEqual([
        { index: 1, code: 'bad_frame', message: expect.stringContaining(part), ...subject },
      ]);
    },
  );

  const output = { executionId: 'e1', lease: 'l', seq: 3, type: 'json', payload: Buffer.from('1') };
  const outputCases: [string, tutti.v1.Output.$Properties, object][] = [
    ['output.seq is 0, expected at least 1', { ...output, seq: 0 }, { executionId: 'e1' }],
    ['output.seq is 9007199254740992', { ...output, seq: 2 ** 53 }, { executionId: 'e1' }],
    ['output.execution_id is ""', { ...output, executionId: '' }, { seq: 3 }],
    ['output.lease is ""', { ...output, lease: '' }, { executionId: 'e1', seq: 3 }],
    ['output.value is "absent"', { ...output, payload: null }, { executionId: 'e1', seq: 3 }],
    [
      'output.blob.sha256 is "ABC"',
      { ...output, payload: null, blob: { sha256: 'ABC' } },
      { executionId: 'e1', seq: 3 },
    ],
  ];

  it.each(outputCases)('among outputs is a fault of its own likewise: %s', (part, bad, subject) => {
    const frame = v1.Outputs.encode({ protocolVersion: 1, outputs: [output, bad, output] }).finish();
    const decoded = decodeOutputs(frame);
    if (!decoded.ok) throw new Error(decoded.message);
    expect(decoded.value.outputs).toHaveLength(2);
    expect(decoded.faults).toEqual([
      { index: 1, code: 'bad_frame', message: expect.stringContaining(part), ...subject },
    ]);
  });

  it('a message with corrupt bytes is a fault of its own as well', () => {
    const writer = protobuf.Writer.create();
    writer.uint32(8).uint32(1);
    writer.uint32(34).bytes(Buffer.from([0x0a, 0x7f, 0x0a]));
    const hello = v1.NodeMessage.encode({ hello: { module: 'ab' } }).finish();
    hello[hello.length - 1] = 0xff;
    writer.uint32(34).bytes(hello);
    writer.uint32(34).bytes(v1.NodeMessage.encode(heartbeat).finish());
    const decoded = decodeToOrchestrator(writer.finish());
    if (!decoded.ok) throw new Error(decoded.message);
    expect(decoded.value.messages).toEqual([good]);
    expect(decoded.faults.map(({ index }) => index)).toEqual([0, 1]);
  });

  it('is no longer read after so many of them in one frame', () => {
    const messages = Array.from({ length: MAX_FAULTS_PER_FRAME + 1 }, () => ({ heartbeat: {} }));
    const decoded = decodeToOrchestrator(v1.ToOrchestrator.encode({ protocolVersion: 1, messages }).finish());
    expect(decoded.ok && decoded.faults).toHaveLength(MAX_FAULTS_PER_FRAME);
  });

  it('is quoted at a length that is fit for an answer', () => {
    const hello = { module: 'x'.repeat(100_000) };
    const decoded = decodeToOrchestrator(
      v1.ToOrchestrator.encode({ protocolVersion: 1, messages: [{ hello }] }).finish(),
    );
    expect(decoded.ok && decoded.faults[0]!.message.length).toBeLessThan(200);
  });

  it.each([
    ['seq 0', { type: 'node.joined' }],
    ['a type that is not known', { seq: 1, type: 'node.danced' }],
    ['a detail that is not an object', { seq: 1, type: 'node.joined', detail: Buffer.from('[1]') }],
    ['a detail that is not JSON', { seq: 1, type: 'node.joined', detail: Buffer.from('{') }],
  ])('a message with %s is not an event', (_title, event) => {
    expect(decodeEvent(v1.Event.encode(event).finish())).toMatchObject({ ok: false, code: 'bad_frame' });
  });
});
