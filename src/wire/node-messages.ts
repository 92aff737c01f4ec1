/** Messages of nodes on the control plane: model to protobuf and back. */
import { cutMiddle } from '../base/cut.js';
import {
  MAX_CONFIGURATION_BYTES,
  MAX_ERROR_BYTES,
  MAX_ERROR_DETAIL_BYTES,
  MAX_ERROR_DETAILS,
  MAX_ERROR_DETAILS_BYTES,
  MAX_HELD,
  MAX_LABELS,
  MAX_LOG_BYTES,
  MAX_LOG_FIELD_BYTES,
  MAX_LOG_FIELDS,
  MAX_LOG_FIELDS_BYTES,
  MAX_NAME_CHARS,
  MAX_PROGRESS_BYTES,
  MAX_SCHEMAS,
  MAX_STACK_BYTES,
  MAX_TOKEN_CHARS,
} from '../model/limits.js';
import {
  type HeldExecution,
  type KeptExecution,
  type Load,
  type NodeMessage,
  type ReportedError,
  STREAMS,
  type TypeSchema,
  type WholeStream,
} from '../model/protocol.js';
import { heldState, logLevel, nodeStatus, word } from './enums.js';
import type { BatchSpec, FaultSubject } from './envelope.js';
import {
  amount,
  cut,
  fraction,
  invalid,
  jsonBytes,
  list,
  name,
  named,
  names,
  short,
  time,
  tooMany,
  uint,
} from './fields.js';
import { tutti } from './generated/tutti.js';
import { readBlob } from './payloads.js';
import { readCommand, readResources, writeCommand } from './runs.js';

import v1 = tutti.v1;

/** More executions at once than any process plays; a node that says so has a fault in its configuration. */
const MAX_CAPACITY = 65_536;

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
          heldInAll: message.heldInAll ?? 0,
          token: message.token,
          schemas: (message.schemas ?? []) as v1.TypeSchema.$Properties[],
          typesByAssignment: message.typesByAssignment ?? false,
          resources: message.resources ?? null,
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
          command: message.command ? writeCommand(message.command) : null,
          whole: message.whole ?? null,
        },
      };
    case 'goodbye':
      return { goodbye: {} };
    case 'kept':
      return { kept: { executions: message.executions as v1.KeptExecution.$Properties[] } };
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
  counted: 2,
  elements,
};

/** Entries of its lists and maps: each takes memory of its own. */
function elements(message: NodeMessage): number {
  switch (message.kind) {
    case 'hello':
      return message.held.length + (message.schemas?.length ?? 0) + Object.keys(message.labels).length;
    case 'heartbeat':
      return message.running.length;
    case 'kept':
      return message.executions.length;
    case 'log':
      return Object.keys(message.fields).length + (message.command?.argv?.length ?? 0);
    default:
      return 0;
  }
}

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
        running: names('heartbeat.running', running, MAX_HELD),
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
        executionId: short('command_ack.execution_id', ack.executionId),
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
        configuration: readConfiguration(reply.configuration),
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
        message: cut(log.message, MAX_LOG_BYTES),
        fields: readTexts(log.fields ?? {}, LOG_FIELDS),
        ...(log.command && { command: readCommand('log.command', log.command) }),
        ...(log.whole && { whole: readWhole(log.whole) }),
      };
    }
    case 'goodbye':
      return { kind: 'goodbye' };
    case 'kept':
      return {
        kind: 'kept',
        executions: list('kept.executions', message.kept!.executions, MAX_HELD).map(readKept),
      };
    case undefined:
      return undefined;
    default:
      return body satisfies never;
  }
}

function readKept(kept: v1.KeptExecution.$Properties, index: number): KeptExecution {
  const field = `kept.executions[${index}]`;
  return {
    executionId: name(`${field}.execution_id`, kept.executionId),
    lease: name(`${field}.lease`, kept.lease),
  };
}

