import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { QueueJson } from '../../../../src/contract/figures.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import type { ProblemJson } from '../../../../src/contract/problem.js';
import { shownGraph } from '../../../../src/model/private-graph.js';
import { AGENT_MODULE } from '../../../../src/model/run.js';
import type { TaskState } from '../../../../src/model/task-state.js';
import {
  activityQuery,
  failuresQuery,
  nodesQuery,
  problemsQuery,
  queuesQuery,
  statsQuery,
} from '../api/queries.js';
import { useTab } from '../display/tab.js';
import { TaskChip } from '../display/task-chip.js';
import { Elapsed, Moment } from '../display/time.js';
import { Foreign, titleOf } from '../display/title.js';
import { SelectionLink } from '../selection-link.js';
import { NO_FILTER } from '../state/selection.js';
import { readHour } from './hour.js';
import { QueueChart, ThroughputChart } from './hour-chart.js';

/** As many as are taken in at a glance; the rest is in the list. */
const SHOWN = 6;
/** As many names stand in a line. */
const NAMED = 5;

/** The state of the orchestrator: running and waiting work, recent failures, the last hour, and modules without a node. */
export default function HomePage(): ReactNode {
  const running = useProblems('running');
  const waiting = useProblems('waiting');
  const nodes = useQuery(nodesQuery()).data?.view.items ?? [];
  const queues = useQuery(queuesQuery()).data ?? [];
  const missing = queues.filter((queue) => queue.nodes === 0);
  useTab(
    undefined,
    missing.some((queue) => queue.waiting > 0) ? 'held' : running.items.length > 0 ? 'busy' : undefined,
  );
  return (
    <article className="home" aria-labelledby="home-title">
      <header className="fleet-head">
        <h1 id="home-title">Activity</h1>
        <p className="none">{describe(running, waiting, nodes)}</p>
      </header>
      <Missing missing={missing} />
      <div className="home-columns">
        <AtWork running={running} waiting={waiting} nodes={nodes} />
        <FailedLately />
      </div>
      <LastHour />
      <Modules queues={queues} />
    </article>
  );
}

interface Found {
  readonly items: readonly ProblemJson[];
  /** There are more than these. */
  readonly hasMore: boolean;
}

function useProblems(state: TaskState): Found {
  const view = useQuery(problemsQuery({ ...NO_FILTER, state })).data?.view;
  return { items: view?.items ?? [], hasMore: (view?.next ?? null) !== null };
}

function count({ items, hasMore }: Found): string {
  return `${items.length}${hasMore ? '+' : ''}`;
}

function describe(running: Found, waiting: Found, nodes: readonly NodeJson[]): string {
  const alive = nodes.filter(({ liveness }) => liveness === 'alive');
  const slots = alive.reduce((sum, { capacity }) => sum + capacity, 0);
  const taken = alive.reduce((sum, node) => sum + node.running.length, 0);
  return `${count(running)} running · ${count(waiting)} waiting · ${alive.length} of ${nodes.length} nodes alive · ${taken} of ${slots} slots taken`;
}

/** Modules that tasks wait for and nobody plays: what needs a person comes first. */
function Missing({ missing }: { missing: readonly QueueJson[] }): ReactNode {
  const wanted = missing.filter((queue) => queue.waiting > 0);
  if (wanted.length === 0) return null;
  const named = wanted.slice(0, NAMED).map(({ module }) => module);
  const others = wanted.length - named.length;
  return (
    <p className="held-box" role="status">
      <span>
        No node plays <b>{named.join(', ')}</b>
        {others > 0 && ` and ${others} more`}, and tasks wait for {wanted.length === 1 ? 'it' : 'them'}.
      </span>
    </p>
  );
}

