/**
 * The tables with the types of their rows, and the one way to go through them page by page.
 *
 * `records.ts` describes the content of each table.
 */
import type { CampaignSpec } from '../../model/campaign.js';
import type { KeyEntry } from '../../model/connection-key.js';
import type { ItemName } from '../../model/facts.js';
import type { Entry, Key, Range, Reader, Table } from '../../store/store.js';
import type { CampaignRow } from './campaign-row.js';
import type { ClusterRow } from './cluster-row.js';
import type { CommandRow } from './command-row.js';
import type { DeploymentRow } from './deployment-row.js';
import type { GrantRow } from './grant-row.js';
import type { ItemRow } from './item-row.js';
import type { NodeRow } from './node-row.js';
import type { MarksRow, ProblemRow } from './problem-row.js';
import type {
  AgesRow,
  AuditRow,
  BlobRow,
  BootRow,
  GraphRow,
  IdempotencyRow,
  IndexRow,
  ResultRow,
} from './records.js';
import { decodeRow } from './row.js';
import type { SecretRow } from './secret-row.js';
import type { ReplicaRow, ServiceRow } from './service-row.js';
import { decodeSummary, type Summary } from './summary.js';
import type { TaskRow } from './task-row.js';
import type { WebhookRow } from './webhook-row.js';

export interface Found<Row> {
  readonly key: Key;
  readonly row: Row;
}

/** Rows that are read at once: few enough that nobody waits for them. */
const PAGE = 200;

export interface Walk extends Omit<Range, 'limit'> {
  /** Rows that are read at once. @default 200 */
  readonly page?: number;
  /** Rows of the first page, where mostly so many are enough. @default page */
  readonly first?: number;
}

export class TypedTable<Row> {
  readonly #table: Table;
  readonly #decode: (bytes: Uint8Array) => Row;

  constructor(table: Table, decode: (bytes: Uint8Array) => Row = decodeRow<Row>) {
    this.#table = table;
    this.#decode = decode;
  }

  /** The row of a value of this table. */
  decode(bytes: Uint8Array): Row {
    return this.#decode(bytes);
  }

  async get(reader: Pick<Reader, 'get'>, key: Key): Promise<Row | undefined> {
    const bytes = await reader.get(this.#table, key);
    return bytes && this.#decode(bytes);
  }

  /** One page. */
  async range(reader: Reader, range: Range): Promise<Found<Row>[]> {
    const entries = await reader.range(this.#table, range);
    return entries.map(({ key, value }) => ({ key, row: this.#decode(value) }));
  }

  keys(reader: Reader, range: Range): Promise<Key[]> {
    return reader.keys(this.#table, range);
  }

  /** All of a range, in order, decoded one by one as they are taken. */
  async *walk(reader: Reader, walk: Walk): AsyncGenerator<Found<Row>> {
    const read = (range: Range): Promise<Entry[]> => reader.range(this.#table, range);
    for await (const page of pagesOf(read, ({ key }) => key, walk))
      for (const { key, value } of page) yield { key, row: this.#decode(value) };
  }

  /** The keys of a range, in order, without touching the values. */
  async *walkKeys(reader: Reader, walk: Walk): AsyncGenerator<Key> {
    const read = (range: Range): Promise<Key[]> => reader.keys(this.#table, range);
    for await (const page of pagesOf(read, (key) => key, walk)) yield* page;
  }
}

async function* pagesOf<T>(
  read: (range: Range) => Promise<T[]>,
  keyOf: (item: T) => Key,
  { page = PAGE, first = page, ...range }: Walk,
): AsyncGenerator<T[]> {
  let { after } = range;
  for (let limit = first; ; limit = page) {
    const items = await read({ ...range, limit, ...(after && { after }) });
    yield items;
    if (items.length < limit) return;
    after = keyOf(items.at(-1)!);
  }
}

const asBytes = (bytes: Uint8Array): Uint8Array => bytes;
const asText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();

export const cursors: TypedTable<number> = new TypedTable('meta');
/** Keys `index`, graph, field of the same table. */
export const lateIndexes: TypedTable<IndexRow> = new TypedTable('meta');
export const graphs: TypedTable<GraphRow> = new TypedTable('graphs');
export const problems: TypedTable<ProblemRow> = new TypedTable('problems');
export const problemIds: TypedTable<number> = new TypedTable('problem_ids');
/** Nothing where the row is older than summaries. */
export const problemsByState: TypedTable<Summary | undefined> = new TypedTable(
  'problems_by_state',
  decodeSummary,
);
/** Only of problems that were changed. */
export const problemMarks: TypedTable<MarksRow> = new TypedTable('problem_marks');
export const problemsByMark: TypedTable<undefined> = new TypedTable('problems_by_mark', () => undefined);
export const unfinished: TypedTable<undefined> = new TypedTable('unfinished', () => undefined);
/** By created_seq, problem_id, iteration_id and module. */
export const approvals: TypedTable<undefined> = new TypedTable('approvals', () => undefined);
export const iterations: TypedTable<TaskRow> = new TypedTable('iterations');
/** Nothing where the row is older than summaries. */
export const iterationIndex: TypedTable<Summary | undefined> = new TypedTable(
  'iteration_index',
  decodeSummary,
);
export const payloads: TypedTable<Uint8Array> = new TypedTable('payloads', asBytes);
/** One event a line. */
export const events: TypedTable<string> = new TypedTable('events', asText);
export const taskEvents: TypedTable<string> = new TypedTable('task_events', asText);
export const commands: TypedTable<CommandRow> = new TypedTable('commands');
export const audit: TypedTable<AuditRow> = new TypedTable('audit');
/** Key `ages_held` of the same table. */
export const ages: TypedTable<AgesRow> = new TypedTable('meta');
export const nodes: TypedTable<NodeRow> = new TypedTable('nodes');
export const boots: TypedTable<BootRow> = new TypedTable('boots');
export const idempotency: TypedTable<IdempotencyRow> = new TypedTable('idempotency');
export const blobs: TypedTable<BlobRow> = new TypedTable('blobs');
export const clusters: TypedTable<ClusterRow> = new TypedTable('clusters');
export const secrets: TypedTable<SecretRow> = new TypedTable('secrets');
export const webhooks: TypedTable<WebhookRow> = new TypedTable('webhooks');
export const campaigns: TypedTable<CampaignRow> = new TypedTable('campaigns');
export const campaignSpecs: TypedTable<CampaignSpec> = new TypedTable('campaign_specs');
export const deployments: TypedTable<DeploymentRow> = new TypedTable('deployments');
export const services: TypedTable<ServiceRow> = new TypedTable('services');
export const replicas: TypedTable<ReplicaRow> = new TypedTable('replicas');
export const grants: TypedTable<GrantRow> = new TypedTable('grants');
export const keys: TypedTable<KeyEntry> = new TypedTable('connection_keys');
export const results: TypedTable<ResultRow> = new TypedTable('results');
/** By problem_id, iteration_id, module, generation and number. */
export const items: TypedTable<ItemRow> = new TypedTable('items');
/** By problem_id, iteration_id and execution_id. */
export const itemExecutions: TypedTable<ItemName> = new TypedTable('item_executions');

/** The newest event's `seq`; 0 before the first one. */
export async function cursorOf(reader: Reader): Promise<number> {
  return (await cursors.get(reader, ['cursor'])) ?? 0;
}
