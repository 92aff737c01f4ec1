/** Whose a problem is, and what facts are about. */

import type { Subject } from '../../../model/facts.js';
import { projectOfRow } from '../../tables/row.js';
import type { Turn } from '../turn.js';
import { problemIn } from './problem.js';

/** Of a fact that nobody can place: nobody is bound to it, so only those who are bound to none are shown it. */
const NOBODYS = '';

/** Of the problem that a fact is about. */
export function projectOf(turn: Turn, fact: Subject & { readonly command_id?: string }): string {
  const { state, loaded } = turn;
  const { problem_id, execution_id, command_id } = fact;
  const known = problem_id === undefined ? undefined : projectOfProblem(turn, problem_id);
  if (known !== undefined) return known;
  const task = execution_id === undefined ? undefined : loaded.executions.get(execution_id)?.task;
  if (task) return task.project;
  const command = command_id === undefined ? undefined : state.commands.get(command_id);
  return command?.target.kind === 'task' ? command.target.project : NOBODYS;
}

/** Of a problem that is in memory, or that the batch in hand refers to. */
export function projectOfProblem({ state, journal, loaded }: Turn, problemId: string): string | undefined {
  // It is there before its problem.
  const campaign = state.campaigns.get(problemId);
  if (campaign) return campaign.project;
  const problem = problemIn(state, journal, problemId);
  if (problem) return problem.project;
  const row = loaded.problems.get(problemId);
  return row && projectOfRow(row);
}
