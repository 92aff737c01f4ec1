/** What the page keeps current: each view is one answer of the API, kept up to date by the events that follow it. */
import type { CampaignJson, ListedCampaignJson } from '../../../../src/contract/campaign.js';
import type { ClusterJson } from '../../../../src/contract/cluster.js';
import type {
  DeploymentJson,
  ListedDeploymentJson,
  OperationJson,
} from '../../../../src/contract/deployment.js';
import type { EventJson } from '../../../../src/contract/event.js';
import type {
  ApprovalJson,
  ItemAnswerJson,
  ItemJson,
  IterationJson,
  TaskJson,
} from '../../../../src/contract/iteration.js';
import type { JobJson } from '../../../../src/contract/job.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import type { ProblemJson, WholeProblemJson } from '../../../../src/contract/problem.js';
import type { ServiceJson } from '../../../../src/contract/service.js';
import type { ObservedState } from '../../../../src/model/execution.js';
import type { JobState } from '../../../../src/model/job.js';
import type { ListFilter } from './selection.js';

export interface NodesView {
  readonly kind: 'nodes';
  readonly items: readonly NodeJson[];
}

/** One page of the list of problems, newest first. */
export interface ProblemsView {
  readonly kind: 'problems';
  readonly filter: ListFilter;
  /** Whether new problems come into this page: the first one only. */
  readonly isHead: boolean;
  readonly items: readonly ProblemJson[];
  /** Where the page after this one begins. */
  readonly next: string | null;
}

/** A problem and what people say about it. */
export interface ProblemView {
  readonly kind: 'problem';
  readonly problem: WholeProblemJson;
}

/** A problem's iterations by `iteration_id`. */
export interface IterationsView {
  readonly kind: 'iterations';
  readonly problem_id: string;
  readonly items: readonly IterationJson[];
}

export interface TaskView {
  readonly kind: 'task';
  readonly task: TaskJson;
  /** By module, the `seq` of the newest output that was seen passing while the page was open. */
  readonly passed: Readonly<Record<string, number>>;
  /** By module, what was last observed of its newest execution, as far as events told: a retry hides it. */
  readonly observed?: Readonly<Record<string, ObservedState>>;
  /** By module, its inputs; needed to tell what a reset takes back. */
  readonly inputs?: Readonly<Record<string, readonly string[]>>;
}

/** A task's events, in order. */
export interface TaskEventsView {
  readonly kind: 'task_events';
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly items: readonly EventJson[];
  /** There are more than the page holds: `items` are the oldest. */
  readonly isCut?: boolean;
}

/** A node's newest events, newest first. */
export interface NodeEventsView {
  readonly kind: 'node_events';
  readonly node_id: string;
  readonly items: readonly EventJson[];
}

export interface ClustersView {
  readonly kind: 'clusters';
  readonly items: readonly ClusterJson[];
}

export interface ServicesView {
  readonly kind: 'services';
  readonly items: readonly ServiceJson[];
}

/** Applications that are brought up as a whole, newest first. */
export interface DeploymentsView {
  readonly kind: 'deployments';
  readonly items: readonly ListedDeploymentJson[];
}

export interface DeploymentView {
  readonly kind: 'deployment';
  readonly deployment: DeploymentJson;
}

/** Series of iterations that run themselves, newest first. */
export interface CampaignsView {
  readonly kind: 'campaigns';
  readonly items: readonly ListedCampaignJson[];
}

export interface CampaignView {
  readonly kind: 'campaign';
  readonly campaign: CampaignJson;
}

/** The operations of a deployment, oldest first, with their steps. */
export interface OperationsView {
  readonly kind: 'operations';
  readonly deployment_id: string;
  readonly items: readonly OperationJson[];
}

/** The newest jobs. */
export interface JobsView {
  readonly kind: 'jobs';
  /** Only those in this state. */
  readonly state: JobState | undefined;
  readonly items: readonly JobJson[];
}

interface OfMap {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly module: string;
}

/** How all items of a module with `map` stand. */
export interface ItemStatesView extends OfMap {
  readonly kind: 'item_states';
  /** By number, as `codeOf` has them. */
  readonly states: Uint8Array;
}

/** Some of its items: all from one number to another, or all in a state. */
export interface ItemPageView extends OfMap {
  readonly kind: 'item_page';
  readonly from: number;
  /** The last number that it reaches. */
  readonly to: number;
  readonly items: readonly ItemJson[];
}

/** One of its items. */
export interface ItemView extends OfMap {
  readonly kind: 'item';
  readonly item: ItemAnswerJson;
}

/** The lines of an attempt, as the events that told them. */
export interface ExecutionLogView {
  readonly kind: 'execution_log';
  readonly execution_id: string;
  readonly items: readonly EventJson[];
  /** There are more than the page holds: `items` are the oldest. */
  readonly isCut: boolean;
}

/** What waits for a person. */
export interface ApprovalsView {
  readonly kind: 'approvals';
  readonly items: readonly ApprovalJson[];
  /** There are more than these. */
  readonly hasMore: boolean;
}

export type View =
  | ApprovalsView
  | CampaignsView
  | CampaignView
  | ClustersView
  | DeploymentsView
  | DeploymentView
  | ExecutionLogView
  | ItemPageView
  | ItemStatesView
  | ItemView
  | JobsView
  | NodesView
  | OperationsView
  | ProblemsView
  | ProblemView
  | ServicesView
  | IterationsView
  | TaskView
  | TaskEventsView
  | NodeEventsView;

/** A view and the event `seq` that it reflects. */
export interface Snapshot<V extends View = View> {
  readonly cursor: number;
  readonly view: V;
  /** An event said that something changed without saying to what: fetch again. */
  readonly incomplete: boolean;
}

/** What a view became; `complete: false` when the event did not say enough. */
export interface Reduced<V extends View> {
  readonly view: V;
  readonly complete: boolean;
}
