/**
 * The decision of a proposal, by what the store and the state say at that moment.
 *
 * W1. What has changed since the proposer has read it is declined: the proposer looks again.
 * W2. `held` is a batch that is decided and waits for room. What a removal takes away while one does is recorded before it, so nothing goes that the
 *     batch is about: the removal is right without the batch, which a crash may undo, and with it.
 * W3. A problem that goes as a whole is hidden first, so nobody finds it however long the rest takes, and whatever happens meanwhile.
 * W4. An iteration of another problem that has more than one commit can take away goes in several: first what no other can be made from, then, with nobody
 *     iterating on the problem meanwhile, the rest.
 */
import { campaignHasEnded } from '../../model/campaign.js';
import type { Command } from '../../model/command.js';
import { MAX_TAGS, marksOf } from '../../model/problem.js';
import type { Task } from '../../model/task.js';
import { TASK_ENDS, taskHasEnded } from '../../model/task-state.js';
import type { Belongings, Matter } from '../proposals/look.js';
import { DELETES_AT_ONCE, type Weighed } from '../proposals/proposals.js';
import { declaredBy, everIndexed } from '../tables/declared-indexes.js';
import { remarksOf } from '../tables/problem-row.js';
import { attempt } from './attempt.js';
import { emit } from './emit.js';
import { forgetFolders } from './executions/kept-folders.js';
import type { Journal } from './journal.js';
import { forgetNodes } from './nodes/admission.js';
import { writeRows } from './rows.js';
import type { LoadedGraph } from './state.js';
import type { Turn } from './turn.js';

type MatterOf<K extends Matter['kind']> = Extract<Matter, { kind: K }>;
/** W2. What another batch is about. */
export type Held = Pick<Journal, 'facts' | 'writes' | 'nodes' | 'commands' | 'answered'>;

/** Rows beside the parts of an iteration: its own, its problem's, its campaign's, and those by which the problem is found. */
const OTHER_ROWS =
  5 +
  TASK_ENDS.length +
  1 +
  marksOf({ tags: Array(MAX_TAGS).fill(''), starred: true, archived: true }).length;
/** W1. */
const DECLINED: Weighed = { kind: 'declined' };

/** Adds to the turn's journal what it writes, and throws where it cannot be decided: then nothing is changed. */
export function weigh(turn: Turn, matter: Matter, held: Held | undefined): Weighed {
  let weighed = DECLINED;
  const decided = attempt(turn, () => {
    weighed = weighMatter(turn, matter, held);
    writeRows(turn.state, turn.journal);
  });
  if (!decided.ok) throw decided.thrown;
  return weighed;
}

function weighMatter(turn: Turn, matter: Matter, held: Held | undefined): Weighed {
  const { state } = turn;
  switch (matter.kind) {
    case 'remove iteration':
      return removeIteration(turn, matter, held);
    case 'remove events':
      return removeEvents(turn, matter);
    case 'remove blob':
      return removeBlob(turn, matter, held);
    case 'remove answers': {
      const isOver = ([at, key]: readonly [number, string]): boolean =>
        at <= turn.wallMs && !held?.answered.has(key);
      const expired = matter.expired.filter(isOver);
      // A key may have been used again since.
      const keys = expired
        .filter(([at, key]) => matter.rows.get(key)?.expires_at === at)
        .map(([, key]) => key);
      if (expired.length > 0) emit(turn, { type: 'answers.removed', expired, keys });
      return done(expired.length);
    }
    case 'remove commands': {
      const pending = new Set([...(held?.commands ?? [])].map(({ commandId }) => commandId));
      const ids = matter.commandIds.filter((id) => !state.commands.has(id) && !pending.has(id));
      if (ids.length > 0) emit(turn, { type: 'commands.removed', command_ids: ids });
      return done(ids.length);
    }
    case 'remove boots': {
      const ids = matter.bootIds.filter((id) => !isWritten(held, 'boots', id));
      if (ids.length > 0) emit(turn, { type: 'boots.removed', boot_ids: ids });
      return done(ids.length);
    }
    case 'remove nodes': {
      const { seenBefore, kept } = matter;
      const count = forgetNodes(turn, { seenBefore, kept, spared: nodesOf(held) });
      return done(count, count > 0);
    }
    case 'index iterations':
      return indexIterations(turn, matter);
    case 'complete index': {
      const { graph, field, since } = matter;
      const declared = declaredBy(graph, state.graphs.get(graph) ?? []);
      if (!declared.some((one) => one.field === field && one.since === since)) return DECLINED;
      emit(turn, { type: 'index.completed', graph, field, since });
      return done(1);
    }
    case 'doubt ages':
      emit(turn, matter.doubt ? { type: 'ages.doubted', ...matter.doubt } : { type: 'ages.trusted' });
      return done(1);
    default:
      return matter satisfies never;
  }
}

