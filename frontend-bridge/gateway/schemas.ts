/** The shapes of the public JSON, as OpenAPI shows them. Answers may have more fields than are named here. */

import { z } from 'zod';
import type { ErrorJson } from '../../src/contract/answer.js';
import type { AuditEntryJson } from '../../src/contract/audit.js';
import type { ClusterJson } from '../../src/contract/cluster.js';
import type { DeploymentJson, ListedDeploymentJson, OperationJson } from '../../src/contract/deployment.js';
import type { ActivityJson, QueueJson } from '../../src/contract/figures.js';
import type { GraphSummaryJson, SampleJson } from '../../src/contract/graph.js';
import type {
  ApprovalJson,
  ExecutionJson,
  ListedIterationJson,
  ModuleAnswerJson,
  QueuePlaceJson,
  TaskAnswerJson,
} from '../../src/contract/iteration.js';
import type { JobJson } from '../../src/contract/job.js';
import type { NodeJson } from '../../src/contract/node.js';
import type { ListedProblemJson, WholeProblemJson } from '../../src/contract/problem.js';
import type { PlacementJson, ServiceJson } from '../../src/contract/service.js';
import { APPROVAL_ROLES, DECISIONS } from '../../src/model/approval.js';
import { AUDIT_RESULTS } from '../../src/model/audit.js';
import { COMPONENT_OPERATIONS } from '../../src/model/blueprint.js';
import { AGENT_KINDS, AGENT_STATES, CLUSTER_STATUSES, CLUSTER_TYPES } from '../../src/model/cluster.js';
import { COMPONENT_STATES, DEPLOYMENT_OPERATIONS, DEPLOYMENT_STATES } from '../../src/model/deployment.js';
import { OBSERVED_STATES } from '../../src/model/execution.js';
import { JOB_STATES } from '../../src/model/job.js';
import { LOOP_ENDS } from '../../src/model/loop.js';
import { DESIRED_STATUSES, LIVENESSES, NODE_STATUSES } from '../../src/model/node.js';
import type { BlobRef } from '../../src/model/payload.js';
import type { CommandFields } from '../../src/model/run.js';
import { REPLICA_STATES, SERVICE_DESIRES, SERVICE_TYPES } from '../../src/model/service.js';
import { TASK_STATES } from '../../src/model/task-state.js';
import type { Documented } from './documented.js';
import { eventSchema } from './event-schema.js';
import { waitingSchema } from './waiting-schema.js';

/** The schemas that have a name in OpenAPI. */
export const namedSchemas: z.core.$ZodRegistry<{ id: string }> = z.registry<{ id: string }>();

function named<S extends z.ZodType>(id: string, schema: S): S {
  namedSchemas.add(schema, { id });
  return schema;
}

const time = z.string().describe('RFC 3339, UTC');
const id = z.string().describe('A lower-case UUIDv7');
const taskId = z.string().describe('`<problem_id>/<iteration_id>`');
const iterationId = z.number().int().min(1);
const taskState = z.enum(TASK_STATES);
const moduleState = z.enum(['waiting', 'skipped', 'reused', ...OBSERVED_STATES]);

export const errorAnswer: z.ZodType = named(
  'Error',
  z.object({
    error: z.object({
      code: z.string().describe('Stable, snake_case'),
      message: z.string(),
      hint: z.string().optional().describe('What can be done about it'),
      details: z
        .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
        .optional()
        .describe('Every fault of the input at once, each at its place'),
    }),
  }),
);

export const submitted: z.ZodType = named(
  'Submitted',
  z.looseObject({ problem_id: id, iteration_id: iterationId, task_id: taskId }),
);

export const submittedBatch: z.ZodType = named(
  'SubmittedBatch',
  z.object({
    items: z
      .array(
        z.union([
          submitted,
          z
            .looseObject({ status: z.number().int(), error: z.looseObject({}) })
            .describe('What a single submission would have been refused with'),
        ]),
      )
      .describe('An answer for each problem, in their order'),
  }),
);

export const decision: z.ZodType = named(
  'Decision',
  z.looseObject({
    task_id: taskId,
    module: z.string(),
    decision: z.enum(DECISIONS),
    by: z.string().nullable().describe('The name of the grant; null where nobody needs a token'),
    reason: z.string().nullable(),
    at: time,
  }),
);

