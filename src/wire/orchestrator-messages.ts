/** Messages of the orchestrator on the control plane: model to protobuf and back. */
import type { ClusterReach } from '../model/cluster.js';
import type {
  Input,
  InputValue,
  OrchestratorMessage,
  OutputAck,
  OutputSpec,
  Refused,
} from '../model/protocol.js';
import { clusterType, nodeCmd, taskCmd, word } from './enums.js';
import type { BatchSpec, FaultSubject } from './envelope.js';
import { invalid, name, names, short, text, uint } from './fields.js';
import { tutti } from './generated/tutti.js';
import { readBlob, writeFetched } from './payloads.js';
import { readRun, writeRun } from './runs.js';

import v1 = tutti.v1;

const NO_BYTES: Uint8Array = new Uint8Array();

export function writeOrchestratorMessage(message: OrchestratorMessage): v1.OrchestratorMessage.$Properties {
  switch (message.kind) {
    case 'welcome': {
      const { kind: _, drop, cluster, ...welcome } = message;
      return {
        welcome: { ...welcome, drop: drop as string[], cluster: cluster ? writeCluster(cluster) : null },
      };
    }
    case 'refused': {
      const { kind: _, ...refused } = message;
      return { refused };
    }
    case 'node_command':
      return {
        nodeCommand: {
          commandId: message.commandId,
          cmd: nodeCmd.numbers[message.cmd],
          reason: message.reason,
          graceMs: message.graceMs,
        },
      };
    case 'task_command':
      return {
        taskCommand: {
          commandId: message.commandId,
          cmd: taskCmd.numbers[message.cmd],
          executionId: message.executionId,
          reason: message.reason,
          graceMs: message.graceMs,
        },
      };
    case 'assign':
      return {
        assign: {
          executionId: message.executionId,
          lease: message.lease,
          taskId: message.taskId,
          module: message.module,
          attempt: message.attempt,
          timeoutMs: message.timeoutMs,
          inputs: message.inputs.map(writeInput),
          outputType: message.outputType ?? '',
          outputs: (message.outputs ?? []) as v1.OutputSpec.$Properties[],
          descriptors: message.descriptors ?? new Uint8Array(),
          traceparent: message.traceparent ?? '',
          pass: message.pass ?? 0,
          item: message.item ?? null,
          run: message.run ? writeRun(message.run) : null,
        },
      };
    case 'output_acks':
      return { outputAcks: { acks: message.acks as v1.OutputAck.$Properties[] } };
    case 'forget':
      return { forget: { executionIds: [...message.executionIds] } };
    case 'heartbeat_reply':
      return { heartbeatReply: { blobToken: message.blobToken } };
    case 'config_request':
      return {
        configRequest: { transactionId: message.transactionId, configuration: message.configuration },
      };
    default:
      return message satisfies never;
  }
}

function writeInput({ name, type, value, previous }: Input): v1.Input.$Properties {
  return value.kind === 'inline'
    ? { name, type, payload: value.bytes, previous }
    : { name, type, blob: writeFetched(value), previous };
}

function writeCluster({ type, ...cluster }: ClusterReach): v1.Cluster.$Properties {
  return { ...cluster, type: clusterType.numbers[type] };
}

export const orchestratorMessages: BatchSpec<v1.OrchestratorMessage, OrchestratorMessage> = {
  field: 4,
  read: (reader, length) => v1.OrchestratorMessage.decode(reader, length),
  map: readOrchestratorMessage,
  subject,
};

function readOrchestratorMessage(message: v1.OrchestratorMessage): OrchestratorMessage | undefined {
  const { body } = message;
  switch (body) {
    case 'welcome':
      return readWelcome(message.welcome!);
    case 'refused':
      return readRefused(message.refused!);
    case 'nodeCommand': {
      const command = message.nodeCommand!;
      return {
        kind: 'node_command',
        commandId: name('node_command.command_id', command.commandId),
        cmd: word('node_command.cmd', nodeCmd, command.cmd),
        reason: text(command.reason),
        graceMs: uint('node_command.grace_ms', command.graceMs),
      };
    }
    case 'taskCommand': {
      const command = message.taskCommand!;
      return {
        kind: 'task_command',
        commandId: name('task_command.command_id', command.commandId),
        cmd: word('task_command.cmd', taskCmd, command.cmd),
        executionId: name('task_command.execution_id', command.executionId),
        reason: text(command.reason),
        graceMs: uint('task_command.grace_ms', command.graceMs),
      };
    }
    case 'assign':
      return readAssign(message.assign!);
    case 'outputAcks':
      return {
        kind: 'output_acks',
        acks: (message.outputAcks!.acks ?? []).map(readAck),
      };
    case 'forget':
      return {
        kind: 'forget',
        executionIds: (message.forget!.executionIds ?? []).map((id) => name('forget.execution_ids', id)),
      };
    case 'heartbeatReply': {
      const blobToken = name('heartbeat_reply.blob_token', message.heartbeatReply!.blobToken);
      return { kind: 'heartbeat_reply', blobToken };
    }
    case 'configRequest': {
      const request = message.configRequest!;
      return {
        kind: 'config_request',
        transactionId: name('config_request.transaction_id', request.transactionId),
        configuration: text(request.configuration),
      };
    }
    case undefined:
      return undefined;
    default:
      return body satisfies never;
  }
}

