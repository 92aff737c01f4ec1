/** What a node says on the control plane: model to protobuf and back. */
import { cutMiddle } from '../base/cut.js';
import {
  type HeldExecution,
  type Load,
  MAX_STACK_BYTES,
  type NodeMessage,
  type ReportedError,
  type TypeSchema,
} from '../model/protocol.js';
import { heldState, logLevel, nodeStatus, word } from './enums.js';
import type { BatchSpec, FaultSubject } from './envelope.js';
import { amount, fraction, invalid, name, names, short, text, time, uint } from './fields.js';
import { tutti } from './generated/tutti.js';

import v1 = tutti.v1;

/** More executions at once than any process plays; a node that says so has a fault in its configuration. */
const MAX_CAPACITY = 65_536;

/** Labels are for choosing nodes by, and kept with every node. */
const MAX_LABELS = 64;

export function writeNodeMessage(message: NodeMessage): v1.NodeMessage.$Properties {
  switch (message.kind) {
    case 'hello':
      return {
        hello: {
          module: message.module,
          instance: message.instance,
          bootId: message.bootId,
          version: message.version,
          capacity: message.capacity,
          labels: message.labels,
          outputType: message.outputType,
          status: nodeStatus.numbers[message.status],
          held: message.held.map(writeHeld),
          token: message.token,
          schemas: (message.schemas ?? []) as v1.TypeSchema.$Properties[],
        },
      };
    case 'heartbeat':
      return {
        heartbeat: {
          status: nodeStatus.numbers[message.status],
          running: message.running as string[],
          load: message.load ?? null,
        },
      };
    case 'node_report':
      return { nodeReport: { status: nodeStatus.numbers[message.status], error: message.error ?? null } };
    case 'execution_report':
      return {
        executionReport: {
          executionId: message.executionId,
          lease: message.lease,
          state: heldState.numbers[message.state],
          lastSeq: message.lastSeq,
          progress: message.progress,
          message: message.message,
          error: message.error ?? null,
        },
      };
    case 'command_ack':
      return {
        commandAck: {
          commandId: message.commandId,
          executionId: message.executionId,
          accepted: message.accepted,
          error: message.error ?? null,
        },
      };
    case 'config_reply':
      return {
        configReply: {
          transactionId: message.transactionId,
          success: message.success,
          error: message.error ?? null,
          configuration: message.configuration,
        },
      };
    case 'log':
      return {
        log: {
          executionId: message.executionId,
          lease: message.lease,
          at: message.at,
          level: logLevel.numbers[message.level],
          message: message.message,
          fields: message.fields,
        },
      };
    case 'goodbye':
      return { goodbye: {} };
    default:
      return message satisfies never;
  }
}

function writeHeld(held: HeldExecution): v1.HeldExecution.$Properties {
  return { executionId: held.executionId, lease: held.lease, state: heldState.numbers[held.state] };
}

export const nodeMessages: BatchSpec<v1.NodeMessage, NodeMessage> = {
  field: 4,
  read: (reader, length) => v1.NodeMessage.decode(reader, length),
  map: readNodeMessage,
  subject,
};

function readNodeMessage(message: v1.NodeMessage): NodeMessage | undefined {
  const { body } = message;
  switch (body) {
    case 'hello':
      return readHello(message.hello!);
    case 'heartbeat': {
      const { status, running, load } = message.heartbeat!;
      return {
        kind: 'heartbeat',
        status: word('heartbeat.status', nodeStatus, status),
        running: names('heartbeat.running', running),
        ...(load && { load: readLoad(load) }),
      };
    }
    case 'nodeReport': {
      const { status, error } = message.nodeReport!;
      return {
        kind: 'node_report',
        status: word('node_report.status', nodeStatus, status),
        ...readError(error),
      };
    }
    case 'executionReport':
      return readExecutionReport(message.executionReport!);
    case 'commandAck': {
      const ack = message.commandAck!;
      return {
        kind: 'command_ack',
        commandId: name('command_ack.command_id', ack.commandId),
        executionId: text(ack.executionId),
        accepted: ack.accepted ?? false,
        ...readError(ack.error),
      };
    }
    case 'configReply': {
      const reply = message.configReply!;
      return {
        kind: 'config_reply',
        transactionId: name('config_reply.transaction_id', reply.transactionId),
        success: reply.success ?? false,
        configuration: text(reply.configuration),
        ...readError(reply.error),
      };
    }
    case 'log': {
      const log = message.log!;
      return {
        kind: 'log',
        executionId: name('log.execution_id', log.executionId),
        lease: name('log.lease', log.lease),
        at: time('log.at', log.at),
        level: word('log.level', logLevel, log.level),
        message: text(log.message),
        fields: log.fields ?? {},
      };
    }
    case 'goodbye':
      return { kind: 'goodbye' };
    case undefined:
      return undefined;
    default:
      return body satisfies never;
  }
}

