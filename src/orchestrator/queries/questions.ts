/**
 * Every question that a reader answers, by its name, and what it is answered with: JSON, an output, events, or text piece by piece.
 *
 * Each answer is of one moment of the store; lists never load payloads.
 */
import type { JsonText } from '../../base/json/json-text.js';
import type { Page, Queries, Refusal, View } from '../port.js';
import { commands } from '../tables/tables.js';
import { listApprovals } from './approvals.js';
import { listAudit } from './audit.js';
import { campaign } from './campaigns.js';
import { deployment, deploymentOperation, deploymentOperations } from './deployments.js';
import { diff } from './diff.js';
import { eventsOfTask, executionLog } from './event-lines.js';
import { graph, listGraphs } from './graphs.js';
import { itemStates, listItems, oneItem } from './items.js';
import { execution, executionOutput, executions, iteration, output } from './iterations.js';
import { listJobs } from './jobs.js';
import { type Moment, notFound } from './moment.js';
import type { Decoded } from './payloads.js';
import { problemFits } from './problem-fits.js';
import { problem, problemCreatedAt, tags } from './problems.js';
import { iterationsFound, problemsFound, searchIterations } from './searches.js';
import { commandView } from './views.js';

async function command({ reader }: Moment, commandId: string): Promise<View | Refusal> {
  const row = await commands.get(reader, [commandId]);
  return row ? commandView(row) : notFound('unknown_command', `no command ${commandId}`);
}

/** Those that the loop answers: what no row of the store says. */
export type LoopQuestion =
  | 'nodes'
  | 'node'
  | 'queues'
  | 'queueOfTask'
  | 'clusters'
  | 'cluster'
  | 'campaigns'
  | 'deployments'
  | 'deploymentChanges'
  | 'services'
  | 'service'
  | 'placementOf'
  | 'secrets'
  | 'webhooks'
  | 'grants'
  | 'stats';
export type JsonQuestion = Exclude<
  keyof Queries,
  'until' | 'output' | 'executionOutput' | 'exportOf' | LoopQuestion
>;
type Asked<Name extends keyof Queries> = Parameters<Queries[Name]>;
type Answered<Name extends JsonQuestion> = Exclude<Awaited<ReturnType<Queries[Name]>>, Refusal>['value'];

/** Events are passed on as the text that is stored. */
export const JSON_QUESTIONS: {
  readonly [Name in JsonQuestion]: (
    moment: Moment,
    ...args: Asked<Name>
  ) => Promise<Answered<Name> | Page<JsonText> | Refusal>;
} = {
  problems: problemsFound,
  problem,
  problemCreatedAt,
  problemFits,
  tags,
  jobs: listJobs,
  iterations: iterationsFound,
  searchIterations,
  iteration,
  approvals: listApprovals,
  audit: listAudit,
  items: listItems,
  item: oneItem,
  itemStates,
  executions,
  execution,
  executionLog,
  taskEvents: eventsOfTask,
  diff,
  command,
  campaign,
  deployment,
  deploymentOperations,
  deploymentOperation,
  graphs: listGraphs,
  graph,
};

export const OUTPUT_QUESTIONS: {
  readonly [Name in 'output' | 'executionOutput']: (
    moment: Moment,
    ...args: Asked<Name>
  ) => Promise<Decoded | Refusal>;
} = { output, executionOutput };
