/**
 * What the page asks for. Keys that begin with `LIVE` hold a `Snapshot` that the feed keeps current; they are fetched once and
 * then only when the feed says so.
 */

import type { PageJson } from '../../../../src/contract/answer.js';
import type { CampaignJson, ListedCampaignJson } from '../../../../src/contract/campaign.js';
import type { ClusterJson } from '../../../../src/contract/cluster.js';
import type {
  DeploymentJson,
  ListedDeploymentJson,
  OperationJson,
} from '../../../../src/contract/deployment.js';
import type { EventJson } from '../../../../src/contract/event.js';
import type { ActivityJson, QueueJson } from '../../../../src/contract/figures.js';
import type { GraphJson, GraphSummaryJson, SampleJson } from '../../../../src/contract/graph.js';
import type {
  ApprovalJson,
  ExecutionJson,
  ItemAnswerJson,
  ItemJson,
  ItemStatesJson,
  IterationJson,
  QueuePlaceJson,
  TaskJson,
} from '../../../../src/contract/iteration.js';
import type { JobJson } from '../../../../src/contract/job.js';
import type { MeJson } from '../../../../src/contract/me.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import type { FailureJson, ProblemJson, WholeProblemJson } from '../../../../src/contract/problem.js';
import type { PlacementJson, ServiceJson } from '../../../../src/contract/service.js';
import type { WebhookJson } from '../../../../src/contract/webhook.js';
import type { ApprovalRole } from '../../../../src/model/approval.js';
import type { ModuleState } from '../../../../src/model/execution.js';
import type { JobState } from '../../../../src/model/job.js';
import { codeOf } from '../state/items-reducer.js';
import type { ListFilter } from '../state/selection.js';
import type {
  ApprovalsView,
  CampaignsView,
  CampaignView,
  ClustersView,
  DeploymentsView,
  DeploymentView,
  ExecutionLogView,
  ItemPageView,
  ItemStatesView,
  ItemView,
  IterationsView,
  JobsView,
  NodeEventsView,
  NodesView,
  OperationsView,
  ProblemsView,
  ProblemView,
  ServicesView,
  Snapshot,
  TaskEventsView,
  TaskView,
  View,
} from '../state/views.js';
import { type Content, contentFrom } from '../values/content.js';
import { type Found, getBytes, getJson } from './http.js';

export const LIVE = 'live';

/** The largest page that the API gives. */
const PAGE_LIMIT = 1000;
/** More events of one task than this are not held by the page: 100,000 take about 50 MB. */
const TASK_EVENTS_LIMIT = 100_000;
/** The first page of problems is small, so that it is there at once; those that a person scrolls to are larger. */
const HEAD_PAGE = 100;
const LATER_PAGE = 500;

/** The part of a query's options that this page uses. */
export interface Asked<T> {
  readonly queryKey: readonly unknown[];
  readonly queryFn: (context: { readonly signal: AbortSignal }) => Promise<T>;
  readonly staleTime?: number;
}

type Live<V extends View> = Asked<Snapshot<V>>;

export function meQuery(): {
  queryKey: string[];
  queryFn: (context: { signal: AbortSignal }) => Promise<MeJson>;
} {
  return {
    queryKey: ['me'],
    queryFn: async ({ signal }) => (await getJson<MeJson>('me', signal)).value,
  };
}

export function nodesQuery(): Live<NodesView> {
  return live([LIVE, 'nodes'], async (signal) => {
    const { cursor, value } = await getAll<NodeJson>('nodes', PAGE_LIMIT, signal);
    return { cursor, value: { kind: 'nodes', items: value } };
  });
}

/** The page of the list that begins at `cursor`; without one, the newest. */
export function problemsQuery(filter: ListFilter, cursor?: string): Live<ProblemsView> {
  return live([LIVE, 'problems', filter, cursor ?? ''], async (signal) => {
    const params = new URLSearchParams({ limit: String(cursor === undefined ? HEAD_PAGE : LATER_PAGE) });
    if (filter.q) params.set('q', filter.q);
    if (filter.graph) params.set('graph', filter.graph);
    if (filter.state) params.set('state', filter.state);
    if (filter.after) params.set('created_after', filter.after);
    if (filter.before) params.set('created_before', filter.before);
    if (filter.tag) params.set('tag', filter.tag);
    if (filter.starred) params.set('starred', 'true');
    if (!filter.archived) params.set('archived', 'false');
    if (cursor !== undefined) params.set('cursor', cursor);
    const found = await getJson<PageJson<ProblemJson>>(`problems?${params}`, signal);
    const { items, next_cursor: next } = found.value;
    const view: ProblemsView = { kind: 'problems', filter, isHead: cursor === undefined, items, next };
    return { cursor: found.cursor, value: view };
  });
}