export const approval: Documented<ApprovalJson> = named(
  'Approval',
  z.looseObject({
    task_id: taskId,
    problem_id: id,
    iteration_id: iterationId,
    module: z.string(),
    graph: z.string(),
    graph_version: z.number().int(),
    project: z.string(),
    title: z.string(),
    tags: z.array(z.string()),
    role: z.enum(APPROVAL_ROLES).describe('Who may decide: callers of this role and of those above it'),
    message: z.string().describe('What is asked'),
    requested_at: time,
    inputs: z
      .record(z.string(), z.unknown())
      .describe('What the module gets, by name; of a large value its blob'),
    left_out: z.array(z.string()).describe('Inputs whose text has more than 16,384 characters'),
  }),
);

export const auditEntry: Documented<AuditEntryJson> = named(
  'AuditEntry',
  z.strictObject({
    audit_id: z.number().int().describe('From 1 on, without gaps'),
    at: z.string(),
    last_at: z.string().describe('Of the last one of refusals that are alike'),
    times: z.number().int().describe('Refusals that are alike share an entry'),
    by: z.string().nullable().describe('`null`: nobody needs a token, or none was shown that is anybody’s'),
    access_id: z.string().nullable(),
    address: z.string().nullable(),
    project: z.string().nullable().describe('Whose work it was about; `null`: what is shared'),
    action: z.string(),
    operation: z.string(),
    target: z.record(z.string(), z.union([z.string(), z.number()])),
    result: z.enum(AUDIT_RESULTS),
    code: z.string().nullable().describe('Of the refusal'),
    message: z.string().nullable(),
  }),
);

export const commandIssued: z.ZodType = named('CommandIssued', z.looseObject({ command_id: id }));

const standing = z
  .record(
    z.string(),
    z.looseObject({
      state: moduleState,
      execution_id: id.nullable().describe('The newest one'),
      waiting: waitingSchema.nullable().describe('Null while it is at work'),
    }),
  )
  .optional()
  .describe(
    'Of a task that is not over, by module: those at work, and those that wait for something from outside of the task',
  );

const reportedError: Documented<ErrorJson> = z.looseObject({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean().optional(),
  module: z.string().optional().describe('Of a task: the module that failed'),
  stack: z
    .string()
    .optional()
    .describe(
      'Where it was raised and what caused it, as the language of the node writes it; at most 16 KiB',
    ),
  details: z
    .record(z.string(), z.string())
    .optional()
    .describe('Further texts by name: of a command its exit_code, its signal, the end of its stderr'),
});

const iterationSummaryShape = {
  problem_id: id,
  iteration_id: iterationId,
  task_id: taskId,
  state: taskState,
  graph: z.string(),
  graph_version: z.number().int(),
  parent_iteration_id: iterationId.nullable(),
  client: z.string().nullish().describe('The program that asked for it, where it gave its name'),
  reused: z.array(z.string()).describe('Modules whose outputs were taken over: nothing ran for them'),
  overridden: z
    .record(z.string(), z.array(z.string()))
    .describe('By module, the inputs that are not what the graph would give it'),
  standing,
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
  error: reportedError.nullable().describe('Why it failed'),
  reason: z.string().nullable().describe('What the person who stopped it gave as a reason'),
};
export const iterationSummary: Documented<ListedIterationJson> = named(
  'IterationSummary',
  z.looseObject(iterationSummaryShape),
);

const runCommand: Documented<CommandFields> = named(
  'RunCommand',
  z.looseObject({
    cluster: z.string().optional(),
    engine: z.enum(CLUSTER_TYPES).optional(),
    argv: z.array(z.string()).optional().describe('The program and its arguments, as they ran'),
    engine_id: z.string().optional().describe("The engine's own id: a process, a batch job"),
    host: z.string().optional().describe('The machine that runs it'),
    started_at: time.optional().describe("By the cluster's clock"),
    ended_at: time.optional(),
    exit_code: z.number().int().optional().describe('As a shell reports it: 128 + n after signal n'),
    signal: z.string().optional(),
    folder: z.string().optional().describe('Its working folder, where that stays'),
  }),
);