function readWelcome(welcome: v1.Welcome.$Properties): OrchestratorMessage {
  return {
    kind: 'welcome',
    nodeId: name('welcome.node_id', welcome.nodeId),
    incarnation: uint('welcome.incarnation', welcome.incarnation),
    heartbeatIntervalMs: uint('welcome.heartbeat_interval_ms', welcome.heartbeatIntervalMs, 1),
    deadAfterMs: uint('welcome.dead_after_ms', welcome.deadAfterMs),
    outputsEndpoint: text(welcome.outputsEndpoint),
    blobUrl: text(welcome.blobUrl),
    inlineMaxBytes: uint('welcome.inline_max_bytes', welcome.inlineMaxBytes),
    maxFrameBytes: uint('welcome.max_frame_bytes', welcome.maxFrameBytes),
    outputWindow: uint('welcome.output_window', welcome.outputWindow, 1),
    storeId: text(welcome.storeId),
    drop: names('welcome.drop', welcome.drop),
    outputType: text(welcome.outputType),
    descriptors: welcome.descriptors ?? NO_BYTES,
    ...(welcome.cluster && { cluster: readCluster(welcome.cluster) }),
    ...(welcome.blobToken && { blobToken: short('welcome.blob_token', welcome.blobToken) }),
  };
}

function readCluster(cluster: v1.Cluster.$Properties): ClusterReach {
  const { host, user, hostKey, identity } = cluster;
  const port = uint('welcome.cluster.port', cluster.port);
  return {
    name: name('welcome.cluster.name', cluster.name),
    type: word('welcome.cluster.type', clusterType, cluster.type),
    ...(host ? { host } : {}),
    ...(port ? { port } : {}),
    ...(user ? { user } : {}),
    ...(hostKey ? { hostKey } : {}),
    ...(identity ? { identity } : {}),
    workdir: text(cluster.workdir),
    slots: uint('welcome.cluster.slots', cluster.slots, 1),
  };
}

function readRefused(refused: v1.Refused.$Properties): Refused {
  const { hint, executionId, commandId, transactionId } = refused;
  const incarnation = uint('refused.incarnation', refused.incarnation);
  const seq = uint('refused.seq', refused.seq);
  return {
    kind: 'refused',
    code: name('refused.code', refused.code),
    message: text(refused.message),
    ...(hint ? { hint } : {}),
    ...(incarnation ? { incarnation } : {}),
    ...(executionId ? { executionId } : {}),
    ...(seq ? { seq } : {}),
    ...(commandId ? { commandId } : {}),
    ...(transactionId ? { transactionId } : {}),
  };
}

function readAck(ack: v1.OutputAck.$Properties, index: number): OutputAck {
  const field = `output_acks.acks[${index}]`;
  return {
    executionId: name(`${field}.execution_id`, ack.executionId),
    seq: uint(`${field}.seq`, ack.seq),
    ended: ack.ended ?? false,
  };
}

function readAssign(assign: v1.Assign.$Properties): OrchestratorMessage {
  return {
    kind: 'assign',
    executionId: name('assign.execution_id', assign.executionId),
    lease: name('assign.lease', assign.lease),
    taskId: {
      problemId: name('assign.task_id.problem_id', assign.taskId?.problemId),
      iterationId: uint('assign.task_id.iteration_id', assign.taskId?.iterationId, 1),
    },
    module: name('assign.module', assign.module),
    attempt: uint('assign.attempt', assign.attempt, 1),
    timeoutMs: uint('assign.timeout_ms', assign.timeoutMs),
    inputs: (assign.inputs ?? []).map(readInput),
    ...(assign.outputType && { outputType: short('assign.output_type', assign.outputType) }),
    ...(assign.outputs?.length && { outputs: assign.outputs.map(readOutputSpec) }),
    ...(assign.descriptors?.length && { descriptors: assign.descriptors }),
    ...(assign.traceparent && { traceparent: short('assign.traceparent', assign.traceparent) }),
    ...(assign.pass && { pass: uint('assign.pass', assign.pass) }),
    ...(assign.item !== undefined && assign.item !== null && { item: uint('assign.item', assign.item) }),
    ...(assign.run && { run: readRun('assign.run', assign.run) }),
  };
}

function readOutputSpec(output: v1.OutputSpec.$Properties, index: number): OutputSpec {
  const field = `assign.outputs[${index}]`;
  return { name: name(`${field}.name`, output.name), type: name(`${field}.type`, output.type) };
}

function readInput(input: v1.Input.$Properties, index: number): Input {
  const field = `assign.inputs[${index}]`;
  return {
    name: name(`${field}.name`, input.name),
    type: name(`${field}.type`, input.type),
    value: readInputValue(field, input),
    previous: input.previous ?? false,
  };
}

function readInputValue(field: string, { value, payload, blob }: v1.Input.$Properties): InputValue {
  if (value === 'payload') return { kind: 'inline', bytes: payload! };
  if (value === 'blob') {
    return { kind: 'blob', blob: readBlob(`${field}.blob`, blob!), url: text(blob!.url) };
  }
  return invalid(`${field}.value`, 'absent', 'payload or blob');
}

function subject(message: v1.OrchestratorMessage): FaultSubject {
  const executionId = (message.assign ?? message.taskCommand ?? message.refused)?.executionId;
  const commandId = (message.nodeCommand ?? message.taskCommand ?? message.refused)?.commandId;
  const transactionId = (message.configRequest ?? message.refused)?.transactionId;
  return {
    ...(executionId ? { executionId } : {}),
    ...(commandId ? { commandId } : {}),
    ...(transactionId ? { transactionId } : {}),
  };
}
