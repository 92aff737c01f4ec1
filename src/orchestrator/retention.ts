/**
 * Forgets what is not to be kept: old iterations of graphs that say so, the old end of the event stream, blobs that nobody refers to,
 * idempotency keys that have expired, commands that were finished long ago, boots that were replaced long ago, nodes long dead.
 *
 * 1. It works beside the loop, in commits of deletes only: the store keeps room for those, so a full disk can still be pruned. At most
 *    `DELETES_PER_COMMIT` at once, and the loop goes on in between.
 * 2. An iteration goes with all that belongs to it, in the commit that takes its row. Nothing goes that another iteration which stays
 *    was made from: a parent's outputs, those that it reuses, an inherited input.
 * 3. A problem goes with its newest iteration, and that one last: iteration ids are never given out again.
 * 4. While something is being forgotten nobody may refer to it anew: the loop asks `state.forgetting`, which holds it until a batch
 *    begins that has read the store afterwards.
 * 5. Unfinished tasks, and what they refer to, are never touched.
 * 6. Nothing goes for its age while the wall clock is in doubt.
 * 7. Nodes are the loop's: it takes them out itself, when it is asked to.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { InTurn } from '../base/in-turn.js';
import type { Logger } from '../base/logger.js';
import type { Retention as RetentionPolicy } from '../model/graph.js';
import type { Task } from '../model/task.js';
import { taskHasEnded } from '../model/task-state.js';
import { entriesOf } from '../store/pages.js';
import type { Key, Store, Table, Write } from '../store/store.js';
import type { Forgetting, State } from './decide/state.js';
import { indexKey } from './index-key.js';
import { indexKeysOf } from './indexes.js';
import { createPayloads, type Payloads } from './queries/payloads.js';
import {
  type BlobRow,
  type BootRow,
  type CommandRow,
  decodeRow,
  type IdempotencyRow,
  type ProblemRow,
  refsOf,
  type TaskRow,
} from './records.js';
import { cursorOf } from './tables.js';

/** The store promises to take so many on a full disk. */
const DELETES_PER_COMMIT = 300;
const PAGE = 100;
/** Replaced boots beyond the newest so many go early: whoever starts processes in a loop fills no disk. */
const BOOTS_KEPT = 100_000;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface RetentionDeps {
  readonly store: Store;
  readonly state: Pick<State, 'graph' | 'graphs' | 'problems' | 'tasks' | 'forgetting'>;
  readonly epoch: number;
  readonly wallMs: () => number;
  /** Whether old data may be removed because of its age; see `age-guard.ts`. */
  readonly agesAreBelieved: () => Promise<boolean>;
  /** The newest events that are kept; 0: all. */
  readonly keepEvents: number;
  /** After so many days finished commands, replaced boots and dead nodes are forgotten. */
  readonly forgetDays: number;
  /** Has the loop forget nodes that were last seen before; resolves to how many. */
  readonly forgetNodes: (seenBefore: number) => Promise<number>;
  /** Shared with whoever adds to the index. */
  readonly inTurn: InTurn;
  readonly trimmed: (oldest: number) => void;
  /** Takes a blob's row by `commit`, then its file, with nobody uploading it meanwhile. */
  readonly collectBlob: (sha256: string, commit: () => Promise<boolean>) => Promise<void>;
  /** Has the loop put something out of `state.forgetting`, in a batch that begins later. */
  readonly settle: (forgetting: Forgetting) => void;
  readonly logger: Logger;
}

export interface Forgotten {
  iterations: number;
  problems: number;
  events: number;
  blobs: number;
  keys: number;
  commands: number;
  boots: number;
  nodes: number;
}