export const moduleView: Documented<ModuleAnswerJson> = named(
  'Module',
  z.looseObject({
    state: moduleState,
    attempts: z.number().int().describe('Those that failed or succeeded'),
    generation: z.number().int().describe('Grows with each reset, and with each pass of its loop'),
    pass: z.number().int().nullable().describe('Of a module in a loop: the pass that it is in, from 1'),
    loop_end: z
      .enum(LOOP_ENDS)
      .nullable()
      .describe('Of the last module of a loop that has ended: why there is no further pass'),
    execution_id: id.nullable(),
    node_id: id.nullable(),
    waiting_reason: z.string().nullable().describe('For people'),
    waiting: waitingSchema.nullable().describe('The same as data'),
    progress: z.number().nullable(),
    progress_message: z.string().nullable().describe('What it said with its progress'),
    reused_from: z
      .looseObject({ iteration_id: iterationId, execution_id: id })
      .nullable()
      .describe('Where its output was taken over from'),
    cached_from: z
      .looseObject({ problem_id: id, iteration_id: iterationId, execution_id: id })
      .nullable()
      .describe('Of a module with `cache`, whose output it has taken'),
    output_names: z
      .array(z.string())
      .optional()
      .describe('Of a module with several outputs: they are read as `MODULE.NAME`'),
    output_type: z
      .string()
      .nullable()
      .describe(
        'As the graph declares it, such as `json` or `bytes:image/png`; null where it has several outputs',
      ),
    output_types: z
      .record(z.string(), z.string())
      .optional()
      .describe('Of a module with several outputs, the type of each by its name'),
    overridden: z.array(z.string()).describe('Inputs that are not what the graph would give it'),
    retry_at: time.nullable(),
    output: z
      .unknown()
      .describe(
        'The decoded last output; of a large one its blob; of a module with named outputs an object of them; null before there is one',
      ),
    error: reportedError.nullable(),
    command: runCommand.nullable().describe('Of a run module'),
    assigned_at: time.nullable(),
    started_at: time.nullable(),
    finished_at: time.nullable(),
  }),
);

export const iterationView: Documented<TaskAnswerJson> = named(
  'Iteration',
  z.looseObject({
    ...iterationSummaryShape,
    input: z.unknown(),
    overrides: z.record(z.string(), z.record(z.string(), z.unknown())).describe('By module and input'),
    require: z
      .record(z.string(), z.record(z.string(), z.string()))
      .describe('By module, labels that its nodes must have for this task'),
    modules: z.record(z.string(), moduleView),
  }),
);

const tagsField = z.array(z.string()).describe('In the order in which they were given');
const marksShape = { tags: tagsField, starred: z.boolean(), archived: z.boolean(), has_notes: z.boolean() };

export const tag: z.ZodType = named('Tag', z.looseObject({ tag: z.string() }));

export const remarks: z.ZodType = named(
  'Remarks',
  z.looseObject({
    problem_id: id,
    title: z.string(),
    tags: tagsField,
    notes: z.string().describe('Markdown'),
    starred: z.boolean(),
    archived: z.boolean(),
    revision: z.number().int().describe('What `If-Match` names'),
  }),
);

const problemShape = {
  problem_id: id,
  title: z.string().nullable(),
  graph: z.string(),
  project: z.string().describe("Its creator's; `default` where they are bound to none"),
  state: taskState.describe("The newest iteration's"),
  standing,
  created_at: time,
  iterations: z.number().int().describe('How many there are'),
  newest_iteration_id: iterationId,
  ...marksShape,
  revision: z
    .number()
    .int()
    .describe('The event that changed what people say about it last, or that made it'),
};
export const problemSummary: Documented<ListedProblemJson> = named(
  'ProblemSummary',
  z.looseObject(problemShape),
);
export const problemView: Documented<WholeProblemJson> = named(
  'Problem',
  z.looseObject({
    ...problemShape,
    notes: z.string().describe('Markdown'),
    newest_iterations: z.array(iterationSummary),
  }),
);

export const blobView: Documented<BlobRef> = named(
  'Blob',
  z.object({ sha256: z.string(), size: z.number().int() }),
);

export const executionView: Documented<ExecutionJson> = named(
  'Execution',
  z.looseObject({
    execution_id: id,
    module: z.string(),
    attempt: z.number().int(),
    pass: z.number().int().nullable().describe('Of a module in a loop'),
    node_id: id,
    state: z.enum(OBSERVED_STATES),
    named_outputs: z
      .record(z.string(), z.number().int())
      .optional()
      .describe('Of a module with several outputs: the number of each that there is, by its name'),
    whole_streams: z
      .record(z.string(), blobView)
      .describe('Of streams that the log has in part only: the blobs that have all of each'),
    assigned_at: time,
    started_at: time.nullable(),
    accepted_at: time.nullable(),
    finished_at: time.nullable(),
    error: reportedError.nullable(),
    command: runCommand.nullable().describe('Of a run module'),
  }),
);

