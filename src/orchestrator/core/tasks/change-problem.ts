/**
 * The descriptive fields of a problem: title, tags, notes, star, archived.
 *
 * 1. A change says only what is another afterwards; one that changes nothing is not a fact.
 * 2. The last one to write a field is right, unless they name the revision that they have seen: then it is the newest, or nothing is done.
 */
import { canonicalJson } from '../../../base/json/canonical.js';
import { marksOf, NO_REMARKS, type Problem, type Remarks } from '../../../model/problem.js';
import type { Answer, ProblemChange, Request, View } from '../../port.js';
import { refusal } from '../../refusal.js';
import { problemFromRow } from '../../tables/problem-row.js';
import { emit } from '../emit.js';
import type { Turn } from '../turn.js';
import { problemIn } from './problem.js';

export function changeProblem(turn: Turn, request: Extract<Request, { kind: 'change_problem' }>): Answer {
  const { state, journal, loaded } = turn;
  const { problemId, change, revision } = request;
  const row = loaded.problems.get(problemId);
  const problem = problemIn(state, journal, problemId) ?? (row && problemFromRow(row));
  if (!problem) return refusal('not_found', 'unknown_problem', `no problem ${problemId}`);
  if (revision !== undefined && revision !== revisionOf(problem)) {
    const message = `problem ${problemId} has changed in the meantime: its revision is ${revisionOf(problem)}, not ${revision}`;
    const hint = 'read it again, and change its current version';
    return refusal('outdated', 'revision_outdated', message, { hint });
  }
  const changed = changedBy(problem, remarksFrom(change));
  if (Object.keys(changed).length > 0) {
    // Memory holds problems with unfinished iterations only: it comes back as it was stored.
    if (!state.problems.has(problemId)) state.undo.put(state.problems, problemId, problem);
    const before = marksOf(problem);
    const after = marksOf({ ...problem, ...changed });
    const gained = after.filter((mark) => !before.includes(mark));
    const lost = before.filter((mark) => !after.includes(mark));
    emit(turn, { type: 'problem.changed', problem_id: problemId, ...changed, gained, lost });
  }
  return { ok: true, kind: 'done', body: viewOf(problem) };
}

/** The changed fields with their new values; `null` becomes the default of a new problem. */
export function remarksFrom(change: ProblemChange): Partial<Remarks> {
  const said: Record<string, unknown> = {};
  for (const name of Object.keys(NO_REMARKS) as (keyof Remarks)[]) {
    const value = change[name];
    if (value !== undefined) said[name] = value ?? NO_REMARKS[name];
  }
  return said;
}

function changedBy(problem: Remarks, said: Partial<Remarks>): Partial<Remarks> {
  const entries = Object.entries(said) as [keyof Remarks, unknown][];
  return Object.fromEntries(
    entries.filter(([name, value]) => canonicalJson(problem[name]) !== canonicalJson(value)),
  );
}

function revisionOf({ changedSeq, createdSeq }: Problem): number {
  return changedSeq ?? createdSeq;
}

function viewOf(problem: Problem): View {
  const { problemId, title, tags, notes, starred, archived } = problem;
  return { problem_id: problemId, title, tags, notes, starred, archived, revision: revisionOf(problem) };
}
