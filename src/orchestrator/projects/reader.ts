/**
 * The readable part of the store for a caller: only data of their project, and data of no project.
 *
 * P1. Every question is answered from such a view, so none can forget to look whose it is. Each table says how that is found out: one that is new
 *     does not compile before it has said so.
 * P2. The lists of a project are read by the keys of that project (`listing.ts`), as if there were no others. Who is bound to none reads those of
 *     all projects, put in order.
 */

import { ALL_PROJECTS, DEFAULT_PROJECT } from '../../model/access.js';
import { compareKeys } from '../../store/key.js';
import type { Entry, Key, Range, Reader, Table } from '../../store/store.js';
import type { CommandRow } from '../tables/command-row.js';
import { projectOfRow } from '../tables/row.js';
import * as tables from '../tables/tables.js';
import { BEFORE_PROJECTS, BEHIND_PROJECTS, type List, listed, problemSeqIn, unlisted } from './listing.js';

/** P1. How it is found out whose a row is. */
const OWNERS = {
  meta: 'shared',
  // Only admins are let to the question that reads it, and they see that of all projects.
  audit: 'shared',
  graphs: 'shared',
  // They are of all projects, as nodes are.
  clusters: 'shared',
  services: 'shared',
  replicas: 'shared',
  problems: 'by created_seq',
  problem_marks: 'by created_seq',
  problem_ids: 'by problem_id',
  iterations: 'by problem_id',
  deployments: 'by problem_id',
  // Its problem is there later than it.
  campaigns: 'by campaign_id',
  campaign_specs: 'by campaign_id',
  payloads: 'by problem_id',
  items: 'by problem_id',
  item_executions: 'by problem_id',
  task_events: 'by problem_id',
  problems_by_state: 'list',
  problems_by_mark: 'list',
  unfinished: 'list',
  approvals: 'list',
  iteration_index: 'list',
  commands: 'command',
  events: 'nobody',
  nodes: 'nobody',
  boots: 'nobody',
  commands_pending: 'nobody',
  idempotency: 'nobody',
  idempotency_by_time: 'nobody',
  blobs: 'nobody',
  blob_refs: 'nobody',
  secrets: 'nobody',
  webhooks: 'nobody',
  grants: 'nobody',
  connection_keys: 'nobody',
  results: 'nobody',
  projects: 'nobody',
} as const satisfies Readonly<Record<Table, string>>;

/** Rows of one project that are read ahead where those of several are put in order. */
const AHEAD = 8;
/** The same where nobody says how many are wanted. */
const PAGE = 64;

export class ProjectReader implements Reader {
  readonly #reader: Reader;
  /** `ALL_PROJECTS`: to none. */
  readonly bound: string;
  /** By problem. */
  readonly #isOwn = new Map<string, boolean>();
  #projects: Promise<readonly string[]> | undefined;

  constructor(reader: Reader, bound: string) {
    this.#reader = reader;
    this.bound = bound;
  }

  async get(table: Table, key: Key): Promise<Uint8Array | undefined> {
    const owner = OWNERS[table];
    switch (owner) {
      case 'shared':
        return this.#reader.get(table, key);
      case 'by created_seq':
        return (await this.#seesAt(Number(key[0]))) ? this.#reader.get(table, key) : undefined;
      case 'by problem_id':
        return (await this.#sees(String(key[0]))) ? this.#reader.get(table, key) : undefined;
      case 'by campaign_id':
        return (await this.#seesCampaign(String(key[0]))) ? this.#reader.get(table, key) : undefined;
      case 'list': {
        const project = await this.#projectIn(table as List, key);
        return project === undefined ? undefined : this.#reader.get(table, listed(project, key));
      }
      case 'command': {
        const bytes = await this.#reader.get(table, key);
        return bytes && this.#seesCommand(tables.commands.decode(bytes)) ? bytes : undefined;
      }
      case 'nobody':
        return this.#refuse(table);
      default:
        return owner satisfies never;
    }
  }

  range(table: Table, range: Range): Promise<Entry[]> {
    return this.#read(table, range, {
      read: (own) => this.#reader.range(table, own),
      keyOf: ({ key }) => key,
      withKey: (entry, key) => ({ ...entry, key }),
    });
  }

  keys(table: Table, range: Range): Promise<Key[]> {
    return this.#read(table, range, {
      read: (own) => this.#reader.keys(table, own),
      keyOf: (key) => key,
      withKey: (_, key) => key,
    });
  }

  async #read<T>(table: Table, range: Range, way: Way<T>): Promise<T[]> {
    const owner = OWNERS[table];
    switch (owner) {
      case 'shared':
        return way.read(range);
      case 'by created_seq':
        // They lie among those of all others, so those of a project are read from a list.
        return this.bound === ALL_PROJECTS ? way.read(range) : this.#refuse(table);
      case 'by problem_id': {
        const [problemId] = range.prefix;
        if (problemId === undefined) return this.#refuse(table);
        return (await this.#sees(String(problemId))) ? way.read(range) : [];
      }
      case 'list':
        return this.#readList(range, way);
      case 'by campaign_id':
      case 'command':
      case 'nobody':
        return this.#refuse(table);
      default:
        return owner satisfies never;
    }
  }

  /** P2. */
  async #readList<T>(range: Range, way: Way<T>): Promise<T[]> {
    if (this.bound !== ALL_PROJECTS) return readOf(this.bound, range, way);
    const others = await this.#others();
    return others.length === 0
      ? readOf(DEFAULT_PROJECT, range, way)
      : inOrder([DEFAULT_PROJECT, ...others], range, way);
  }

  /** Those beside `default` that there are. */
  #others(): Promise<readonly string[]> {
    this.#projects ??= this.#reader
      .keys('projects', { prefix: [] })
      .then((keys) => keys.map(([name]) => String(name)));
    return this.#projects;
  }

  /** Whose list a key is of; nothing where it is not one's own. */
  async #projectIn(list: List, key: Key): Promise<string | undefined> {
    if (this.bound !== ALL_PROJECTS) return this.bound;
    const others = await this.#others();
    return others.length === 0 ? DEFAULT_PROJECT : this.#projectAt(problemSeqIn(list, key));
  }

  async #projectAt(createdSeq: number): Promise<string | undefined> {
    const bytes = await this.#reader.get('problems', [createdSeq]);
    return bytes && projectOfRow(tables.problems.decode(bytes));
  }

  async #seesAt(createdSeq: number): Promise<boolean> {
    return this.bound === ALL_PROJECTS || (await this.#projectAt(createdSeq)) === this.bound;
  }

  async #sees(problemId: string): Promise<boolean> {
    if (this.bound === ALL_PROJECTS) return true;
    const known = this.#isOwn.get(problemId);
    if (known !== undefined) return known;
    const seq = await this.#reader.get('problem_ids', [problemId]);
    const isOwn = seq !== undefined && (await this.#seesAt(tables.problemIds.decode(seq)));
    this.#isOwn.set(problemId, isOwn);
    return isOwn;
  }

  async #seesCampaign(campaignId: string): Promise<boolean> {
    if (this.bound === ALL_PROJECTS) return true;
    const bytes = await this.#reader.get('campaigns', [campaignId]);
    return bytes !== undefined && projectOfRow(tables.campaigns.decode(bytes)) === this.bound;
  }

  #seesCommand({ target, project = DEFAULT_PROJECT }: CommandRow): boolean {
    return target.task_id === undefined || this.bound === ALL_PROJECTS || project === this.bound;
  }

  #refuse(table: Table): never {
    throw new Error(`no question may read all of ${table}`);
  }
}

