/** Arbitrary messages of every kind, as a well-behaved peer would send them. */
import fc from 'fast-check';
import { APPROVAL_ROLES, DECISIONS } from '../../src/model/approval.js';
import {
  CAMPAIGN_ENDS,
  CAMPAIGN_ERRORS,
  CAMPAIGN_MODES,
  CAMPAIGN_SCOPES,
  CAMPAIGN_STOPS,
} from '../../src/model/campaign.js';
import { AGENT_KINDS, CLUSTER_STATUSES, CLUSTER_TYPES } from '../../src/model/cluster.js';
import { DEPLOYMENT_OPERATIONS } from '../../src/model/deployment.js';
import {
  EVENT_TYPES,
  type EventType,
  FINAL_STATES,
  type ShownFact,
  type ShownWord,
  STOP_CAUSES,
  shownFieldsOf,
} from '../../src/model/facts.js';
import { LOOP_ENDS } from '../../src/model/loop.js';
import { DESIRED_STATUSES, NODE_CMDS, NODE_STATUSES } from '../../src/model/node.js';
import {
  LOG_LEVELS,
  type NodeMessage,
  type OrchestratorMessage,
  type Output,
  REPORT_STATES,
  STREAMS,
} from '../../src/model/protocol.js';
import { KEEPS, RESULT_SOURCES } from '../../src/model/run.js';
import { SERVICE_DESIRES, SERVICE_TYPES } from '../../src/model/service.js';
import { TASK_CMDS } from '../../src/model/task-state.js';
import type { ReceivedEvent } from '../../src/wire/codec.js';

/** Plain objects, as the codec makes them. */
const record = ((model: object, constraints: object = {}) =>
  fc.record(model as never, { ...constraints, noNullPrototype: true })) as typeof fc.record;

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const uint = fc.maxSafeNat();
const positive = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const uint32 = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const time = fc.integer({ min: 0, max: 8_640_000_000_000_000 });
const map = fc.dictionary(text, text, { noNullPrototype: true, maxKeys: 5 });
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const blob = record({ sha256: fc.stringMatching(/^[0-9a-f]{64}$/), size: uint });
const taskId = record({ problemId: name, iterationId: uint32 });
const details = fc.dictionary(text, text, { noNullPrototype: true, minKeys: 1, maxKeys: 5 });
const error = fc
  .tuple(record({ code: text, message: text, retryable: fc.boolean() }), fc.option(text), fc.option(details))
  .map(([said, stack, details]) => ({ ...said, ...(stack && { stack }), ...(details && { details }) }));
const withError = <T extends object>(of: fc.Arbitrary<T>) =>
  fc.oneof(
    of,
    fc.tuple(of, error).map(([message, error]) => ({ ...message, error })),
  );
const withOptional = <T extends object, K extends string, V>(
  of: fc.Arbitrary<T>,
  key: K,
  value: fc.Arbitrary<V>,
) =>
  fc.oneof(
    of,
    fc.tuple(of, value).map(([message, extra]) => ({ ...message, [key]: extra })),
  );
const resources = record(
  { cpus: uint32, memoryBytes: uint, gpus: fc.nat(), walltimeMs: uint },
  { requiredKeys: ['cpus'] },
);
const run = record(
  {
    work: fc.oneof(
      record({ kind: fc.constant('command' as const), argv: fc.array(text, { maxLength: 4 }) }),
      record({ kind: fc.constant('script' as const), path: name, args: fc.array(text, { maxLength: 4 }) }),
      record({ kind: fc.constant('job' as const) }),
    ),
    files: fc.array(record({ path: name, blob, url: text }), { maxLength: 3 }),
    env: map,
    secrets: map,
    resources,
    result: fc.constantFrom(...RESULT_SOURCES),
    keep: fc.constantFrom(...KEEPS),
    retryExitCodes: fc.option(fc.array(fc.nat(255), { maxLength: 3 }), { nil: undefined }),
    envReferences: fc.constant(true as const),
  },
  {
    requiredKeys: ['work', 'files', 'env', 'secrets', 'resources', 'result', 'keep', 'retryExitCodes'],
  },
);
const cluster = record(
  {
    name,
    type: fc.constantFrom(...CLUSTER_TYPES),
    host: name,
    port: fc.integer({ min: 1, max: 65_535 }),
    user: name,
    hostKey: name,
    identity: name,
    workdir: text,
    slots: uint32,
  },
  { requiredKeys: ['name', 'type', 'workdir', 'slots'] },
);
const inline = record({ kind: fc.constant('inline' as const), bytes });