export class Retention {
  readonly #deps: RetentionDeps;
  readonly #payloads: Payloads;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** Ends the pause before the next pass. */
  #hurry = new AbortController();

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
    this.#payloads = createPayloads(deps.state);
  }

  /** A pass every `intervalMs`, the first after as long. */
  start(intervalMs: number): void {
    this.#running ??= this.#repeat(intervalMs);
  }

  /** Room is needed: the next pass begins now, or when the one under way is over. */
  hurry(): void {
    this.#hurry.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#hurry.abort();
    await this.#running;
  }

  /** One pass over everything. */
  async run(): Promise<Forgotten> {
    const forgotten: Forgotten = {
      ...{ iterations: 0, problems: 0, events: 0, blobs: 0, keys: 0 },
      ...{ commands: 0, boots: 0, nodes: 0 },
    };
    const byAge = await this.#deps.agesAreBelieved();
    for (const name of [...this.#deps.state.graphs.keys()]) {
      const policy = this.#deps.state.graph(name)?.compiled.graph.retention;
      if (policy) await this.#iterationsOf(name, byAge ? policy : withoutAge(policy), forgotten);
    }
    await this.#events(forgotten);
    if (!byAge) return forgotten;
    await this.#blobs(forgotten);
    await this.#idempotency(forgotten);
    await this.#fleet(forgotten);
    return forgotten;
  }

  async #repeat(intervalMs: number): Promise<void> {
    for (;;) {
      await pause(intervalMs, undefined, { signal: this.#hurry.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) return;
      this.#hurry = new AbortController();
      try {
        const forgotten = await this.run();
        if (Object.values(forgotten).some((count) => count > 0))
          this.#deps.logger.info(forgotten, 'what was not to be kept is forgotten');
      } catch (thrown) {
        this.#deps.logger.error({ err: thrown }, 'what is not to be kept could not be forgotten');
      }
    }
  }

  /** From the newest problem on: those that came first go first. */
  async #iterationsOf(graph: string, policy: RetentionPolicy, forgotten: Forgotten): Promise<void> {
    const { store } = this.#deps;
    let counted = 0;
    for await (const { value } of entriesOf(store, 'problems', { reverse: true })) {
      if (this.#stopping.signal.aborted) return;
      const problem = decodeRow<ProblemRow>(value);
      if (problem.graph !== graph) continue;
      const rows = (await store.range('iterations', { prefix: [problem.problem_id], reverse: true })).map(
        ({ value }) => decodeRow<TaskRow>(value),
      );
      const before = counted;
      counted += rows.length;
      const removable = this.#removable(rows, policy, before);
      for (const row of removable) {
        const isWhole = removable.length === rows.length && row === removable.at(-1);
        const forget = () => this.#forgetIteration(problem, row, isWhole);
        if (!(await this.#deps.inTurn.run(forget))) break;
        forgotten.iterations += 1;
        if (isWhole) forgotten.problems += 1;
      }
    }
  }

  /** Of a problem's iterations, the newest first: those that may go, the oldest first. */
  #removable(rows: readonly TaskRow[], policy: RetentionPolicy, before: number): TaskRow[] {
    const { maxAgeMs, maxIterations, keepLast } = policy;
    const now = this.#deps.wallMs();
    const wanted = (row: TaskRow, index: number): boolean => {
      if (!taskHasEnded(row.state) || index < keepLast) return true;
      const isOld = maxAgeMs !== undefined && now - (row.finished_at ?? row.created_at) > maxAgeMs;
      const isTooMany = maxIterations !== undefined && before + index >= maxIterations;
      return !isOld && !isTooMany;
    };
    const kept = new Set<number>();
    const reach = (row: TaskRow): void => {
      if (kept.has(row.iteration_id)) return;
      kept.add(row.iteration_id);
      const refs = refsOf(row).map(({ iteration_id }) => iteration_id);
      for (const other of rows) if (refs.includes(other.iteration_id)) reach(other);
    };
    rows.forEach((row, index) => {
      if (wanted(row, index)) reach(row);
    });
    // The newest stands for the problem: it stays as long as any other does.
    if (kept.size > 0 && rows[0]) reach(rows[0]);
    return rows.filter((row) => !kept.has(row.iteration_id)).reverse();
  }

  async #forgetIteration(problem: ProblemRow, row: TaskRow, isWhole: boolean): Promise<boolean> {
    const { store, state } = this.#deps;
    const { problem_id, iteration_id } = row;
    // First of all it cannot be found any more. An index that was declared later has it, too, and only the outputs tell where.
    const later = await indexKeysOf(store, this.#payloads, row, this.#everIndexed(row.graph));
    const rest = [...indexKeysIn(problem, row), ...later].map((key) => remove('iteration_index', key));
    for (const table of ['payloads', 'task_events'] as const) {
      const keys = await store.keys(table, { prefix: [problem_id, iteration_id] });
      rest.push(...keys.map((key) => remove(table, key)));
    }
    const last: Write[] = [remove('iterations', [problem_id, iteration_id]), ...blobRefsOf(row)];
    if (isWhole) {
      last.push(remove('problems', [problem.created_seq]), remove('problem_ids', [problem_id]));
      last.push(remove('problems_by_state', [row.state, problem.created_seq]));
    }
    // Checked and marked in one go: the loop decides nothing in between.
    if (state.problems.has(problem_id)) return false;
    return this.#while({ kind: 'problem', name: problem_id }, async () => {
      const surplus = Math.max(0, rest.length + last.length - DELETES_PER_COMMIT);
      // Too much for one commit: what nobody can miss goes first, the row goes with the end.
      for (let at = 0; at < surplus; at += DELETES_PER_COMMIT) {
        const chunk = rest.slice(at, Math.min(at + DELETES_PER_COMMIT, surplus));
        if (!(await this.#commit(chunk))) return false;
      }
      return this.#commit([...rest.slice(surplus), ...last]);
    });
  }

  /** Whole pages from the old end, as long as enough stay. */
  async #events(forgotten: Forgotten): Promise<void> {
    const { store, keepEvents, trimmed } = this.#deps;
    if (keepEvents === 0) return;
    const cutoff = (await cursorOf(store)) - keepEvents;
    while (!this.#stopping.signal.aborted) {
      const keys = await store.keys('events', { prefix: [], limit: DELETES_PER_COMMIT + 1 });
      // A page ends where the next one begins.
      const old = keys.filter((_, index) => {
        const next = keys[index + 1];
        return index < DELETES_PER_COMMIT && next !== undefined && Number(next[0]) - 1 <= cutoff;
      });
      const next = keys[old.length];
      if (old.length === 0 || !next) return;
      // Nobody is to look for them from now on.
      trimmed(Number(next[0]));
      if (!(await this.#commit(old.map((key) => remove('events', key))))) return;
      forgotten.events += Number(next[0]) - Number(old[0]![0]);
    }
  }

  async #blobs(forgotten: Forgotten): Promise<void> {
    const { store, state, collectBlob, wallMs } = this.#deps;
    for await (const { key, value } of entriesOf(store, 'blobs')) {
      if (this.#stopping.signal.aborted) return;
      const sha256 = String(key[0]);
      if (decodeRow<BlobRow>(value).lease_until > wallMs()) continue;
      await collectBlob(sha256, async () => {
        const row = await store.get('blobs', [sha256]);
        const isLeased = row !== undefined && decodeRow<BlobRow>(row).lease_until > wallMs();
        const [reference] = await store.keys('blob_refs', { prefix: [sha256], limit: 1 });
        if (!row || isLeased || reference || isHeld(state.tasks.values(), sha256)) return false;
        const collected = await this.#while({ kind: 'blob', name: sha256 }, () =>
          this.#commit([remove('blobs', [sha256])]),
        );
        if (collected) forgotten.blobs += 1;
        return collected;
      });
    }
  }

  async #idempotency(forgotten: Forgotten): Promise<void> {
    const { store, wallMs } = this.#deps;
    while (!this.#stopping.signal.aborted) {
      const page = await store.keys('idempotency_by_time', { prefix: [], limit: DELETES_PER_COMMIT / 2 });
      const expired = page.filter(([at]) => Number(at) <= wallMs());
      const writes: Write[] = [];
      for (const [at, key] of expired) {
        writes.push(remove('idempotency_by_time', [at!, key!]));
        const row = await store.get('idempotency', [key!]);
        // It may have been used again since.
        if (row && decodeRow<IdempotencyRow>(row).expires_at === at)
          writes.push(remove('idempotency', [key!]));
      }
      if (writes.length === 0 || !(await this.#commit(writes))) return;
      forgotten.keys += expired.length;
      if (expired.length < page.length) return;
    }
  }

  async #fleet(forgotten: Forgotten): Promise<void> {
    const before = this.#deps.wallMs() - this.#deps.forgetDays * DAY_MS;
    await this.#commands(before, forgotten);
    await this.#boots(before, forgotten);
    forgotten.nodes += await this.#deps.forgetNodes(before);
  }

  /** The oldest come first, since their ids grow with time. */
  async #commands(before: number, forgotten: Forgotten): Promise<void> {
    const { store } = this.#deps;
    let after: Key | undefined;
    while (!this.#stopping.signal.aborted) {
      const page = await store.range('commands', { prefix: [], limit: PAGE, ...(after && { after }) });
      const writes: Write[] = [];
      for (const { key, value } of page) {
        after = key;
        if (decodeRow<CommandRow>(value).issued_at >= before) break;
        const isOpen = (await store.get('commands_pending', key)) !== undefined;
        if (!isOpen) writes.push(remove('commands', key));
      }
      if (writes.length > 0 && !(await this.#commit(writes))) return;
      forgotten.commands += writes.length;
      const newest = page.at(-1);
      if (page.length < PAGE || !newest || after !== newest.key) return;
    }
  }

  /**
   * A process that was replaced and comes back after its boot is forgotten names the incarnation that it was given, by which it is known.
   */
  async #boots(before: number, forgotten: Forgotten): Promise<void> {
    const { store } = this.#deps;
    const kept: { readonly key: Key; readonly at: number }[] = [];
    const old: Key[] = [];
    for await (const { key, value } of entriesOf(store, 'boots')) {
      if (this.#stopping.signal.aborted) return;
      const at = decodeRow<BootRow>(value).replaced_at;
      if (at < before) old.push(key);
      else kept.push({ key, at });
    }
    if (kept.length > BOOTS_KEPT) {
      kept.sort((a, b) => b.at - a.at);
      old.push(...kept.slice(BOOTS_KEPT).map(({ key }) => key));
    }
    for (let at = 0; at < old.length && !this.#stopping.signal.aborted; at += DELETES_PER_COMMIT) {
      const chunk = old.slice(at, at + DELETES_PER_COMMIT).map((key) => remove('boots', key));
      if (!(await this.#commit(chunk))) return;
      forgotten.boots += chunk.length;
    }
  }

  /** The fields that any version of the graph has had an index over. */
  #everIndexed(graph: string): string[] {
    const versions = this.#deps.state.graphs.get(graph) ?? [];
    return [...new Set(versions.flatMap(({ compiled }) => compiled.graph.index ?? []))];
  }

  async #while(forgetting: Forgetting, work: () => Promise<boolean>): Promise<boolean> {
    this.#deps.state.forgetting.add(forgetting.name);
    try {
      return await work();
    } finally {
      this.#deps.settle(forgetting);
    }
  }

  /** Whether it is done; otherwise the disk is fuller than that, or another epoch reigns. */
  async #commit(writes: readonly Write[]): Promise<boolean> {
    return (await this.#deps.store.commit(this.#deps.epoch, writes)).kind === 'committed';
  }
}

function withoutAge({ maxAgeMs: _, ...rest }: RetentionPolicy): RetentionPolicy {
  return rest;
}

function remove(table: Table, key: Key): Write {
  return { op: 'delete', table, key };
}

/** Where an iteration stands in the indexes, as far as its own row knows. */
function indexKeysIn(problem: ProblemRow, { iteration_id, modules }: TaskRow): Key[] {
  const noted = Object.values(modules).flatMap(({ executions, indexed }) => [
    indexed,
    ...executions.map((execution) => execution.indexed),
  ]);
  return noted.flatMap((indexed = {}) =>
    Object.entries(indexed).map(([field, element]) =>
      indexKey(field, element, problem.created_seq, iteration_id),
    ),
  );
}

/** The rows by which blobs know of an iteration. */
function blobRefsOf(row: TaskRow): Write[] {
  const { problem_id, iteration_id } = row;
  const writes: Write[] = [];
  for (const { blob, iteration_id: of, owner, seq } of refsOf(row)) {
    if (blob && of === iteration_id)
      writes.push(remove('blob_refs', [blob.sha256, problem_id, iteration_id, owner, seq]));
  }
  for (const { executions } of Object.values(row.modules)) {
    for (const { execution_id, blobs = [] } of executions) {
      for (const [seq, { sha256 }] of blobs)
        writes.push(remove('blob_refs', [sha256, problem_id, iteration_id, execution_id, seq]));
    }
  }
  return writes;
}

/** Whether an unfinished task refers to it, committed or not. */
function isHeld(tasks: Iterable<Task>, sha256: string): boolean {
  for (const task of tasks) {
    if (task.input.blob?.sha256 === sha256) return true;
    const given = [
      ...task.pinned.values(),
      ...[...task.overrides.values()].flatMap((refs) => [...refs.values()]),
    ];
    if (given.some(({ blob }) => blob?.sha256 === sha256)) return true;
    for (const run of task.runs) {
      if (run?.phase.kind === 'reused' && run.phase.output.ref.blob?.sha256 === sha256) return true;
      for (const { blobs } of run?.executions ?? []) {
        for (const blob of blobs?.values() ?? []) if (blob.sha256 === sha256) return true;
      }
    }
  }
  return false;
}