export const logLine: z.ZodType = named(
  'LogLine',
  z.looseObject({ at: time, level: z.string(), message: z.string() }),
);

export const event: z.ZodType = named('Event', eventSchema(time));

export const nodeView: Documented<NodeJson> = named(
  'Node',
  z.looseObject({
    node_id: id,
    module: z.string(),
    instance: z.string(),
    incarnation: z.number().int(),
    status: z.enum(NODE_STATUSES),
    desired_status: z.enum(DESIRED_STATUSES),
    liveness: z.enum(LIVENESSES),
    capacity: z.number().int(),
    running: z
      .array(z.looseObject({ execution_id: id, task_id: taskId, module: z.string(), since: time.optional() }))
      .describe('Its executions, each since it was assigned'),
    of_other_projects: z.number().int().describe('Executions on it that the caller does not see'),
    load: z
      .looseObject({ cpu: z.number(), memory_bytes: z.number(), executing: z.number().int() })
      .nullable()
      .optional()
      .describe('As its last heartbeat said: cores in use, resident memory, executions at work'),
    labels: z.record(z.string(), z.string()),
    version: z.string(),
    last_seen_at: time.nullable(),
    error: reportedError.nullable(),
    warning: z
      .looseObject({ code: z.string(), message: z.string(), hint: z.string().optional(), since: time })
      .nullable()
      .optional()
      .describe('A condition that an operator should look into: `instance_conflict`'),
  }),
);

export const clusterView: Documented<ClusterJson> = named(
  'Cluster',
  z.looseObject({
    name: z.string(),
    type: z.enum(CLUSTER_TYPES).describe('The engine'),
    status: z.enum(CLUSTER_STATUSES),
    host: z.string().optional(),
    port: z.number().int().optional(),
    user: z.string().optional(),
    host_key: z.string().optional(),
    identity: z.string().optional(),
    workdir: z.string(),
    slots: z.number().int(),
    resources: z
      .object({
        cpus: z.number().int().optional(),
        memory: z.number().int().optional().describe('Bytes'),
        gpus: z.number().int().optional(),
      })
      .optional(),
    labels: z.record(z.string(), z.string()),
    agent: z.enum(AGENT_KINDS),
    messenger: z
      .string()
      .describe('The control socket: its agent gets its work there, from a queue of its own'),
    created_at: time,
    agent_state: z
      .enum(AGENT_STATES)
      .describe('`not_needed`: it starts with the first graph that has a command'),
    agent_error: reportedError.nullable().describe('Why nothing can run there now'),
    running: z.number().int().describe('Executions'),
  }),
);

export const secretView: z.ZodType = named(
  'Secret',
  z.looseObject({ name: z.string(), created_at: time, updated_at: time.describe('When its value was set') }),
);

const deploymentShape = {
  deployment_id: id.describe("The problem's id"),
  name: z.string(),
  project: z.string(),
  state: z.enum(DEPLOYMENT_STATES),
  operation_id: iterationId.describe('The newest one: the iteration of its problem'),
  operation: z.enum(DEPLOYMENT_OPERATIONS),
  task_id: taskId.describe('That of the newest operation'),
  message: z.string().nullable().describe('Why it has failed'),
  created_at: time,
  updated_at: time,
};

export const deploymentSummary: Documented<ListedDeploymentJson> = named(
  'DeploymentSummary',
  z.looseObject(deploymentShape),
);

const step = {
  component: z.string(),
  operation: z.enum(COMPONENT_OPERATIONS),
  cluster: z.string().nullable().describe('Null: a service chooses clusters for its replicas itself'),
};

const replicaView = z.looseObject({
  replica_id: z.string().describe('<service>-<n>: also the instance of its node'),
  cluster: z.string().nullable().describe('Where it runs or ran'),
  desired: z.enum(['running', 'stopped']),
  observed: z.enum(REPLICA_STATES),
  node_id: id.nullable().describe('While it is ready'),
  restarts: z.number().int().describe('Runs before this one'),
  reason: z.string().nullable().describe('Why it waits, stops or has ended'),
  task_id: taskId.describe('Its newest run'),
  since: time.describe('When it came into this state'),
  retry_at: time.nullable().describe('When it starts again'),
});