function done(count: number, isMore = false): Weighed {
  return { kind: 'done', count, isMore };
}

function removeIteration(
  turn: Turn,
  { task, problemSeq: problem_seq, isWhole, newest, fields, found }: MatterOf<'remove iteration'>,
  held: Held | undefined,
): Weighed {
  const { state } = turn;
  const { problemId: problem_id, iterationId: iteration_id } = task;
  if (!found || !taskHasEnded(found.row.state)) return DECLINED;
  const { problem, row, isShown, isOnly, belongings } = found;
  // Its further iterations are made from those before.
  const campaign = state.campaigns.get(problem_id);
  if (campaign && !campaignHasEnded(campaign)) return DECLINED;
  // A later one may have been made from it.
  if (problem.newest_iteration_id !== newest || state.problems.has(problem_id)) return DECLINED;
  // It stands for the problem.
  if (iteration_id === newest && !(isWhole && isOnly)) return DECLINED;
  // It will say something of the iteration yet.
  const isAwaited = ({ target }: Command): boolean =>
    target.kind === 'task' && target.taskId.problemId === problem_id;
  if ([...state.allCommands()].some(isAwaited)) return DECLINED;
  if (held?.facts.some(({ fact }) => 'problem_id' in fact && fact.problem_id === problem_id)) return DECLINED;
  if (everIndexed(state.graphs.get(row.graph)).some((field) => !fields.includes(field))) return DECLINED;
  const { first, isAll } = firstOf(belongings, DELETES_AT_ONCE - OTHER_ROWS);
  const { index, eventPages: event_pages, payloads, blobs, results, items, itemExecutions } = first;
  const of = { problem_id, ...(problem.project !== undefined && { project: problem.project }) };
  const about = { ...of, iteration_id };
  // W3.
  if (isWhole && isShown)
    emit(turn, { type: 'problem.hidden', ...of, problem_seq, marks: marksOf(remarksOf(problem)) });
  const parts = {
    ...{ index, event_pages, payloads, blobs },
    ...(results.length > 0 && { results }),
    ...(items.length > 0 && { items }),
    ...(itemExecutions.length > 0 && { item_executions: itemExecutions }),
  };
  emit(turn, { type: 'iteration.thinned', ...about, problem_seq, ...parts });
  if (!isAll) {
    if (!isWhole) state.undo.add(state.beingRemoved, problem_id);
    return done(0, true);
  }
  emit(turn, { type: 'iteration.removed', ...about });
  forgetFolders(turn, row);
  if (isOnly) emit(turn, { type: 'problem.removed', problem_seq });
  state.undo.drop(state.beingRemoved, problem_id);
  return done(1);
}

/** The nodes that a batch is about, by their node_ids. */
function nodesOf(held: Held | undefined): Set<string> {
  if (!held) return new Set();
  const { nodes, commands, facts } = held;
  return new Set([
    ...[...nodes].map(({ nodeId }) => nodeId),
    ...[...commands].flatMap(({ parts }) => parts.map(({ nodeId }) => nodeId)),
    ...facts.flatMap(({ fact }) => ('node_id' in fact && fact.node_id ? [fact.node_id] : [])),
  ]);
}