export const nodeMessages: Readonly<Record<NodeMessage['kind'], fc.Arbitrary<NodeMessage>>> = {
  hello: withOptional(
    withOptional(
      record({
        kind: fc.constant('hello' as const),
        module: name,
        instance: name,
        bootId: name,
        version: text,
        capacity: fc.integer({ min: 1, max: 65_536 }),
        labels: map,
        outputType: text,
        status: fc.constantFrom(...NODE_STATUSES),
        held: fc.array(
          record({
            executionId: name,
            lease: name,
            state: fc.constantFrom(...REPORT_STATES, 'SUCCEEDED' as const),
          }),
          { maxLength: 4 },
        ),
        token: text,
      }),
      'resources',
      resources,
    ),
    'schemas',
    fc.array(record({ type: name, hash: name, definition: bytes }), { minLength: 1, maxLength: 3 }),
  ),
  heartbeat: withOptional(
    record({
      kind: fc.constant('heartbeat' as const),
      status: fc.constantFrom(...NODE_STATUSES),
      running: fc.array(name, { maxLength: 4 }),
    }),
    'load',
    record({
      cpu: fc.double({ min: 0, max: 1e6, noNaN: true }),
      memoryBytes: uint,
      executing: fc.nat(2 ** 32 - 1),
    }),
  ),
  node_report: withError(
    record({ kind: fc.constant('node_report' as const), status: fc.constantFrom(...NODE_STATUSES) }),
  ),
  execution_report: withError(
    record({
      kind: fc.constant('execution_report' as const),
      executionId: name,
      lease: name,
      state: fc.constantFrom(...REPORT_STATES),
      lastSeq: uint,
      progress: fc.double({ min: 0, max: 1, noNaN: true }),
      message: text,
    }),
  ),
  command_ack: withError(
    record({
      kind: fc.constant('command_ack' as const),
      commandId: name,
      executionId: text,
      accepted: fc.boolean(),
    }),
  ),
  config_reply: withError(
    record({
      kind: fc.constant('config_reply' as const),
      transactionId: name,
      success: fc.boolean(),
      configuration: text,
    }),
  ),
  log: withOptional(
    withOptional(
      record({
        kind: fc.constant('log' as const),
        executionId: name,
        lease: name,
        at: time,
        level: fc.constantFrom(...LOG_LEVELS),
        message: text,
        fields: map,
      }),
      'command',
      record(
        {
          argv: fc.array(text, { minLength: 1, maxLength: 4 }),
          engineId: name,
          host: name,
          startedAt: fc.integer({ min: 1, max: 8.64e15 }),
          endedAt: fc.integer({ min: 1, max: 8.64e15 }),
          exitCode: fc.nat(255),
          signal: name,
          folder: name,
        },
        { requiredKeys: [] },
      ),
    ),
    'whole',
    record({ stream: fc.constantFrom(...STREAMS), blob }),
  ),
  goodbye: fc.constant({ kind: 'goodbye' }),
  kept: record({
    kind: fc.constant('kept' as const),
    executions: fc.array(record({ executionId: name, lease: name }), { maxLength: 4 }),
  }),
};

const command = { commandId: name, reason: text, graceMs: uint };

export const orchestratorMessages: Readonly<
  Record<OrchestratorMessage['kind'], fc.Arbitrary<OrchestratorMessage>>
> = {
  welcome: withOptional(
    withOptional(
      record({
        kind: fc.constant('welcome' as const),
        nodeId: name,
        incarnation: uint,
        heartbeatIntervalMs: positive,
        deadAfterMs: uint,
        outputsEndpoint: text,
        blobUrl: text,
        inlineMaxBytes: uint,
        maxFrameBytes: uint,
        outputWindow: uint32,
        storeId: text,
        drop: fc.array(name, { maxLength: 4 }),
        outputType: text,
        descriptors: bytes,
      }),
      'cluster',
      cluster,
    ),
    'blobToken',
    name,
  ),
  refused: record(
    {
      kind: fc.constant('refused' as const),
      code: name,
      message: text,
      hint: name,
      incarnation: positive,
      executionId: name,
      seq: positive,
      commandId: name,
      transactionId: name,
    },
    { requiredKeys: ['kind', 'code', 'message'] },
  ),
  node_command: record({
    kind: fc.constant('node_command' as const),
    cmd: fc.constantFrom(...NODE_CMDS),
    ...command,
  }),
  task_command: record({
    kind: fc.constant('task_command' as const),
    cmd: fc.constantFrom(...TASK_CMDS),
    executionId: name,
    ...command,
  }),
  assign: withOptional(
    record({
      outputs: fc.array(record({ name, type: name }), { minLength: 1, maxLength: 3 }),
      kind: fc.constant('assign' as const),
      executionId: name,
      lease: name,
      taskId,
      module: name,
      attempt: uint32,
      timeoutMs: uint,
      inputs: fc.array(
        record({
          name,
          type: name,
          value: fc.oneof(inline, record({ kind: fc.constant('blob' as const), blob, url: text })),
          previous: fc.boolean(),
        }),
        { maxLength: 4 },
      ),
    }),
    'run',
    run,
  ),
  output_acks: record({
    kind: fc.constant('output_acks' as const),
    acks: fc.array(record({ executionId: name, seq: uint, ended: fc.boolean() }), { maxLength: 4 }),
  }),
  forget: record({
    kind: fc.constant('forget' as const),
    executionIds: fc.array(name, { maxLength: 4 }),
  }),
  heartbeat_reply: record({ kind: fc.constant('heartbeat_reply' as const), blobToken: name }),
  config_request: record({
    kind: fc.constant('config_request' as const),
    transactionId: name,
    configuration: text,
  }),
};