/** A problem, and what people say about it. */
export function problemQuery(problemId: string): Live<ProblemView> {
  return live([LIVE, 'problem', problemId], async (signal) => {
    const path = `problems/${encodeURIComponent(problemId)}`;
    const { cursor, value } = await getJson<WholeProblemJson>(path, signal);
    return { cursor, value: { kind: 'problem', problem: value } };
  });
}

/** Every tag that some problem has, in order. */
export function tagsQuery(): Asked<readonly string[]> {
  return {
    queryKey: ['tags'],
    queryFn: async ({ signal }) => {
      const { value } = await getJson<PageJson<{ readonly tag: string }>>(`tags?limit=${PAGE_LIMIT}`, signal);
      return value.items.map(({ tag }) => tag);
    },
  };
}

export function nodeEventsQuery(nodeId: string): Live<NodeEventsView> {
  return live([LIVE, 'node_events', nodeId], async (signal) => {
    const path = `nodes/${encodeURIComponent(nodeId)}/events?limit=100`;
    const { cursor, value } = await getJson<PageJson<EventJson>>(path, signal);
    return { cursor, value: { kind: 'node_events', node_id: nodeId, items: value.items } };
  });
}

export function iterationsQuery(problemId: string): Live<IterationsView> {
  return live([LIVE, 'iterations', problemId], async (signal) => {
    const path = `problems/${encodeURIComponent(problemId)}/iterations`;
    const { cursor, value } = await getAll<IterationJson>(path, PAGE_LIMIT, signal);
    return { cursor, value: { kind: 'iterations', problem_id: problemId, items: value } };
  });
}

/** By `iteration_id`, the values of these fields in a problem's newest iterations; `count` of them are known. */
export function iterationValuesQuery(
  problemId: string,
  fields: readonly string[],
  count: number,
): Asked<ReadonlyMap<number, Readonly<Record<string, unknown>>>> {
  return {
    queryKey: ['iteration values', problemId, fields, count],
    queryFn: async ({ signal }) => {
      const params = new URLSearchParams({
        limit: '100',
        order_by: '-iteration_id',
        fields: fields.join(','),
      });
      const path = `problems/${encodeURIComponent(problemId)}/iterations?${params}`;
      const { value } = await getJson<
        PageJson<IterationJson & { readonly fields: Readonly<Record<string, unknown>> }>
      >(path, signal);
      return new Map(value.items.map((one) => [one.iteration_id, one.fields]));
    },
  };
}

export function taskQuery(problemId: string, iterationId: number): Live<TaskView> {
  return live([LIVE, 'task', problemId, iterationId], async (signal) => {
    const { cursor, value } = await getJson<TaskJson>(taskPath(problemId, iterationId), signal);
    return { cursor, value: { kind: 'task', task: value, passed: {} } };
  });
}

export function taskEventsQuery(problemId: string, iterationId: number): Live<TaskEventsView> {
  return live([LIVE, 'task_events', problemId, iterationId], async (signal) => {
    const path = `${taskPath(problemId, iterationId)}/events`;
    const { cursor, value } = await getAll<EventJson>(path, TASK_EVENTS_LIMIT, signal);
    return {
      cursor,
      value: {
        kind: 'task_events',
        problem_id: problemId,
        iteration_id: iterationId,
        items: value,
        isCut: value.length >= TASK_EVENTS_LIMIT,
      },
    };
  });
}

/** What no event says is asked for so often, as long as somebody looks at it. */
const LOOK_MS = 5_000;

type Looked<T> = Asked<T> & { readonly refetchInterval: number };

/** The last hour, minute by minute. */
export function activityQuery(): Looked<ActivityJson> {
  return {
    queryKey: ['activity'],
    queryFn: async ({ signal }) => (await getJson<ActivityJson>('activity', signal)).value,
    refetchInterval: LOOK_MS,
  };
}

/** Where events are posted to. A delivery makes no event: that would be delivered in turn. */
export function webhooksQuery(): Looked<readonly WebhookJson[]> {
  return {
    queryKey: ['webhooks'],
    queryFn: async ({ signal }) => (await getAll<WebhookJson>('webhooks', PAGE_LIMIT, signal)).value,
    refetchInterval: LOOK_MS,
  };
}

