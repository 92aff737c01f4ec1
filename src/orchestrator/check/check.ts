/**
 * Every invariant of a store, looked at in one view of it: what the rows say of each other, and what the blobs' folder holds.
 *
 * 1. It only reads, and may run beside the orchestrator that writes.
 * 2. A fault names the rows that it is about; there is one for each thing that is wrong, up to a limit.
 * 3. Rows of iterations, problems, nodes and commands are the fold of the events about them (`folded/`), from the first one on. Where that one is
 *    gone, or is older than complete facts, this is counted.
 * 4. It holds a few pages at once, and the unfinished of what it folds, however large the store.
 */

import { stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, TuttiError } from '../../base/errors.js';
import { hasEnded } from '../../model/execution.js';
import { TASK_ENDS, taskHasEnded } from '../../model/task-state.js';
import { entriesOf, keysOf } from '../../store/pages.js';
import { type Key, type Reader, type Store, TABLES } from '../../store/store.js';
import { blobPath, hashOfFile } from '../blobs/blob-files.js';
import { listed, problemSeqIn, unlisted } from '../projects/listing.js';
import { type ReadStoredGraph, StoredGraphs } from '../queries/graph-versions.js';
import { type ExecutionRow, wholeStreamsOf } from '../tables/execution-row.js';
import type { ItemRow } from '../tables/item-row.js';
import type { ModuleRow } from '../tables/module-row.js';
import { marksRowOf, type ProblemRow } from '../tables/problem-row.js';
import { findInItems, readProblemAt, readTask } from '../tables/read-rows.js';
import { projectOfRow } from '../tables/row.js';
import { decodeSummary, remarked, summaryOf } from '../tables/summary.js';
import * as tables from '../tables/tables.js';
import { cursorOf } from '../tables/tables.js';
import { outputRefsOf, refsOf } from '../tables/task-payloads.js';
import type { TaskRow } from '../tables/task-row.js';
import { EventCheck } from './folded/event-check.js';
import { checkKeys } from './keys-check.js';
import { MarksCheck } from './marks-check.js';

export interface StoreFault {
  /** `events 17`, `iterations <problem_id>/2`. */
  readonly where: string;
  readonly what: string;
}

export interface StoreVerdict {
  readonly faults: readonly StoreFault[];
  /** There were more than are listed. */
  readonly more: boolean;
  /** The numbers of checked objects. */
  readonly counts: Readonly<Record<string, number>>;
}

const FAULTS_LISTED = 200;

export interface CheckOptions {
  /** Reads the graphs that iterations run on; absent: iterations are not folded. */
  readonly readGraph?: ReadStoredGraph;
  /** Where the blobs are; absent: their files are not looked at. */
  readonly blobDir?: string;
  /** Read every blob, whose SHA-256 must be its name. @default false: its size only */
  readonly hashBlobs?: boolean;
}

export async function checkStore(
  store: Pick<Store, 'snapshot'>,
  options: CheckOptions = {},
): Promise<StoreVerdict> {
  return store.snapshot(async (reader) => {
    const checking = new Checking(reader, options);
    await checking.run();
    return checking.verdict();
  });
}

class Checking {
  readonly #reader: Reader;
  readonly #options: CheckOptions;
  readonly #faults: StoreFault[] = [];
  readonly #counts: Record<string, number> = {};
  readonly #events: EventCheck;
  readonly #marks: MarksCheck;
  #more = false;

