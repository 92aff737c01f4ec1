/**
 * Facts happen here: each is recorded, and the state and the rows are what it makes of them, at once. What follows for deployments and
 * services happens with it.
 */
import type { Moment } from '../../model/durable.js';
import { type Fact, isPublic } from '../../model/facts.js';
import { apply } from '../../model/fold.js';
import { storedProject } from '../tables/row.js';
import { wakeCampaigns } from './campaigns/waking.js';
import { endOfOperation } from './deployments/deployment-ends.js';
import { wakeOperation } from './deployments/waking.js';
import { writeFact } from './rows.js';
import { followUps } from './services/follow-ups.js';
import { projectOf } from './tasks/project.js';
import type { Turn } from './turn.js';

/** Returns the fact's `seq`; of a private fact, that of the last public one. */
export function emit(turn: Turn, said: Fact): number {
  const fact = withProject(turn, said);
  const seq = turn.journal.record(fact);
  const moment = momentOf(turn, seq);
  apply(turn.state, fact, moment);
  writeFact(turn.state, turn.journal, fact, moment);
  const end = turn.state.deployments.size > 0 ? endOfOperation(turn, fact) : undefined;
  if (end) emit(turn, end);
  if (turn.state.deployments.size > 0) wakeOperation(turn.state, fact);
  if (turn.state.campaigns.size > 0) wakeCampaigns(turn, fact);
  if (turn.state.services.size > 0) for (const next of followUps(turn, fact)) emit(turn, next);
  return seq;
}

export function momentOf({ journal, wallMs, nowMs }: Turn, seq: number): Moment {
  return { seq, at: wallMs, nowMs, changed: journal };
}

/** A handler that emits what is shown about a problem need not know whose it is, and cannot forget to say it. */
function withProject(turn: Turn, fact: Fact): Fact {
  // Who makes a problem says whose it is.
  if (fact.type === 'problem.created' || fact.type === 'campaign.initializing') return fact;
  if ('project' in fact || !isPublic(fact)) return fact;
  if (!('problem_id' in fact) || fact.problem_id === undefined) return fact;
  const project = storedProject(projectOf(turn, fact));
  return project === undefined ? fact : { ...fact, project };
}