/** How many tasks are not over. */
export function statsQuery(): Looked<{ readonly tasks: number }> {
  return {
    queryKey: ['stats'],
    queryFn: async ({ signal }) => (await getJson<{ readonly tasks: number }>('stats', signal)).value,
    refetchInterval: LOOK_MS,
  };
}

/** Every module of the newest graphs with its nodes and its queue. */
export function queuesQuery(): Looked<readonly QueueJson[]> {
  return {
    queryKey: ['queues'],
    queryFn: async ({ signal }) => (await getAll<QueueJson>('queue', PAGE_LIMIT, signal)).value,
    refetchInterval: LOOK_MS,
  };
}

/** The places where commands run. */
export function clustersQuery(): Live<ClustersView> {
  return live([LIVE, 'clusters'], async (signal) => {
    const { cursor, value } = await getAll<ClusterJson>('clusters', PAGE_LIMIT, signal);
    return { cursor, value: { kind: 'clusters', items: value } };
  });
}

/** The service that is kept running. */
export function servicesQuery(): Live<ServicesView> {
  return live([LIVE, 'services'], async (signal) => {
    const { cursor, value } = await getAll<ServiceJson>('services', PAGE_LIMIT, signal);
    return { cursor, value: { kind: 'services', items: value } };
  });
}

/** What is brought up and taken down as a whole. */
export function deploymentsQuery(): Live<DeploymentsView> {
  return live([LIVE, 'deployments'], async (signal) => {
    const { cursor, value } = await getAll<ListedDeploymentJson>('deployments', PAGE_LIMIT, signal);
    return { cursor, value: { kind: 'deployments', items: value } };
  });
}

export function deploymentQuery(deploymentId: string): Live<DeploymentView> {
  return live([LIVE, 'deployment', deploymentId], async (signal) => {
    const { cursor, value } = await getJson<DeploymentJson>(deploymentPath(deploymentId), signal);
    return { cursor, value: { kind: 'deployment', deployment: value } };
  });
}

export function operationsQuery(deploymentId: string): Live<OperationsView> {
  return live([LIVE, 'operations', deploymentId], async (signal) => {
    const path = `${deploymentPath(deploymentId)}/operations`;
    const { cursor, value } = await getAll<OperationJson>(path, PAGE_LIMIT, signal);
    return { cursor, value: { kind: 'operations', deployment_id: deploymentId, items: value } };
  });
}

/** Series of iterations that run themselves. */
export function campaignsQuery(): Live<CampaignsView> {
  return live([LIVE, 'campaigns'], async (signal) => {
    const { cursor, value } = await getAll<ListedCampaignJson>('campaigns', PAGE_LIMIT, signal);
    return { cursor, value: { kind: 'campaigns', items: value } };
  });
}

export function campaignQuery(campaignId: string): Live<CampaignView> {
  return live([LIVE, 'campaign', campaignId], async (signal) => {
    const path = `campaigns/${encodeURIComponent(campaignId)}`;
    const { cursor, value } = await getJson<CampaignJson>(path, signal);
    return { cursor, value: { kind: 'campaign', campaign: value } };
  });
}

/** The free share of each cluster changes with all that runs there. */
export function placementQuery(service: string): Looked<readonly PlacementJson[]> {
  return {
    queryKey: ['placement', service],
    queryFn: async ({ signal }) => {
      const path = `services/${encodeURIComponent(service)}/placement`;
      return (await getAll<PlacementJson>(path, PAGE_LIMIT, signal)).value;
    },
    refetchInterval: LOOK_MS,
  };
}

/** What waits for a person, of all or of one role; of very many, the first. */
export function approvalsQuery(role?: ApprovalRole): Live<ApprovalsView> {
  return live([LIVE, 'approvals', role ?? ''], async (signal) => {
    const params = new URLSearchParams({ limit: String(HEAD_PAGE) });
    if (role !== undefined) params.set('role', role);
    const { cursor, value } = await getJson<PageJson<ApprovalJson>>(`approvals?${params}`, signal);
    const { items, next_cursor } = value;
    return { cursor, value: { kind: 'approvals', items, hasMore: next_cursor !== null } };
  });
}

/** The newest jobs. */
export function jobsQuery(state: JobState | undefined): Live<JobsView> {
  return live([LIVE, 'jobs', state ?? ''], async (signal) => {
    const params = new URLSearchParams({ limit: String(HEAD_PAGE) });
    if (state !== undefined) params.set('state', state);
    const { cursor, value } = await getJson<PageJson<JobJson>>(`jobs?${params}`, signal);
    return { cursor, value: { kind: 'jobs', state, items: value.items } };
  });
}