export const deploymentView: Documented<DeploymentJson> = named(
  'Deployment',
  z.looseObject({
    ...deploymentShape,
    health: z
      .enum(['ok', 'degraded'])
      .describe('`degraded`: it has failed, or its services are not as they are asked for'),
    reasons: z.array(z.string()).describe('Why it is degraded, each with the service'),
    blueprint: z.string().describe("The blueprint's name"),
    inputs: z.record(z.string(), z.unknown()),
    components: z.record(
      z.string(),
      z.object({
        state: z.enum(COMPONENT_STATES),
        cluster: z.string().nullable(),
        after: z.array(z.string()),
        attributes: z.record(z.string(), z.unknown()),
        service: z.string().optional().describe('Its name, where the component is a service'),
        replicas: z
          .array(
            replicaView.pick({
              ...{ replica_id: true, cluster: true, observed: true, restarts: true, reason: true },
            }),
          )
          .optional(),
      }),
    ),
    outputs: z.record(z.string(), z.unknown()).describe('As far as what they refer to is known'),
    failed: z
      .object({ ...step, message: z.string() })
      .nullable()
      .describe('The first step of the newest operation that has failed'),
  }),
);

export const operationView: Documented<OperationJson> = named(
  'Operation',
  z.looseObject({
    operation_id: iterationId,
    operation: z.enum(DEPLOYMENT_OPERATIONS),
    state: taskState,
    task_id: taskId,
    created_at: time,
    finished_at: time.nullable(),
    error: reportedError.nullable(),
    steps: z.array(
      z.looseObject({
        ...step,
        module: z.string().describe("In the operation's task"),
        state: moduleState,
        execution_id: id.nullable(),
        waiting_reason: z.string().nullable(),
        error: reportedError.nullable(),
        started_at: time.nullable(),
        finished_at: time.nullable(),
      }),
    ),
  }),
);

export const operationBegun: z.ZodType = named(
  'OperationBegun',
  z.object({ deployment_id: id, operation_id: iterationId, task_id: taskId }),
);

export const serviceView: Documented<ServiceJson> = named(
  'Service',
  z.looseObject({
    name: z.string(),
    type: z.enum(SERVICE_TYPES),
    count: z.number().int().nullable().describe('Null: as many as there are clusters that fit'),
    module: z.string().nullable().describe('The module that its replicas play as nodes'),
    command: z.array(z.string()).optional(),
    script: z.string().optional(),
    args: z.array(z.string()).optional(),
    files: z.array(z.string()),
    env: z.record(z.string(), z.union([z.string(), z.object({ secret: z.string() })])),
    require: z.record(z.string(), z.string()).describe('Labels that a cluster must have'),
    resources: z.looseObject({ cpus: z.number().int() }),
    restart: z.object({ backoff_ms: z.number().int(), max_backoff_ms: z.number().int() }),
    startup_deadline_ms: z.number().int().nullable(),
    disconnect: z.object({ lost_after_ms: z.number().int(), replace: z.boolean() }).nullable(),
    deployment_id: id.nullable().describe('The deployment that it is a component of'),
    desired: z.enum(SERVICE_DESIRES),
    generation: z.number().int().describe('Replicas of an older one are renewed'),
    health: z.enum(['ok', 'degraded']),
    reasons: z.array(z.string()).describe('Why it is degraded, each with how many replicas it is about'),
    replicas: z.array(replicaView),
    created_at: time,
    updated_at: time,
  }),
);

export const placementView: Documented<PlacementJson> = named(
  'Placement',
  z.object({
    cluster: z.string(),
    score: z.number().nullable().describe('The free share of its slots; null where it is ruled out'),
    reason: z.string().nullable().describe('Why it is ruled out'),
  }),
);

export const webhookView: z.ZodType = named(
  'Webhook',
  z.looseObject({
    name: z.string(),
    project: z.string().describe('The one whose events it gets; `*`: all'),
    url: z.string().describe('Its origin: the rest of the address may be a secret'),
    filter: z.array(z.string()).nullable().describe('Types of events; null: all'),
    problem: z.string().nullable().describe('Only events of problems that it holds for'),
    signed: z.boolean(),
    created_at: time,
    cursor: z.number().int().describe('The last event that no longer needs a delivery'),
    lag: z.number().int().optional().describe('Committed events behind the cursor'),
    last_status: z.string().nullable().describe('An HTTP status, or why there is none'),
    last_at: time.nullable(),
    failures: z.number().int().describe('Since the last delivery'),
    missed: z.number().int().describe('Events that were removed before they were looked at'),
  }),
);

export const webhookTested: z.ZodType = named(
  'WebhookTested',
  z.object({ name: z.string(), delivered: z.boolean(), status: z.string() }),
);