function AtWork(props: { running: Found; waiting: Found; nodes: readonly NodeJson[] }): ReactNode {
  const { running, waiting, nodes } = props;
  const shown = [...running.items, ...waiting.items].slice(0, SHOWN);
  return (
    <section className="card-section" aria-labelledby="home-work">
      <header className="section-head">
        <h2 id="home-work">Running now</h2>
        <StateLink state="running">All running</StateLink>
        <StateLink state="waiting">All waiting</StateLink>
      </header>
      {shown.length === 0 && (
        <p className="none">
          Nothing runs.{' '}
          <SelectionLink className="link" to={{ page: 'new' }} current={false}>
            Submit a problem
          </SelectionLink>
        </p>
      )}
      <ul className="brief-list">
        {shown.map((problem) => (
          <li key={problem.problem_id}>
            <ProblemLink problem={problem} />
            <span className="brief-facts">
              <TaskChip state={problem.state} standing={problem.standing} />
              <span>{shownGraph(problem.graph)}</span>
              <AtModules problem={problem} nodes={nodes} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Which of its modules run right now, where, and for how long. */
function AtModules({ problem, nodes }: { problem: ProblemJson; nodes: readonly NodeJson[] }): ReactNode {
  const runs = nodes.flatMap(({ instance, running }) =>
    running
      .filter(({ task_id }) => task_id.startsWith(`${problem.problem_id}/`))
      .map((run) => ({ ...run, instance })),
  );
  if (runs.length === 0)
    return (
      <span>
        since <Moment at={problem.created_at} />
      </span>
    );
  return runs.slice(0, 3).map(({ execution_id, module, instance, since }) => (
    <span key={execution_id} className="figure">
      <b>{module}</b> on {instance}
      {since !== undefined && (
        <>
          {' for '}
          <Elapsed since={since} until={null} />
        </>
      )}
    </span>
  ));
}

function FailedLately(): ReactNode {
  const { items } = useProblems('failed');
  const newest = items.slice(0, SHOWN).map((one) => `${one.problem_id}/${one.newest_iteration_id}`);
  const found = useQuery(failuresQuery(SHOWN, newest.join(' ')));
  const failures = found.data ?? [];
  return (
    <section className="card-section" aria-labelledby="home-failed">
      <header className="section-head">
        <h2 id="home-failed">Failed lately</h2>
        <StateLink state="failed">All failed</StateLink>
      </header>
      {failures.length === 0 && (
        <p className="none">{found.isPending || newest.length > 0 ? 'Reading …' : 'Nothing has failed.'}</p>
      )}
      <ul className="brief-list">
        {failures.map((problem) => {
          const { fields } = problem;
          const at = problem.finished_at ?? problem.created_at;
          return (
            <li key={problem.problem_id}>
              <ProblemLink problem={problem} module={fields['error.module'] ?? undefined} />
              <span className="brief-facts">
                <span className="brief-why">
                  {fields['error.module'] != null && <b>{fields['error.module']}: </b>}
                  <Foreign text={fields['error.message'] ?? 'no reason was given'} />
                </span>
                <span className="figure brief-time">
                  <Moment at={at} date="always" />
                </span>
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function LastHour(): ReactNode {
  const activity = useQuery(activityQuery());
  const stats = useQuery(statsQuery());
  if (!activity.data || !stats.data) return null;
  const hour = readHour(activity.data, stats.data.tasks);
  return (
    <section className="card-section" aria-labelledby="home-hour">
      <header className="section-head">
        <h2 id="home-hour">The last hour</h2>
      </header>
      <div className="hours">
        <ThroughputChart hour={hour} />
        <QueueChart hour={hour} />
      </div>
      <ul className="timeline-legend" aria-label="Colours">
        {(['succeeded', 'failed', 'cancelled'] as const).map((name) => (
          <li key={name}>
            <span className={`hour-sample hour-${name}`} aria-hidden="true" /> {name}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Every module of the newest graphs, those first that somebody has to see to. */
function Modules({ queues }: { queues: readonly QueueJson[] }): ReactNode {
  if (queues.length === 0) return null;
  const ordered = [...queues].sort(
    (a, b) =>
      Number(a.nodes > 0) - Number(b.nodes > 0) || b.waiting - a.waiting || a.module.localeCompare(b.module),
  );
  const missing = queues.filter(({ nodes }) => nodes === 0).length;
  return (
    <section className="card-section" aria-labelledby="home-modules">
      <header className="section-head">
        <h2 id="home-modules">Modules</h2>
        <span className="none">
          {missing === 0 ? 'each has a node' : `${missing} of ${queues.length} without a node`}
        </span>
      </header>
      <ul className="module-lights">
        {ordered.map((queue) => (
          <li
            key={queue.module}
            className={queue.nodes === 0 ? 'module-light module-missing' : 'module-light'}
          >
            <b>{queue.module === AGENT_MODULE ? 'commands, on clusters' : queue.module}</b>
            <span className="figure">
              {queue.nodes === 0 ? 'no node' : `${queue.taken} of ${queue.slots} slots`}
              {queue.waiting > 0 && `, ${queue.waiting} waiting`}
            </span>
            <small>
              {queue.graphs.map((name, index) => (
                <span key={name}>
                  {index > 0 && ', '}
                  <SelectionLink className="link" to={{ page: 'graphs', name }} current={false}>
                    {name}
                  </SelectionLink>
                </span>
              ))}
            </small>
          </li>
        ))}
      </ul>
    </section>
  );
}

function ProblemLink({ problem, module }: { problem: ProblemJson; module?: string | undefined }): ReactNode {
  return (
    <SelectionLink
      className="brief-title"
      to={{ problem: problem.problem_id, iteration: problem.newest_iteration_id, module }}
      current={false}
    >
      <bdi>{titleOf(problem.title, problem.problem_id)}</bdi>
    </SelectionLink>
  );
}

/** Leads to the list of problems, narrowed to a state. */
function StateLink({ state, children }: { state: TaskState; children: ReactNode }): ReactNode {
  return (
    <Link className="link" href={`?page=problems&state=${state}`}>
      {children}
    </Link>
  );
}