/** Why the newest of the failed problems failed; asked for again when they are others, as `key` tells. */
export function failuresQuery(count: number, key: string): Asked<readonly FailureJson[]> {
  return {
    queryKey: ['failures', count, key],
    queryFn: async ({ signal }) => {
      const fields = 'error.message,error.module';
      const params = new URLSearchParams({
        state: 'failed',
        archived: 'false',
        limit: String(count),
        fields,
      });
      return (await getJson<PageJson<FailureJson>>(`problems?${params}`, signal)).value.items;
    },
  };
}

/** Every attempt at the modules of a task. */
export function executionsQuery(problemId: string, iterationId: number): Asked<readonly ExecutionJson[]> {
  return {
    queryKey: ['executions', problemId, iterationId],
    queryFn: async ({ signal }) =>
      (await getAll<ExecutionJson>(`${taskPath(problemId, iterationId)}/executions`, PAGE_LIMIT, signal))
        .value,
    staleTime: Number.POSITIVE_INFINITY,
  };
}

/** A module of a task. */
export interface OfModule {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly module: string;
}

/** How all items of a module with `map` stand. */
export function itemStatesQuery(of: OfModule): Live<ItemStatesView> {
  return live([LIVE, 'item_states', of], async (signal) => {
    const { cursor, value } = await getJson<ItemStatesJson>(`${itemsPath(of)}/states`, signal);
    const states = new Uint8Array(value.total);
    let at = 0;
    for (const [state, count] of value.runs) {
      states.fill(codeOf(state), at, at + count);
      at += count;
    }
    return { cursor, value: { kind: 'item_states', ...of, states } };
  });
}

/** Items from a number on, all or those in a state: as many as a person sees at once, and some more. */
export const ITEM_PAGE = 100;

export function itemPageQuery(
  of: OfModule,
  from: number,
  state: ModuleState | undefined,
): Live<ItemPageView> {
  return live([LIVE, 'item_page', of, state ?? '', from], async (signal) => {
    // Of those in a state, the caller has rounded `from`: what lies before the first that it needs comes too.
    const limit = state === undefined ? ITEM_PAGE : 2 * ITEM_PAGE;
    const params = new URLSearchParams({ from: String(from), limit: String(limit) });
    if (state !== undefined) params.set('state', state);
    const { cursor, value } = await getJson<PageJson<ItemJson>>(`${itemsPath(of)}?${params}`, signal);
    const { items, next_cursor: next } = value;
    const to = next === null ? Number.POSITIVE_INFINITY : (items.at(-1)?.item ?? from);
    return { cursor, value: { kind: 'item_page', ...of, from, to, items } };
  });
}

/** One item, with its value, its result and its attempts. */
export function itemQuery(of: OfModule, item: number): Live<ItemView> {
  return live([LIVE, 'item', of, item], async (signal) => {
    const { cursor, value } = await getJson<ItemAnswerJson>(`${itemsPath(of)}/${item}`, signal);
    return { cursor, value: { kind: 'item', ...of, item: value } };
  });
}

/** More lines of one attempt than this are not held by the page. */
const EXECUTION_LINES_LIMIT = 10_000;

export function executionLogQuery(of: OfModule, executionId: string): Live<ExecutionLogView> {
  return live([LIVE, 'execution_log', executionId], async (signal) => {
    const path = `${taskPath(of.problem_id, of.iteration_id)}/executions/${executionId}/log`;
    const { cursor, value } = await getAll<EventJson>(path, EXECUTION_LINES_LIMIT, signal);
    const isCut = value.length >= EXECUTION_LINES_LIMIT;
    return { cursor, value: { kind: 'execution_log', execution_id: executionId, items: value, isCut } };
  });
}

function itemsPath({ problem_id, iteration_id, module }: OfModule): string {
  return `${taskPath(problem_id, iteration_id)}/items/${encodeURIComponent(module)}`;
}

/** Places in a queue are not events: the page asks for them as long as somebody looks at them. */
const QUEUE_LOOK_MS = 2_000;

/** Where the modules of a task that wait for a free slot stand in their queues. */
export function taskQueueQuery(problemId: string, iterationId: number): Looked<readonly QueuePlaceJson[]> {
  return {
    queryKey: ['queue', problemId, iterationId],
    queryFn: async ({ signal }) =>
      (await getJson<PageJson<QueuePlaceJson>>(`${taskPath(problemId, iterationId)}/queue`, signal)).value
        .items,
    refetchInterval: QUEUE_LOOK_MS,
  };
}