function readHello(hello: v1.Hello.$Properties): NodeMessage {
  const capacity = uint('hello.capacity', hello.capacity) || 1;
  if (capacity > MAX_CAPACITY) invalid('hello.capacity', capacity, `at most ${MAX_CAPACITY}`);
  return {
    kind: 'hello',
    module: name('hello.module', hello.module),
    instance: name('hello.instance', hello.instance),
    bootId: name('hello.boot_id', hello.bootId),
    version: short('hello.version', hello.version),
    capacity,
    labels: readLabels(hello.labels ?? {}),
    outputType: text(hello.outputType),
    status: word('hello.status', nodeStatus, hello.status),
    held: (hello.held ?? []).map(readHeld),
    token: text(hello.token),
    ...(hello.schemas?.length && { schemas: hello.schemas.map(readSchema) }),
  };
}

function readLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) invalid('hello.labels', entries.length, `at most ${MAX_LABELS} labels`);
  for (const [label, value] of entries) {
    short('hello.labels', label);
    short(`hello.labels[${label}]`, value);
  }
  return labels;
}

function readSchema(schema: v1.TypeSchema.$Properties, index: number): TypeSchema {
  const field = `hello.schemas[${index}]`;
  return {
    type: name(`${field}.type`, schema.type),
    hash: name(`${field}.hash`, schema.hash),
    definition: schema.definition ?? new Uint8Array(),
  };
}

function readLoad(load: v1.Load.$Properties): Load {
  return {
    cpu: amount('heartbeat.load.cpu', load.cpu),
    memoryBytes: uint('heartbeat.load.memory_bytes', load.memoryBytes),
    executing: uint('heartbeat.load.executing', load.executing),
  };
}

function readHeld(held: v1.HeldExecution.$Properties, index: number): HeldExecution {
  const field = `hello.held[${index}]`;
  return {
    executionId: name(`${field}.execution_id`, held.executionId),
    lease: name(`${field}.lease`, held.lease),
    state: word(`${field}.state`, heldState, held.state),
  };
}

function readExecutionReport(report: v1.ExecutionReport.$Properties): NodeMessage {
  const state = word('execution_report.state', heldState, report.state);
  if (state === 'SUCCEEDED') {
    invalid('execution_report.state', 'EXECUTION_STATE_SUCCEEDED', 'an output marked last instead');
  }
  return {
    kind: 'execution_report',
    executionId: name('execution_report.execution_id', report.executionId),
    lease: name('execution_report.lease', report.lease),
    state,
    lastSeq: uint('execution_report.last_seq', report.lastSeq),
    progress: fraction('execution_report.progress', report.progress),
    message: text(report.message),
    ...readError(report.error),
  };
}

function readError(error: v1.Error.$Properties | null | undefined): { readonly error?: ReportedError } {
  if (!error) return {};
  return {
    error: {
      code: text(error.code),
      message: text(error.message),
      retryable: error.retryable ?? false,
      ...(error.stack && { stack: cutMiddle(error.stack, MAX_STACK_BYTES) }),
    },
  };
}

function subject(message: v1.NodeMessage): FaultSubject {
  const about = message.executionReport ?? message.log ?? message.commandAck;
  const executionId = about?.executionId;
  const commandId = message.commandAck?.commandId;
  const transactionId = message.configReply?.transactionId;
  return {
    ...(executionId ? { executionId } : {}),
    ...(commandId ? { commandId } : {}),
    ...(transactionId ? { transactionId } : {}),
  };
}