/** Entries, or their keys only. */
interface Way<T> {
  readonly read: (range: Range) => Promise<T[]>;
  readonly keyOf: (item: T) => Key;
  readonly withKey: (item: T, key: Key) => T;
}

/** A range of the list of one project, with keys that do not name it. */
async function readOf<T>(project: string, range: Range, way: Way<T>): Promise<T[]> {
  if (project === DEFAULT_PROJECT) return readDefault(range, way);
  const { prefix, after, ...rest } = range;
  const found = await way.read({
    ...rest,
    prefix: listed(project, prefix),
    ...(after && { after: listed(project, after) }),
  });
  return found.map((item) => way.withKey(item, unlisted(way.keyOf(item)).key));
}

/** The keys of all other projects lie together, in the middle of a list that is read as a whole: they are passed over. */
async function readDefault<T>(range: Range, way: Way<T>): Promise<T[]> {
  const found = await way.read(range);
  if (range.prefix.length > 0) return found;
  const end = found.findIndex((item) => unlisted(way.keyOf(item)).project !== DEFAULT_PROJECT);
  if (end === -1) return found;
  const own = found.slice(0, end);
  const left = range.limit === undefined ? {} : { limit: range.limit - own.length };
  const behind = range.reverse ? BEFORE_PROJECTS : BEHIND_PROJECTS;
  return [...own, ...(await way.read({ ...range, ...left, after: behind }))];
}

/** The first of several projects' ranges, in the order of their keys. */
async function inOrder<T>(projects: readonly string[], range: Range, way: Way<T>): Promise<T[]> {
  const { limit = Number.POSITIVE_INFINITY, reverse = false } = range;
  const ahead = Number.isFinite(limit)
    ? Math.min(limit, Math.max(AHEAD, Math.ceil(limit / projects.length)))
    : PAGE;
  const sources = projects.map((project) => new Source(project, { ...range, limit: ahead }, way));
  await Promise.all(sources.map((source) => source.fill()));
  const merged: T[] = [];
  while (merged.length < limit) {
    let first: Source<T> | undefined;
    for (const source of sources) {
      if (source.key === undefined) continue;
      const order = first?.key === undefined ? -1 : compareKeys(source.key, first.key);
      if (reverse ? first === undefined || order > 0 : order < 0) first = source;
    }
    if (first === undefined) break;
    merged.push(first.take());
    if (first.key === undefined) await first.fill();
  }
  return merged;
}

/** One project's part, read ahead a little. */
class Source<T> {
  readonly #project: string;
  readonly #way: Way<T>;
  #range: Range & { readonly limit: number };
  #items: T[] = [];
  #at = 0;
  #isOver = false;

  constructor(project: string, range: Range & { readonly limit: number }, way: Way<T>) {
    this.#project = project;
    this.#range = range;
    this.#way = way;
  }

  /** Of the next one. */
  get key(): Key | undefined {
    const item = this.#items[this.#at];
    return item && this.#way.keyOf(item);
  }

  take(): T {
    this.#at += 1;
    return this.#items[this.#at - 1]!;
  }

  async fill(): Promise<void> {
    if (this.#isOver) return;
    this.#items = await readOf(this.#project, this.#range, this.#way);
    this.#at = 0;
    this.#isOver = this.#items.length < this.#range.limit;
    const last = this.#items.at(-1);
    if (last) this.#range = { ...this.#range, after: this.#way.keyOf(last) };
  }
}