/** A version never changes. */
export function graphQuery(name: string, version: number): Asked<GraphJson> {
  return {
    queryKey: ['graph', name, version],
    queryFn: async ({ signal }) =>
      (await getJson<GraphJson>(`graphs/${encodeURIComponent(name)}/versions/${version}`, signal)).value,
    staleTime: Number.POSITIVE_INFINITY,
  };
}

export function graphsQuery(): Asked<readonly GraphSummaryJson[]> {
  return {
    queryKey: ['graphs'],
    queryFn: async ({ signal }) => (await getAll<GraphSummaryJson>('graphs', PAGE_LIMIT, signal)).value,
  };
}

/** A graph as it is now, with the schema of its source. */
export function newestGraphQuery(name: string): Asked<GraphJson> {
  return {
    queryKey: ['newest graph', name],
    queryFn: async ({ signal }) =>
      (await getJson<GraphJson>(`graphs/${encodeURIComponent(name)}`, signal)).value,
  };
}

export function samplesQuery(graph: string): Asked<readonly SampleJson[]> {
  return {
    queryKey: ['samples', graph],
    queryFn: async ({ signal }) => {
      const path = `graphs/${encodeURIComponent(graph)}/samples`;
      return (await getJson<PageJson<SampleJson>>(path, signal)).value.items;
    },
    staleTime: Number.POSITIVE_INFINITY,
  };
}

/** A recorded output that was too large for its event. */
export function executionOutputQuery(
  task: Pick<TaskJson, 'problem_id' | 'iteration_id'>,
  executionId: string,
  seq: number,
): Asked<unknown> {
  return {
    queryKey: ['output', task.problem_id, task.iteration_id, executionId, seq],
    queryFn: async ({ signal }) => {
      const path = `${taskPath(task.problem_id, task.iteration_id)}/executions/${executionId}/outputs/${seq}`;
      return (await getJson<unknown>(path, signal)).value;
    },
    staleTime: Number.POSITIVE_INFINITY,
  };
}

/** What a module gave in an iteration that has succeeded. */
export function moduleOutputQuery(problemId: string, iterationId: number, module: string): Asked<unknown> {
  return {
    queryKey: ['module output', problemId, iterationId, module],
    queryFn: async ({ signal }) => {
      const path = `${taskPath(problemId, iterationId)}/outputs/${encodeURIComponent(module)}`;
      return (await getJson<unknown>(path, signal)).value;
    },
    staleTime: Number.POSITIVE_INFINITY,
  };
}

/** The bytes of an output, as a node sent them, and of which kind they are. */
export function contentQuery(path: string, type: string): Asked<Content> {
  return {
    queryKey: ['content', path, type],
    queryFn: async () => contentFrom(new Uint8Array(await (await getBytes(path)).arrayBuffer()), type),
    staleTime: Number.POSITIVE_INFINITY,
  };
}

export function deploymentPath(deploymentId: string): string {
  return `deployments/${encodeURIComponent(deploymentId)}`;
}

export function taskPath(problemId: string, iterationId: number): string {
  return `problems/${encodeURIComponent(problemId)}/iterations/${iterationId}`;
}

function live<V extends View>(
  queryKey: readonly unknown[],
  read: (signal: AbortSignal) => Promise<Found<V>>,
): Live<V> {
  return {
    queryKey,
    queryFn: async ({ signal }): Promise<Snapshot<V>> => {
      const { cursor, value } = await read(signal);
      return { cursor, view: value, incomplete: false };
    },
    staleTime: Number.POSITIVE_INFINITY,
  };
}

/** Up to `limit` items, page by page. The cursor is the first page's: later pages may know more, which does no harm. */
async function getAll<T>(path: string, limit: number, signal: AbortSignal): Promise<Found<T[]>> {
  const first = await getJson<PageJson<T>>(`${path}?limit=${PAGE_LIMIT}`, signal);
  const items = [...first.value.items];
  let next = first.value.next_cursor;
  while (next !== null && items.length < limit) {
    const page = await getJson<PageJson<T>>(
      `${path}?limit=${PAGE_LIMIT}&cursor=${encodeURIComponent(next)}`,
      signal,
    );
    items.push(...page.value.items);
    next = page.value.next_cursor;
  }
  return { cursor: first.cursor, value: items };
}
