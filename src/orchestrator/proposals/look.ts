/** Reads the stored data that a proposal needs, right before it is decided: as of the end of the newest committed batch. */

import type { BlobUse, IndexEntry, ItemName } from '../../model/facts.js';
import type { TaskId } from '../../model/task-id.js';
import type { Key, Reader } from '../../store/store.js';
import { listed } from '../projects/listing.js';
import { type ExecutionRow, wholeStreamsOf } from '../tables/execution-row.js';
import { indexKey } from '../tables/index-key.js';
import type { ItemRow } from '../tables/item-row.js';
import type { ProblemRow } from '../tables/problem-row.js';
import { readProblemAt } from '../tables/read-rows.js';
import type { BlobRow, IdempotencyRow } from '../tables/records.js';
import * as tables from '../tables/tables.js';
import { outputRefsOf, refsOf } from '../tables/task-payloads.js';
import type { TaskRow } from '../tables/task-row.js';
import { DELETES_AT_ONCE, type EndedIteration, type Proposal, type Removal } from './proposals.js';

type RemovalOf<K extends Removal['kind']> = Extract<Removal, { kind: K }>;

/** The rows of an iteration that one commit can remove: rows that nobody needs come first. */
export interface Belongings {
  readonly index: readonly IndexEntry[];
  readonly eventPages: readonly number[];
  readonly payloads: readonly (readonly [owner: string, seq: number])[];
  readonly blobs: readonly BlobUse[];
  /** Keys of results that lead to it. */
  readonly results: readonly string[];
  /** Its items that are done, of which nothing else is left. */
  readonly items: readonly ItemName[];
  /** Those that were made for items. */
  readonly itemExecutions: readonly string[];
}

/** A proposal, with what the store says about it. */
export type Matter =
  | (RemovalOf<'remove iteration'> & {
      /** Nothing where they are not there. */
      readonly found:
        | {
            readonly problem: ProblemRow;
            readonly row: TaskRow;
            /** Whether the problem is found by its id. */
            readonly isShown: boolean;
            /** The problem has no other. */
            readonly isOnly: boolean;
            readonly belongings: Belongings;
          }
        | undefined;
    })
  /** `pages`: the oldest, one more than may go at once. */
  | (RemovalOf<'remove events'> & { readonly pages: readonly number[] })
  | (RemovalOf<'remove blob'> & { readonly row: BlobRow | undefined; readonly isReferred: boolean })
  | (RemovalOf<'remove answers'> & { readonly rows: ReadonlyMap<string, IdempotencyRow> })
  | RemovalOf<'remove commands' | 'remove boots' | 'remove nodes'>
  /** Those whose rows are still as they were read. */
  | { readonly kind: 'index iterations'; readonly unchanged: readonly EndedIteration[] }
  | Extract<Proposal, { kind: 'complete index' | 'doubt ages' }>;

/** R1 of `proposals.ts`. The proposal is decided by this, not by what its proposer has read. */
export async function look(store: Reader, proposal: Proposal): Promise<Matter> {
  switch (proposal.kind) {
    case 'remove iteration':
      return { ...proposal, found: await findIteration(store, proposal) };
    case 'remove events': {
      const keys = await store.keys('events', { prefix: [], limit: DELETES_AT_ONCE + 1 });
      return { ...proposal, pages: keys.map(([seq]) => Number(seq)) };
    }
    case 'remove blob': {
      const { sha256 } = proposal;
      const bytes = await store.get('blobs', [sha256]);
      const references = await store.keys('blob_refs', { prefix: [sha256], limit: 1 });
      const row = bytes && tables.blobs.decode(bytes);
      return { ...proposal, row, isReferred: references.length > 0 };
    }
    case 'remove answers': {
      const rows = new Map<string, IdempotencyRow>();
      for (const [, key] of proposal.expired) {
        const bytes = await store.get('idempotency', [key]);
        if (bytes) rows.set(key, tables.idempotency.decode(bytes));
      }
      return { ...proposal, rows };
    }
    case 'index iterations': {
      const unchanged: EndedIteration[] = [];
      for (const iteration of proposal.iterations)
        if (await isUnchanged(store, iteration)) unchanged.push(iteration);
      return { kind: proposal.kind, unchanged };
    }
    case 'remove commands':
    case 'remove boots':
    case 'remove nodes':
    case 'complete index':
    case 'doubt ages':
      return proposal;
    default:
      return proposal satisfies never;
  }
}

async function isUnchanged(store: Reader, { task, row }: EndedIteration): Promise<boolean> {
  const now = await store.get('iterations', [task.problemId, task.iterationId]);
  return now !== undefined && Buffer.compare(now, row) === 0;
}