export const output: fc.Arbitrary<Output> = record({
  executionId: name,
  lease: name,
  seq: positive,
  last: fc.boolean(),
  name,
  type: text,
  payload: fc.oneof(inline, record({ kind: fc.constant('blob' as const), blob })),
});

const iteration = fc.integer({ min: 1, max: 2 ** 31 });

/** What the fields of events hold, by the word that declares them. */
const WORDS: Readonly<Record<ShownWord, fc.Arbitrary<unknown>>> = {
  text: name,
  id: name,
  time: fc.constant('2026-01-01T00:00:00.000Z'),
  number: fc.integer(),
  count: iteration,
  'count or null': fc.constantFrom(null, 1),
  stream: fc.constantFrom(...STREAMS),
  flag: fc.boolean(),
  json: fc.oneof(text, fc.integer(), fc.constant(null)),
  words: fc.array(text),
  texts: fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), text, { noNullPrototype: true }),
  waiting: fc.constantFrom({ code: 'no_node', labels: { gpu: 'yes' } }, { code: 'inputs', inputs: ['a'] }),
  'named outputs': fc.dictionary(
    fc.stringMatching(/^[a-z_]{1,8}$/),
    record({ output_seq: iteration, blob }),
    {
      noNullPrototype: true,
    },
  ),
  inputs: fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.array(text), { noNullPrototype: true }),
  tags: fc.array(text),
  'asked role': fc.constantFrom(...APPROVAL_ROLES),
  decision: fc.constantFrom(...DECISIONS),
  requirements: fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), map, { noNullPrototype: true }),
  'loop end': fc.constantFrom(...LOOP_ENDS),
  level: fc.constantFrom(...LOG_LEVELS),
  error,
  'task error': error,
  blob,
  cause: fc.constantFrom(...STOP_CAUSES),
  'final state': fc.constantFrom(...FINAL_STATES),
  'cached source': record({ problem_id: name, iteration_id: iteration, execution_id: name }),
  source: record({ iteration_id: iteration, execution_id: name }),
  status: fc.constantFrom(...NODE_STATUSES),
  'desired status': fc.constantFrom(...DESIRED_STATUSES),
  engine: fc.constantFrom(...CLUSTER_TYPES),
  'cluster status': fc.constantFrom(...CLUSTER_STATUSES),
  'agent kind': fc.constantFrom(...AGENT_KINDS),
  'deployment operation': fc.constantFrom(...DEPLOYMENT_OPERATIONS),
  'campaign mode': fc.constantFrom(...CAMPAIGN_MODES),
  'campaign end': fc.constantFrom(...CAMPAIGN_ENDS),
  'campaign stop': fc.constantFrom(...CAMPAIGN_STOPS),
  'campaign error': record({
    type: fc.constantFrom(...CAMPAIGN_ERRORS),
    scope: fc.constantFrom(...CAMPAIGN_SCOPES),
    context: record({ message: text }),
  }),
  'service type': fc.constantFrom(...SERVICE_TYPES),
  'service desire': fc.constantFrom(...SERVICE_DESIRES),
  resources: record({ cpus: iteration, memory: iteration }),
};

function shownFact(type: EventType): fc.Arbitrary<ShownFact> {
  const fields = shownFieldsOf(type).map(({ name, word }): [string, fc.Arbitrary<unknown>] => [
    name,
    WORDS[word],
  ]);
  return fc.record(
    { type: fc.constant(type), ...Object.fromEntries(fields) },
    { noNullPrototype: true },
  ) as fc.Arbitrary<ShownFact>;
}

export const event: fc.Arbitrary<ReceivedEvent> = record({
  seq: positive,
  at: time,
  fact: fc.constantFrom(...EVENT_TYPES).chain(shownFact),
});

export const toOrchestrator = record({
  protocolVersion: fc.constant(1),
  nodeId: text,
  incarnation: uint,
  messages: fc.array(fc.oneof(...Object.values(nodeMessages)), { maxLength: 8 }),
});

export const toNode = record({
  protocolVersion: fc.constant(1),
  epoch: uint,
  incarnation: uint,
  messages: fc.array(fc.oneof(...Object.values(orchestratorMessages)), { maxLength: 8 }),
});

export const outputs = record({
  protocolVersion: fc.constant(1),
  outputs: fc.array(output, { maxLength: 8 }),
});