/** W4. So many of them, in their order, and whether those are all. */
function firstOf(belongings: Belongings, limit: number): { first: Belongings; isAll: boolean } {
  let left = limit;
  const take = <T>(items: readonly T[]): readonly T[] => {
    const taken = items.slice(0, left);
    left -= taken.length;
    return taken;
  };
  const { index, eventPages, payloads, blobs, results, items, itemExecutions } = belongings;
  const first: Belongings = {
    results: take(results),
    index: take(index),
    eventPages: take(eventPages),
    payloads: take(payloads),
    blobs: take(blobs),
    // What tells of the rest goes last.
    itemExecutions: take(itemExecutions),
    items: take(items),
  };
  const all = [index, eventPages, payloads, blobs, results, items, itemExecutions].reduce(
    (sum, { length }) => sum + length,
    0,
  );
  return { first, isAll: all <= limit };
}

/** Whole pages from the old end. A page ends where the next one begins. */
function removeEvents(turn: Turn, { upTo, pages }: MatterOf<'remove events'>): Weighed {
  const old = pages.filter((_, at) => {
    const next = pages[at + 1];
    return at < DELETES_AT_ONCE && next !== undefined && next - 1 <= upTo;
  });
  const oldest = pages[old.length];
  if (old.length === 0 || oldest === undefined) return done(0);
  emit(turn, { type: 'events.removed', pages: old });
  turn.journal.trim(oldest);
  return done(oldest - old[0]!, old.length === DELETES_AT_ONCE);
}

function removeBlob(
  turn: Turn,
  { sha256, row, isReferred }: MatterOf<'remove blob'>,
  held: Held | undefined,
): Weighed {
  const isNeeded =
    isReferred ||
    isWritten(held, 'blobs', sha256) ||
    isWritten(held, 'blob_refs', sha256) ||
    isUsed(turn.state.tasks.values(), sha256) ||
    isFileOfGraph(turn.state.graphs.values(), sha256);
  if (!row || row.lease_until > turn.wallMs || isNeeded) return DECLINED;
  emit(turn, { type: 'blob.removed', sha256 });
  return done(1);
}

function isWritten(held: Held | undefined, table: 'blobs' | 'blob_refs' | 'boots', name: string): boolean {
  return held?.writes.some((write) => write.table === table && write.key[0] === name) ?? false;
}

/** Whether a graph version has it as a file: versions stay. */
function isFileOfGraph(graphs: Iterable<readonly LoadedGraph[]>, sha256: string): boolean {
  for (const versions of graphs) {
    for (const { files = {} } of versions)
      if (Object.values(files).some((blob) => blob.sha256 === sha256)) return true;
  }
  return false;
}

/** Whether an unfinished task refers to it, committed or not. */
function isUsed(tasks: Iterable<Task>, sha256: string): boolean {
  for (const task of tasks) {
    if (task.input.blob?.sha256 === sha256) return true;
    const given = [
      ...task.pinned.values(),
      ...[...task.overrides.values()].flatMap((refs) => [...refs.values()]),
    ];
    if (given.some(({ blob }) => blob?.sha256 === sha256)) return true;
    for (const run of task.runs) {
      if (run?.phase.kind === 'reused') {
        const { ref, named } = run.phase.output;
        if ([ref, ...(named?.values() ?? [])].some(({ blob }) => blob?.sha256 === sha256)) return true;
      }
      if (run?.phase.kind === 'mapped' && run.phase.ref.blob?.sha256 === sha256) return true;
      for (const { blob } of run?.previous?.values() ?? []) if (blob?.sha256 === sha256) return true;
      for (const { blobs, wholeStreams = {} } of run?.executions ?? []) {
        if (Object.values(wholeStreams).some((blob) => blob.sha256 === sha256)) return true;
        for (const blob of blobs?.values() ?? []) if (blob.sha256 === sha256) return true;
      }
    }
  }
  return false;
}

function indexIterations(turn: Turn, { unchanged }: MatterOf<'index iterations'>): Weighed {
  const kept = unchanged.filter(({ task }) => !turn.state.beingRemoved.has(task.problemId));
  for (const { task, problemSeq, index, summary } of kept) {
    emit(turn, {
      ...{ type: 'iteration.indexed', problem_id: task.problemId, iteration_id: task.iterationId },
      ...(summary.project !== undefined && { project: summary.project }),
      ...{ problem_seq: problemSeq, index, summary },
    });
  }
  return done(kept.length);
}