async function findIteration(
  store: Reader,
  { task, problemSeq, index }: RemovalOf<'remove iteration'>,
): Promise<Extract<Matter, { kind: 'remove iteration' }>['found']> {
  const { problemId, iterationId } = task;
  const bytes = await store.get('iterations', [problemId, iterationId]);
  const problem = bytes && (await readProblemAt(store, problemSeq));
  if (!problem) return undefined;
  const row = tables.iterations.decode(bytes);
  const iterations = await store.keys('iterations', { prefix: [problemId], limit: 2 });
  const belongings = await findBelongings(store, task, row, index);
  const isShown = (await store.get('problem_ids', [problemId])) !== undefined;
  return { problem, row, isShown, isOnly: iterations.length === 1, belongings };
}

async function findBelongings(
  store: Reader,
  { problemId, iterationId }: TaskId,
  row: TaskRow,
  index: readonly IndexEntry[],
): Promise<Belongings> {
  const isThere = async (table: 'iteration_index' | 'blob_refs', key: Key): Promise<boolean> =>
    (await store.get(table, key)) !== undefined;
  const entries: IndexEntry[] = [];
  for (const entry of index) {
    const key = indexKey(...entry, row.problem_seq, iterationId);
    if (await isThere('iteration_index', listed(row.project, key))) entries.push(entry);
  }
  const range = { prefix: [problemId, iterationId], limit: DELETES_AT_ONCE };
  const pages = await store.keys('task_events', range);
  const payloads = (await store.keys('payloads', range)).map((key): readonly [string, number] => [
    String(key[2]),
    Number(key[3]),
  ]);
  const shared = sharedPayloads(row);
  const isShared = ([owner, seq]: readonly [string, number]): boolean => shared.has(`${owner} ${seq}`);
  const blobs: BlobUse[] = [];
  const done = await tables.items.range(store, range);
  const items = done.map(({ row }) => row);
  for (const use of [...blobUsesOf(row), ...items.flatMap(blobUsesOfItem)]) {
    const [sha256, owner, seq] = use;
    if (
      blobs.length < DELETES_AT_ONCE &&
      (await isThere('blob_refs', [sha256, problemId, iterationId, owner, seq]))
    )
      blobs.push(use);
  }
  const made = [
    ...Object.values(row.modules).flatMap(({ executions }) => executions),
    ...items.flatMap(({ executions }) => executions),
  ];
  const results = await findResults(store, made);
  const itemExecutions: string[] = [];
  for (const { execution_id } of items.flatMap(({ executions }) => executions))
    if ((await store.get('item_executions', [problemId, iterationId, execution_id])) !== undefined)
      itemExecutions.push(execution_id);
  return {
    results,
    items: items.map(({ module, generation, item }) => [module, generation, item]),
    itemExecutions,
    index: entries,
    eventPages: pages.map((key) => Number(key[2])),
    payloads: [...payloads.filter((one) => !isShared(one)), ...payloads.filter(isShared)],
    blobs,
  };
}

/** Keys of what may be taken of it; a later execution may have taken the place of its own. */
async function findResults(store: Reader, executions: readonly ExecutionRow[]): Promise<string[]> {
  const keys: string[] = [];
  for (const { cache_key, execution_id } of executions) {
    const bytes = cache_key === undefined ? undefined : await store.get('results', [cache_key]);
    if (cache_key !== undefined && bytes && tables.results.decode(bytes).execution_id === execution_id)
      keys.push(cache_key);
  }
  return keys;
}

/** Those that another iteration could be made from: what it brought along, and the outputs of each module. */
function sharedPayloads(row: TaskRow): Set<string> {
  const outputs = Object.keys(row.modules).flatMap((module) => [...outputRefsOf(row, module).values()]);
  return new Set([...refsOf(row), ...outputs].map(({ owner, seq }) => `${owner} ${seq}`));
}

/** The blobs that an iteration uses of its own. */
function blobUsesOf(row: TaskRow): BlobUse[] {
  const brought = refsOf(row).flatMap(({ blob, iteration_id, owner, seq }): BlobUse[] =>
    blob && iteration_id === row.iteration_id ? [[blob.sha256, owner, seq]] : [],
  );
  const published = Object.values(row.modules).flatMap(({ executions }) =>
    executions.flatMap(blobsPublished),
  );
  return [...brought, ...published];
}

/** The same of an item that is done. */
function blobUsesOfItem({ output: { blob, owner, seq }, cached_from, executions }: ItemRow): BlobUse[] {
  const taken: BlobUse[] = cached_from && blob ? [[blob.sha256, owner, seq]] : [];
  return [...taken, ...executions.flatMap(blobsPublished)];
}

function blobsPublished(execution: ExecutionRow): BlobUse[] {
  return [
    ...(execution.blobs ?? []).map(([seq, { sha256 }]): BlobUse => [sha256, execution.execution_id, seq]),
    ...wholeStreamsOf(execution),
  ];
}