export const jobSubmitted: z.ZodType = named(
  'JobSubmitted',
  z.object({ job_id: id.describe("The problem's id"), task_id: taskId }),
);

const jobShape = {
  job_id: id,
  task_id: taskId,
  name: z.string(),
  cluster: z.string().nullable().describe('Where it runs or ran; before that, where it is to run'),
  job_type: z.string().nullable(),
  project: z.string(),
  state: z.enum(JOB_STATES),
  exit_code: z.number().int().nullable(),
  engine_id: z.string().nullable().describe("The engine's own id: a process, a batch job"),
  submitted_at: time,
  started_at: time.nullable().describe('Of the command'),
  finished_at: time.nullable(),
  error: reportedError.nullable(),
};
export const jobSummary: Documented<JobJson> = named('JobSummary', z.looseObject(jobShape));
export const jobView: z.ZodType = named(
  'Job',
  z.looseObject({
    ...jobShape,
    result: z.unknown().describe('What the log parser of its job_type has found'),
    log_lines: z.number().int().describe('That the command has written'),
  }),
);

export const queueView: Documented<QueueJson> = named(
  'Queue',
  z.looseObject({
    module: z.string(),
    graphs: z.array(z.string()).describe('Those whose newest version has the module'),
    nodes: z.number().int().describe('That take work for it now'),
    slots: z.number().int().describe('Of those nodes'),
    taken: z.number().int(),
    waiting: z.number().int().describe('Executions that wait for a slot'),
  }),
);

export const queuePlace: Documented<QueuePlaceJson> = named(
  'QueuePlace',
  z.looseObject({
    module: z.string(),
    ahead: z.number().int().describe('Executions of other tasks that get a slot before it'),
  }),
);

export const commandView: z.ZodType = named(
  'Command',
  z.looseObject({
    command_id: id,
    target: z.unknown(),
    state: z.enum(['pending', 'acked', 'refused', 'expired']),
    parts: z.array(z.looseObject({ node_id: id })),
  }),
);

export const configured: z.ZodType = named(
  'Configured',
  z.looseObject({ success: z.boolean(), configuration: z.string() }),
);

export const graphView: Documented<GraphSummaryJson> = named(
  'Graph',
  z.looseObject({ name: z.string(), version: z.number().int() }),
);

export const sample: Documented<SampleJson> = named(
  'Sample',
  z.object({
    name: z.string().describe("The file's, without its ending"),
    title: z.string(),
    input: z
      .unknown()
      .describe("For `POST /v1/problems`: the source's value, in the JSON mapping of its type"),
  }),
);

export const activity: Documented<ActivityJson> = named(
  'Activity',
  z.object({
    since: time.describe('From here on everything is counted: later than an hour ago after very many events'),
    minutes: z.array(
      z.object({
        at: time.describe('Its beginning'),
        submitted: z.number().int(),
        succeeded: z.number().int(),
        failed: z.number().int(),
        cancelled: z.number().int(),
        aborted: z.number().int(),
      }),
    ),
  }),
);

/** Whatever has no fixed shape: statistics, a difference, a decoded output. */
export const anything: z.ZodType = z.unknown();

/** Bytes; as a body they go by as a stream, which no schema looks into. */
export const bytes: z.ZodType = z.unknown().meta({ type: 'string', format: 'binary' });
export const text: z.ZodType = z.string();

export function pageOf(item: z.ZodType): z.ZodType {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable(),
    query: queryReport.optional(),
  });
}

/** How a page was found, where a filter, an order or fields were asked for. */
const queryReport: z.ZodType = named(
  'QueryReport',
  z.looseObject({
    indexed: z
      .boolean()
      .describe('Whether an index led to it; otherwise everything was looked at, one by one'),
    index: z.string().optional().describe('The field whose index was used'),
    scanned: z.number().int().describe('How many were looked at'),
    complete: z.boolean().describe('False when the time was over first: go on with next_cursor'),
    elapsed_ms: z.number(),
    hint: z.string().optional(),
  }),
);

/** The answers of a route; every route may also answer with an error of the common shape. */
export function answers(successes: Readonly<Record<number, unknown>>): Record<string, unknown> {
  return { ...successes, default: errorAnswer };
}

/** An answer in one of several media types. */
export function content(description: string, types: Readonly<Record<string, z.ZodType>>): unknown {
  const entries = Object.entries(types).map(([type, schema]) => [type, { schema }]);
  return { description, content: Object.fromEntries(entries) };
}
