/** The public API for programs that submit problems and read results: `tutti/client`. */
export type { Fault } from '../base/errors.js';
export type { Campaigns, NewCampaign } from './campaigns.js';
export type { ClusterChange, Clusters, NewCluster } from './clusters.js';
export type { Deployments } from './deployments.js';
export { ClientError } from './errors.js';
export type { Followed, FollowOptions, StreamedEvent } from './follow.js';
export type {
  Approval,
  AuditEntry,
  Campaign,
  CampaignSummary,
  Cluster,
  Decision,
  Item,
  ItemStates,
  ItemWithValues,
  Iteration as IterationView,
  IterationSummary,
  LogLine,
  Module,
  Peer,
  Placement,
  Problem,
  ProblemSummary,
  Remarks,
  Routes,
  Service,
} from './generated/routes.js';
export {
  type Change,
  type Difference,
  type Gap,
  type ItemSearch,
  type IterateOptions,
  Iteration,
  type WaitOptions,
} from './iteration.js';
export type { AnswerOf, ChangeOptions, PartsOf, RequestOptions, RouteName } from './route.js';
export type { GivenService, Services } from './services.js';
export { type ProblemChange, type Search, type SubmitOptions, Tutti, type TuttiOptions } from './tutti.js';
export type { Files } from './upload.js';
export type { NewWebhook, Webhooks } from './webhooks.js';