  constructor(reader: Reader, options: CheckOptions) {
    this.#reader = reader;
    this.#options = options;
    const { readGraph } = options;
    this.#marks = new MarksCheck(reader, (where, what) => this.#fault(where, what));
    this.#events = new EventCheck({
      reader,
      graphs: readGraph && new StoredGraphs(readGraph).at(reader),
      fault: (where, what) => this.#fault(where, what),
      count: (what, by) => this.#count(what, by),
    });
  }

  verdict(): StoreVerdict {
    return { faults: this.#faults, more: this.#more, counts: this.#counts };
  }

  async run(): Promise<void> {
    await this.#part('values', () => this.#values());
    await this.#part('events', () => this.#events.all());
    await this.#part('problems', () => this.#problems());
    await this.#part('iterations', () => this.#iterations());
    await this.#part('items', () => this.#items());
    await this.#part('payloads and indexes', () => this.#strays());
    await this.#part('results', () => this.#results());
    await this.#part('blobs', () => this.#blobs());
    await this.#part('graphs', () => this.#graphs());
    await this.#part('nodes', () => this.#nodes());
    await this.#part('commands', () => this.#commands());
    await this.#part('clusters', () => this.#clusters());
    await this.#part('secrets', () => this.#secrets());
    await this.#part('deployments', () => this.#deployments());
    await this.#part('campaigns', () => this.#campaigns());
    await this.#part('services', () => this.#services());
    await this.#part('webhooks', () => this.#webhooks());
    await this.#part('grants', () => this.#grants());
    await this.#part('connection_keys', () => this.#connectionKeys());
    await this.#part('audit', () => this.#audit());
    await this.#part('events of nodes, commands and clusters', () => this.#events.fleet(this.#counts));
    await this.#part('idempotency keys', () => this.#idempotency());
  }

  /** An unreadable part is a fault, and ends this part of the check only. */
  async #part(where: string, check: () => Promise<void>): Promise<void> {
    try {
      await check();
    } catch (thrown) {
      this.#fault(where, `cannot be read to the end: ${messageOf(thrown)}`);
    }
  }

  /** Each is as it was stored, also where nothing else of the check reads it. */
  async #values(): Promise<void> {
    for (const table of TABLES) {
      for await (const key of keysOf(this.#reader, table)) {
        try {
          await this.#reader.get(table, key);
        } catch (thrown) {
          if (!isDamage(thrown)) throw thrown;
          this.#fault(`${table} ${JSON.stringify(key)}`, 'has a value that does not match its checksum');
        }
      }
    }
  }

  async #problems(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'problems')) {
      const row = tables.problems.decode(value);
      const where = `problems ${row.problem_id}`;
      this.#count('problems');
      if (row.created_seq !== key[0])
        this.#fault(where, `is stored as ${String(key[0])}, and says ${row.created_seq}`);
      if (await this.#isBeingRemoved(row.problem_id, row.created_seq, row.project)) {
        this.#count('problems being removed');
        continue;
      }
      const indexed = await this.#reader.get('problem_ids', [row.problem_id]);
      if (!indexed || tables.problemIds.decode(indexed) !== row.created_seq)
        this.#fault(where, 'is not found by its problem_id');
      const [newest] = await this.#reader.range('iterations', {
        prefix: [row.problem_id],
        reverse: true,
        limit: 1,
      });
      const task = newest && tables.iterations.decode(newest.value);
      if (task?.iteration_id !== row.newest_iteration_id)
        this.#fault(
          where,
          `says that its newest iteration is ${row.newest_iteration_id}, there is ${task?.iteration_id ?? 'none'}`,
        );
      for (const state of TASK_ENDS) {
        const entry = await this.#reader.get(
          'problems_by_state',
          listed(row.project, [state, row.created_seq]),
        );
        const isListed = entry !== undefined;
        if (isListed !== (task?.state === state))
          this.#fault(
            where,
            isListed
              ? `is listed as ${state}, and is ${task?.state ?? 'gone'}`
              : `is ${state}, and not listed so`,
          );
        else if (entry && task) this.#summary(where, entry, row, task);
      }
      await this.#marks.ofProblem(where, row);
    }
    for await (const { key, value } of entriesOf(this.#reader, 'problem_ids')) {
      if ((await this.#reader.get('problems', [tables.problemIds.decode(value)])) === undefined)
        this.#fault(`problem_ids ${String(key[0])}`, 'leads to no problem');
    }
  }

  /** Retention takes it out as a whole, and has not come to its end: parts of it are gone already, and nobody finds it. */
  async #isBeingRemoved(
    problemId: string,
    createdSeq: number,
    project: string | undefined,
  ): Promise<boolean> {
    if ((await this.#reader.get('problem_ids', [problemId])) !== undefined) return false;
    if ((await this.#reader.get('problems', [createdSeq])) === undefined) return false;
    const [unfinished] = await this.#reader.keys('unfinished', {
      prefix: listed(project, [createdSeq]),
      limit: 1,
    });
    const entries = await Promise.all(
      TASK_ENDS.map((state) => this.#reader.get('problems_by_state', listed(project, [state, createdSeq]))),
    );
    return unfinished === undefined && entries.every((row) => row === undefined);
  }

  async #iterations(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'iterations')) {
      const row = tables.iterations.decode(value);
      const where = `iterations ${row.problem_id}/${row.iteration_id}`;
      if (await this.#isBeingRemoved(row.problem_id, row.problem_seq, row.project)) continue;
      this.#count('iterations');
      if (key[0] !== row.problem_id || key[1] !== row.iteration_id)
        this.#fault(where, 'is stored under another key');
      if ((await this.#reader.get('problem_ids', [row.problem_id])) === undefined)
        this.#fault(where, 'has no problem');
      if ((await this.#reader.get('graphs', [row.graph, row.graph_version])) === undefined)
        this.#fault(
          where,
          `runs on version ${row.graph_version} of graph ${row.graph}, which does not exist`,
        );
      const unfinished =
        (await this.#reader.get(
          'unfinished',
          listed(row.project, [row.problem_seq, row.problem_id, row.iteration_id]),
        )) !== undefined;
      if (unfinished === taskHasEnded(row.state))
        this.#fault(
          where,
          unfinished
            ? `is ${row.state}, and listed as unfinished`
            : `is ${row.state}, and not listed as unfinished`,
        );
      for (const ref of refsOf(row))
        await this.#payload(where, row, ref.owner, ref.seq, ref.blob?.sha256, ref);
      for (const [module, { executions, phase, reused }] of Object.entries(row.modules)) {
        if ((phase === 'reused') !== (reused !== undefined))
          this.#fault(where, `has ${module} as ${phase}, and ${reused ? 'an' : 'no'} output that it reuses`);
        for (const execution of executions) await this.#execution(where, row, module, execution);
        if (phase === 'approved')
          for (const { owner, seq } of outputRefsOf(row, module).values())
            await this.#payload(where, row, owner, seq, undefined);
        await this.#approval(where, row, module);
      }
      await this.#events.ofTask(where, row);
    }
    for await (const key of this.#listed('approvals')) {
      if ((await this.#reader.get('iterations', [key[1]!, key[2]!])) === undefined)
        this.#fault(`approvals ${key[1]}/${key[2]}`, 'is not an iteration');
    }
    for await (const key of this.#listed('unfinished')) {
      if ((await this.#reader.get('iterations', [key[1]!, key[2]!])) === undefined)
        this.#fault(`unfinished ${key[1]}/${key[2]}`, 'is not an iteration');
    }
  }

  /** Each is of a module with `map` that has begun, has its result, and is told once. */
  async #items(): Promise<void> {
    let counted: { readonly where: string; readonly of: ModuleRow; done: number } | undefined;
    let known = '';
    const conclude = (): void => {
      if (counted && counted.of.items?.done !== counted.done)
        this.#fault(
          counted.where,
          `has ${counted.done} items that are done, and says ${counted.of.items?.done}`,
        );
    };
    for await (const { key, value } of entriesOf(this.#reader, 'items')) {
      const row = tables.items.decode(value);
      const [problemId, iterationId] = [String(key[0]), Number(key[1])];
      this.#count('items');
      const where = `items ${problemId}/${iterationId} ${row.module}`;
      const at = `${where} ${row.item}`;
      if (key[2] !== row.module || key[3] !== row.generation || key[4] !== row.item)
        this.#fault(at, 'is stored under another key');
      const task = await readTask(this.#reader, { problemId, iterationId });
      const of = task?.modules[row.module];
      if (!task || !of) {
        this.#fault(at, 'is of no module of an iteration');
        continue;
      }
      const run = `${where} ${row.generation}`;
      if (run !== known) {
        conclude();
        counted = row.generation === of.generation ? { where, of, done: 0 } : undefined;
        known = run;
      }
      if (counted) counted.done += 1;
      await this.#item(at, task, row);
    }
    conclude();
    for await (const { key, value } of entriesOf(this.#reader, 'item_executions')) {
      const place = tables.itemExecutions.decode(value);
      const row = await tables.items.get(this.#reader, [...key.slice(0, 2), ...place]);
      if (!row?.executions.some(({ execution_id }) => execution_id === key[2]))
        this.#fault(`item_executions ${String(key[2])}`, 'leads to an item that does not tell of it');
    }
  }

  async #item(at: string, task: TaskRow, row: ItemRow): Promise<void> {
    for (const execution of row.executions) {
      await this.#execution(at, task, row.module, execution);
      if (!hasEnded(execution.state))
        this.#fault(at, `is done, and ${execution.execution_id} is ${execution.state}`);
      const place = [task.problem_id, task.iteration_id, execution.execution_id];
      if ((await this.#reader.get('item_executions', place)) === undefined)
        this.#fault(at, `is not found by ${execution.execution_id}`);
    }
    const { owner, seq, blob } = row.output;
    await this.#payload(at, task, owner, seq, blob?.sha256);
    const last = row.executions.at(-1);
    if (!row.cached_from && (last?.state !== 'succeeded' || last.execution_id !== owner))
      this.#fault(at, 'has a result that its last execution has not put out');
  }

  /** It is listed while it waits for a decision, and no longer. */
  async #approval(where: string, row: TaskRow, module: string): Promise<void> {
    const key = listed(row.project, [row.problem_seq, row.problem_id, row.iteration_id, module]);
    const isListed = (await this.#reader.get('approvals', key)) !== undefined;
    const { phase, waiting } = row.modules[module]!;
    const waits = !taskHasEnded(row.state) && phase === 'waiting' && waiting?.code === 'approval';
    if (waits) this.#count('approvals that wait');
    if (isListed !== waits)
      this.#fault(
        where,
        `has ${module} as ${phase}, and ${isListed ? '' : 'not '}listed as waiting for approval`,
      );
  }

  /** All its outputs are there, and no more than them. */
  async #execution(where: string, task: TaskRow, module: string, row: ExecutionRow): Promise<void> {
    this.#count('executions');
    const at = `${where} ${module} ${row.execution_id}`;
    if (taskHasEnded(task.state) && !hasEnded(row.state))
      this.#fault(at, `is ${row.state}, its task is ${task.state}`);
    if (row.state === 'succeeded' && (row.last_seq === undefined || row.last_seq !== row.outputs))
      this.#fault(at, `has succeeded with ${row.outputs} of ${row.last_seq ?? 'unknown'} outputs`);
    const blobs = new Map(row.blobs ?? []);
    for (let seq = 1; seq <= row.outputs; seq += 1) {
      await this.#payload(at, task, row.execution_id, seq, blobs.get(seq)?.sha256);
      this.#count('outputs');
    }
    for (const [sha256, owner, seq] of wholeStreamsOf(row)) await this.#payload(at, task, owner, seq, sha256);
    const next = await this.#reader.keys('payloads', {
      prefix: [task.problem_id, task.iteration_id, row.execution_id],
      after: [task.problem_id, task.iteration_id, row.execution_id, row.outputs],
      limit: 1,
    });
    if (next[0]) this.#fault(at, `has output ${String(next[0][3])}, and says that there are ${row.outputs}`);
  }

  async #payload(
    where: string,
    task: TaskRow,
    owner: string,
    seq: number,
    blob: string | undefined,
    ref: { readonly problem_id: string; readonly iteration_id: number } = task,
  ): Promise<void> {
    const { problem_id, iteration_id } = ref;
    const what = nameOf(task, owner, seq, iteration_id);
    if (blob !== undefined) {
      if ((await this.#reader.get('blobs', [blob])) === undefined)
        this.#fault(where, `${what} is blob ${blob}, which does not exist`);
      if ((await this.#reader.get('blob_refs', [blob, problem_id, iteration_id, owner, seq])) === undefined)
        this.#fault(where, `${what} is blob ${blob}, which does not know of it`);
    } else if ((await this.#reader.get('payloads', [problem_id, iteration_id, owner, seq])) === undefined) {
      this.#fault(where, `${what} is not there`);
    }
  }

  /** Payloads, events and references of iterations that are not there. */
  async #strays(): Promise<void> {
    for (const table of ['payloads', 'task_events'] as const) {
      let known = '';
      for await (const key of keysOf(this.#reader, table)) {
        const task = `${String(key[0])}/${String(key[1])}`;
        if (task === known) continue;
        known = task;
        if ((await this.#reader.get('iterations', [key[0]!, key[1]!])) === undefined)
          this.#fault(`${table} ${task}`, 'is of no iteration');
      }
    }
    for await (const [state, seq] of this.#listed('problems_by_state')) {
      if ((await this.#reader.get('problems', [seq!])) === undefined)
        this.#fault(`problems_by_state ${String(state)}`, `names ${String(seq)}, which does not exist`);
    }
    await this.#marks.strays();
    for await (const { key, value } of entriesOf(this.#reader, 'iteration_index')) {
      const { project, key: own } = unlisted(key);
      const [field, , problemSeq, iteration] = own;
      const where = `iteration_index ${String(field)}`;
      const problem = await readProblemAt(this.#reader, Number(problemSeq));
      const id = problem && { problemId: problem.problem_id, iterationId: Number(iteration) };
      const row = id && (await readTask(this.#reader, id));
      if (!row || !taskHasEnded(row.state) || projectOfRow(row) !== project)
        this.#fault(where, `names ${problem?.problem_id ?? 'no problem'}/${String(iteration)}`);
      else this.#summary(`${where}: ${row.problem_id}/${row.iteration_id}`, value, problem!, row);
    }
    for await (const key of keysOf(this.#reader, 'blob_refs')) {
      const [sha256, problem, iteration] = key;
      const where = `blob_refs ${String(sha256)}`;
      if ((await this.#reader.get('blobs', [sha256!])) === undefined) this.#fault(where, 'is of no blob');
      if ((await this.#reader.get('iterations', [problem!, iteration!])) === undefined)
        this.#fault(where, `is of ${String(problem)}/${String(iteration)}, which does not exist`);
    }
  }

  /** The keys of a list, each without its project, which has to be that of its problem. */
  async *#listed(list: 'approvals' | 'unfinished' | 'problems_by_state'): AsyncGenerator<Key> {
    for await (const full of keysOf(this.#reader, list)) {
      const { project, key } = unlisted(full);
      const problem = await readProblemAt(this.#reader, problemSeqIn(list, key));
      if (problem && projectOfRow(problem) !== project)
        this.#fault(`${list} ${problem.problem_id}`, `is listed in the project ${project}`);
      yield key;
    }
  }

  /** Each leads to an execution that has succeeded with what it says. */
  async #results(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'results')) {
      const { problem_id, iteration_id, execution_id, outputs } = tables.results.decode(value);
      const where = `results ${String(key[0])}`;
      this.#count('results to take');
      const id = { problemId: problem_id, iterationId: iteration_id };
      const task = await readTask(this.#reader, id);
      const execution =
        Object.values(task?.modules ?? {})
          .flatMap(({ executions }) => executions)
          .find((one) => one.execution_id === execution_id) ??
        (await findInItems(this.#reader, id, execution_id))?.execution;
      if (execution?.cache_key !== key[0] || execution?.state !== 'succeeded')
        this.#fault(
          where,
          `leads to ${execution_id} of ${problem_id}/${iteration_id}, which has not made it`,
        );
      else if (Object.values(outputs).some(({ seq }) => seq > execution.outputs))
        this.#fault(where, `leads to more outputs than ${execution_id} has`);
    }
  }

  async #blobs(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'blobs')) {
      const sha256 = String(key[0]);
      this.#count('blobs');
      const { blobDir, hashBlobs } = this.#options;
      if (blobDir === undefined) continue;
      const { size } = tables.blobs.decode(value);
      const path = blobPath(blobDir, sha256);
      const file = await stat(path).catch(() => undefined);
      if (!file) this.#fault(`blobs ${sha256}`, 'has no file');
      else if (file.size !== size) this.#fault(`blobs ${sha256}`, `has ${size} bytes, its file ${file.size}`);
      else if (hashBlobs) await this.#content(sha256, path);
    }
  }

  /** The files beside a graph file are blobs; whether those are whole is seen with all blobs. */
  async #graphs(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'graphs')) {
      this.#count('graph versions');
      const where = `graphs ${String(key[0])} version ${String(key[1])}`;
      for (const [path, { sha256, size }] of Object.entries(tables.graphs.decode(value).files ?? {})) {
        this.#count('files of graphs');
        const stored = await this.#reader.get('blobs', [sha256]);
        const found = stored && tables.blobs.decode(stored).size;
        if (found === undefined) this.#fault(where, `${path} is blob ${sha256}, which does not exist`);
        else if (found !== size)
          this.#fault(where, `${path} is blob ${sha256} of ${size} bytes, which has ${found}`);
      }
    }
  }

  async #content(sha256: string, path: string): Promise<void> {
    try {
      if ((await hashOfFile(path)) !== sha256)
        this.#fault(`blobs ${sha256}`, 'has a file with other content');
    } catch (thrown) {
      this.#fault(`blobs ${sha256}`, `cannot be read: ${messageOf(thrown)}`);
    }
  }

  async #nodes(): Promise<void> {
    const instances = new Set<string>();
    for await (const { key, value } of entriesOf(this.#reader, 'nodes')) {
      const { node_id, module, instance } = tables.nodes.decode(value);
      this.#count('nodes');
      if (node_id !== key[0]) this.#fault(`nodes ${String(key[0])}`, `says that it is ${node_id}`);
      const name = `${module} ${instance}`;
      if (instances.has(name)) this.#fault(`nodes ${node_id}`, `is a second ${name}`);
      instances.add(name);
    }
  }

  async #clusters(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'clusters')) {
      const { name } = tables.clusters.decode(value);
      this.#count('clusters');
      if (name !== key[0]) this.#fault(`clusters ${String(key[0])}`, `says that it is ${name}`);
    }
  }

  async #secrets(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'secrets')) {
      const { name } = tables.secrets.decode(value);
      this.#count('secrets');
      if (name !== key[0]) this.#fault(`secrets ${String(key[0])}`, `says that it is ${name}`);
    }
  }

  /** Each is a problem, and its newest operation one of that problem's iterations. */
  async #deployments(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'deployments')) {
      const { deployment_id, operation_id } = tables.deployments.decode(value);
      this.#count('deployments');
      const where = `deployments ${String(key[0])}`;
      if (deployment_id !== key[0]) this.#fault(where, `says that it is ${deployment_id}`);
      if ((await this.#reader.get('iterations', [deployment_id, operation_id])) === undefined)
        this.#fault(where, `its operation ${operation_id} is not there`);
    }
  }

  /** Each has what it was asked for, and its open iterations; one that has ended has none, and no iteration of it is unfinished. */
  async #campaigns(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'campaigns')) {
      const { campaign_id, phase, begun, open } = tables.campaigns.decode(value);
      this.#count('campaigns');
      const where = `campaigns ${String(key[0])}`;
      if (campaign_id !== key[0]) this.#fault(where, `says that it is ${campaign_id}`);
      if ((await this.#reader.get('campaign_specs', [campaign_id])) === undefined)
        this.#fault(where, 'what it was asked for is not there');
      if (phase === 'ended' && open.length > 0) this.#fault(where, `has ended with ${open.join(', ')} open`);
      const newest = await this.#reader.keys('iterations', {
        prefix: [campaign_id],
        reverse: true,
        limit: 1,
      });
      const last = Number(newest[0]?.[1] ?? 0);
      // A person may go on with it after its end.
      if (phase === 'ended' ? last < begun : last !== begun)
        this.#fault(where, `has begun ${begun} iterations, and the newest is ${last}`);
      for (const iteration of open)
        if ((await this.#reader.get('iterations', [campaign_id, iteration])) === undefined)
          this.#fault(where, `its iteration ${iteration} is not there`);
    }
    for await (const key of keysOf(this.#reader, 'campaign_specs'))
      if ((await this.#reader.get('campaigns', key)) === undefined)
        this.#fault(`campaign_specs ${String(key[0])}`, 'is of no campaign');
  }

  async #services(): Promise<void> {
    const names = new Set<string>();
    for await (const { key, value } of entriesOf(this.#reader, 'services')) {
      const { name } = tables.services.decode(value);
      names.add(name);
      this.#count('services');
      if (name !== key[0]) this.#fault(`services ${String(key[0])}`, `says that it is ${name}`);
    }
    for await (const { key, value } of entriesOf(this.#reader, 'replicas')) {
      const { replica_id, service } = tables.replicas.decode(value);
      const where = `replicas ${String(key[0])}`;
      this.#count('replicas');
      if (replica_id !== key[0]) this.#fault(where, `says that it is ${replica_id}`);
      if (!names.has(service)) this.#fault(where, `is of service ${service}, which does not exist`);
    }
  }

  async #webhooks(): Promise<void> {
    const newest = await cursorOf(this.#reader);
    for await (const { key, value } of entriesOf(this.#reader, 'webhooks')) {
      const { name, cursor } = tables.webhooks.decode(value);
      this.#count('webhooks');
      const where = `webhooks ${String(key[0])}`;
      if (name !== key[0]) this.#fault(where, `says that it is ${name}`);
      if (cursor > newest) this.#fault(where, `is at event ${cursor}, and the newest is ${newest}`);
    }
  }

  async #grants(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'grants')) {
      const { access_id } = tables.grants.decode(value);
      this.#count('grants');
      if (access_id !== key[0]) this.#fault(`grants ${String(key[0])}`, `says that it is ${access_id}`);
    }
  }

  async #connectionKeys(): Promise<void> {
    const { count, faults } = await checkKeys(this.#reader);
    for (let each = 0; each < count; each += 1) this.#count('connection_keys');
    for (const { where, what } of faults) this.#fault(where, what);
  }

  /** It has no gaps: nothing is ever removed from it. */
  async #audit(): Promise<void> {
    let last = 0;
    for await (const { key, value } of entriesOf(this.#reader, 'audit')) {
      const { audit_id } = tables.audit.decode(value);
      this.#count('entries of the audit');
      const where = `audit ${String(key[0])}`;
      if (audit_id !== key[0]) this.#fault(where, `says that it is ${audit_id}`);
      if (audit_id !== last + 1) this.#fault(where, `comes after ${last}: entries are gone`);
      last = audit_id;
    }
  }

  async #commands(): Promise<void> {
    for await (const { key } of entriesOf(this.#reader, 'commands_pending')) {
      const row = await this.#reader.get('commands', key);
      if (!row) this.#fault(`commands_pending ${String(key[0])}`, 'is not a command');
    }
    for await (const { key, value } of entriesOf(this.#reader, 'boots')) {
      this.#count('replaced boots');
      if (typeof tables.boots.decode(value).replaced_at !== 'number')
        this.#fault(`boots ${String(key[0])}`, 'does not say when it was replaced');
    }
    for await (const { key, value } of entriesOf(this.#reader, 'commands')) {
      this.#count('commands');
      const pending = (await this.#reader.get('commands_pending', key)) !== undefined;
      if (tables.commands.decode(value).state === 'pending' && !pending)
        this.#fault(`commands ${String(key[0])}`, 'is pending, and not listed so');
    }
  }

  async #idempotency(): Promise<void> {
    for await (const { key, value } of entriesOf(this.#reader, 'idempotency')) {
      const { expires_at } = tables.idempotency.decode(value);
      this.#count('idempotency keys');
      if ((await this.#reader.get('idempotency_by_time', [expires_at, key[0]!])) === undefined)
        this.#fault(`idempotency ${String(key[0])}`, 'would never be forgotten');
    }
  }

  #summary(where: string, value: Uint8Array, problem: ProblemRow, task: TaskRow): void {
    let isOwn = false;
    try {
      const summary = decodeSummary(value);
      const now =
        problem.changed_seq === undefined ? summary : summary && remarked(summary, marksRowOf(problem));
      isOwn = now === undefined || isDeepStrictEqual(now, summaryOf(problem, task));
    } catch {
      // It is not a summary at all.
    }
    if (!isOwn) this.#fault(where, 'is listed with a summary that is not its own');
  }

  #count(what: string, by = 1): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + by;
  }

  #fault(where: string, what: string): void {
    if (this.#faults.length < FAULTS_LISTED) this.#faults.push({ where, what });
    else this.#more = true;
  }
}

function isDamage(thrown: unknown): boolean {
  return thrown instanceof TuttiError && thrown.code === 'store_damaged';
}

/** The role of a payload in a task. */
function nameOf(task: TaskRow, owner: string, seq: number, iteration: number): string {
  if (owner === 'input') return 'the input';
  if (seq === 0) return owner;
  return iteration === task.iteration_id
    ? `output ${seq}`
    : `output ${seq} of ${owner} in iteration ${iteration}`;
}