function readWhole({ stream, blob }: v1.WholeStream.$Properties): WholeStream {
  const known = STREAMS.find((each) => each === stream);
  if (!known) invalid('log.whole.stream', stream ?? '', `one of ${STREAMS.join(', ')}`);
  return { stream: known, blob: readBlob('log.whole.blob', blob ?? {}) };
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
    outputType: short('hello.output_type', hello.outputType),
    status: word('hello.status', nodeStatus, hello.status),
    held: list('hello.held', hello.held, MAX_HELD).map(readHeld),
    token: short('hello.token', hello.token, MAX_TOKEN_CHARS),
    ...(hello.schemas?.length && {
      schemas: list('hello.schemas', hello.schemas, MAX_SCHEMAS).map(readSchema),
    }),
    ...(hello.typesByAssignment && { typesByAssignment: true }),
    ...(hello.heldInAll && { heldInAll: uint('hello.held_in_all', hello.heldInAll) }),
    ...(hello.resources && { resources: readResources('hello.resources', hello.resources) }),
  };
}

function readLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) tooMany('hello.labels', entries.length, MAX_LABELS);
  for (const [label, value] of entries) {
    short('hello.labels', label);
    short(`hello.labels[${label}]`, value);
  }
  return labels;
}

interface TextBounds {
  readonly count: number;
  /** Of one value. */
  readonly bytes: number;
  /** Names and values of all of them. */
  readonly allBytes: number;
}

const LOG_FIELDS: TextBounds = {
  count: MAX_LOG_FIELDS,
  bytes: MAX_LOG_FIELD_BYTES,
  allBytes: MAX_LOG_FIELDS_BYTES,
};
const ERROR_DETAILS: TextBounds = {
  count: MAX_ERROR_DETAILS,
  bytes: MAX_ERROR_DETAIL_BYTES,
  allBytes: MAX_ERROR_DETAILS_BYTES,
};

/** The fields of a line of a log, or the details of an error: surplus ones are left out, and a further one says how many. */
function readTexts(
  fields: Readonly<Record<string, string>>,
  most: TextBounds,
): Readonly<Record<string, string>> {
  if (isSmall(fields, most)) return fields;
  const entries = Object.entries(fields);
  const kept: [string, string][] = [];
  let bytes = 0;
  for (const [field, value] of entries) {
    const entry: [string, string] = [cut(field, MAX_NAME_CHARS), cut(value, most.bytes)];
    bytes += jsonBytes(entry[0]) + jsonBytes(entry[1]);
    if (kept.length >= most.count || bytes > most.allBytes) break;
    kept.push(entry);
  }
  if (kept.length < entries.length) kept.push(['…', `${entries.length - kept.length} more fields [cut]`]);
  return Object.fromEntries(kept);
}

/** Whether the fields are within their bounds whatever characters they are made of: all usual ones are. */
function isSmall(fields: Readonly<Record<string, string>>, most: TextBounds): boolean {
  let count = 0;
  let chars = 0;
  for (const field in fields) {
    count += 1;
    chars += field.length + fields[field]!.length;
  }
  return count <= most.count && chars * 6 <= most.bytes;
}

function readConfiguration(configuration: string | null | undefined): string {
  if (!configuration) return '';
  if (
    configuration.length * 6 > MAX_CONFIGURATION_BYTES &&
    jsonBytes(configuration) > MAX_CONFIGURATION_BYTES
  )
    invalid('config_reply.configuration', configuration, `at most ${MAX_CONFIGURATION_BYTES} bytes as JSON`);
  return configuration;
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
    message: cut(report.message, MAX_PROGRESS_BYTES),
    ...readError(report.error),
  };
}

function readError(error: v1.Error.$Properties | null | undefined): { readonly error?: ReportedError } {
  if (!error) return {};
  return {
    error: {
      code: cut(error.code, MAX_NAME_CHARS),
      message: cut(error.message, MAX_ERROR_BYTES),
      retryable: error.retryable ?? false,
      ...(error.stack && { stack: cut(cutMiddle(error.stack, MAX_STACK_BYTES), 2 * MAX_STACK_BYTES) }),
      ...(error.details &&
        Object.keys(error.details).length > 0 && { details: readTexts(error.details, ERROR_DETAILS) }),
    },
  };
}

function subject(message: v1.NodeMessage): FaultSubject {
  const about = message.executionReport ?? message.log ?? message.commandAck;
  const executionId = about?.executionId;
  const commandId = message.commandAck?.commandId;
  const transactionId = message.configReply?.transactionId;
  return {
    ...named('executionId', executionId),
    ...named('commandId', commandId),
    ...named('transactionId', transactionId),
  };
}
