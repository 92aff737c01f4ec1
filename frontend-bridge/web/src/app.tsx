import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useEffect, useRef } from 'react';
import { ApiError } from './api/http.js';
import { meQuery, nodesQuery } from './api/queries.js';
import { ConnectionIndicator, NoticeBar } from './connection/indicator.js';
import { SignOutButton } from './connection/sign-out.js';
import { Boundary } from './display/boundary.js';
import { useApprovalsBadge, useTab } from './display/tab.js';
import { ThemeSwitch } from './display/theme-switch.js';
import type { LiveFeed } from './live/feed.js';
import { ProblemList } from './problems/problem-list.js';
import { SelectionLink } from './selection-link.js';
import { useShortcut, useShortcutList } from './shortcuts/shortcuts.js';
import { type Select, type Selection, useSelection } from './state/selection.js';

const SignIn = lazy(() => import('./connection/sign-in.js'));
const TaskPage = lazy(() => import('./task/task-view.js'));
const HomePage = lazy(() => import('./home/home-page.js'));
const NewProblem = lazy(() => import('./problems/new-problem.js'));
const IterationsPage = lazy(() => import('./iterations/iterations-page.js'));
const GraphsPage = lazy(() => import('./graphs/graphs-page.js'));
const SearchPage = lazy(() => import('./iterations/search-page.js'));
const ClustersPage = lazy(() => import('./clusters/clusters-page.js'));
const ServicesPage = lazy(() => import('./services/services-page.js'));
const DeploymentsPage = lazy(() => import('./deployments/deployments-page.js'));
const DeployPage = lazy(() => import('./deployments/deploy-page.js'));
const UpdatePage = lazy(() => import('./deployments/update-page.js'));
const DeploymentPage = lazy(() => import('./deployments/deployment-page.js'));
const CampaignsPage = lazy(() => import('./campaigns/campaigns-page.js'));
const CampaignPage = lazy(() => import('./campaigns/campaign-page.js'));
const ApprovalsPage = lazy(() => import('./approvals/approvals-page.js'));
const WebhooksPage = lazy(() => import('./webhooks/webhooks-page.js'));
const JobsPage = lazy(() => import('./jobs/jobs-page.js'));
const AuditPage = lazy(() => import('./audit/audit-page.js'));
const NodesPage = lazy(() => import('./nodes/nodes-page.js'));

export function App({ feed }: { feed: LiveFeed }): ReactNode {
  const [selection, select] = useSelection();
  const nodes = useQuery(nodesQuery());
  const me = useQuery(meQuery());
  const { page, problem, iteration } = selection;
  const pages = useRef<HTMLElement>(null);
  // On a phone, not all of them are in sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is the current one.
  useEffect(() => {
    pages.current
      ?.querySelector('[aria-current="true"]')
      ?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [page]);
  useShortcut('g h', 'Go home', () => select({}));
  useShortcut('g g', 'Go to the graphs', () => select({ page: 'graphs' }));
  useShortcut('g n', 'Go to the nodes', () => select({ page: 'nodes' }));
  useShortcut('g c', 'Go to the clusters', () => select({ page: 'clusters' }));
  useShortcut('g s', 'Go to the services', () => select({ page: 'services' }));
  useShortcut('g d', 'Go to the deployments', () => select({ page: 'deployments' }));
  useShortcut('g p', 'Go to the campaigns', () => select({ page: 'campaigns' }));
  useShortcut('g j', 'Go to the jobs', () => select({ page: 'jobs' }));
  useShortcut('g a', 'Go to the approvals', () => select({ page: 'approvals' }));
  useShortcut('g w', 'Go to the webhooks', () => select({ page: 'webhooks' }));
  useShortcut('g u', 'Go to the audit', () => select({ page: 'audit' }), me.data?.role === 'admin');
  useShortcut('n', 'Start a new problem', () => select({ page: 'new', problem, iteration }));
  useShortcut('/', 'Search the problems', focusSearch);
  const unknown = [me.error, nodes.error].find((error) => error instanceof ApiError && error.status === 401);
  if (unknown)
    return (
      <Suspense fallback={null}>
        <SignIn reason={unknown.message} />
      </Suspense>
    );
  const alive = nodes.data?.view.items.filter((node) => node.liveness === 'alive').length;
  const isHome = page === undefined && problem === undefined;
  return (
    <>
      <button type="button" className="skip" onClick={() => document.getElementById('stage')?.focus()}>
        Skip to the stage
      </button>
      <header className="topbar">
        <a className="wordmark" href="./">
          Tutti
        </a>
        <nav aria-label="Pages" className="pages" ref={pages}>
          <SelectionLink className="page" to={{}} current={isHome}>
            Home
          </SelectionLink>
          <SelectionLink
            className="page page-problems"
            to={problem === undefined ? { page: 'problems' } : { problem, iteration }}
            current={page === 'problems' || (problem !== undefined && isOfProblem(page))}
          >
            Problems
          </SelectionLink>
          <SelectionLink className="page" to={{ page: 'search' }} current={page === 'search'}>
            Search
          </SelectionLink>
          <SelectionLink className="page" to={{ page: 'graphs' }} current={page === 'graphs'}>
            Graphs
          </SelectionLink>
          <SelectionLink className="page" to={{ page: 'nodes' }} current={page === 'nodes'}>
            Nodes {alive !== undefined && <small>{alive} alive</small>}
          </SelectionLink>
          <SelectionLink className="page" to={{ page: 'clusters' }} current={page === 'clusters'}>
            Clusters
          </SelectionLink>
          <SelectionLink className="page" to={{ page: 'services' }} current={page === 'services'}>
            Services
          </SelectionLink>
          <SelectionLink
            className="page"
            to={{ page: 'deployments' }}
            current={page === 'deployments' || page === 'deploy'}
          >
            Deployments
          </SelectionLink>
          <SelectionLink className="page" to={{ page: 'campaigns' }} current={page === 'campaigns'}>
            Campaigns
          </SelectionLink>
          <SelectionLink className="page" to={{ page: 'jobs' }} current={page === 'jobs'}>
            Jobs
          </SelectionLink>
          <ApprovalsLink isCurrent={page === 'approvals'} />
          <SelectionLink className="page" to={{ page: 'webhooks' }} current={page === 'webhooks'}>
            Webhooks
          </SelectionLink>
          {me.data?.role === 'admin' && (
            <SelectionLink className="page" to={{ page: 'audit' }} current={page === 'audit'}>
              Audit
            </SelectionLink>
          )}
        </nav>
        <ConnectionIndicator feed={feed} />
        <ThemeSwitch />
        <SignOutButton />
        <ShortcutsButton />
      </header>
      <NoticeBar feed={feed} />
      <div className="hall" data-open={page !== 'problems'}>
        <aside className="side" aria-label="Problems">
          <SelectionLink
            className="button primary wide"
            to={{ page: 'new', problem, iteration }}
            current={page === 'new'}
          >
            New problem
          </SelectionLink>
          <ProblemList selected={problem} />
        </aside>
        <main id="stage" className="stage" tabIndex={-1}>
          <Boundary view={JSON.stringify(selection)}>
            <Suspense fallback={<p className="none">Reading …</p>}>
              <Stage selection={selection} select={select} />
            </Suspense>
          </Boundary>
        </main>
      </div>
    </>
  );
}

function DeploymentStage({ selection, select }: { selection: Selection; select: Select }): ReactNode {
  const { page, problem, module } = selection;
  if (page === 'deployments') {
    return problem === undefined ? (
      <DeploymentsPage />
    ) : (
      <DeploymentPage key={problem} deployment={problem} component={module} onSelect={select} />
    );
  }
  const show = ({ deployment_id }: { readonly deployment_id: string }): void =>
    select({ page: 'deployments', problem: deployment_id });
  return problem === undefined ? (
    <DeployPage onBegun={show} />
  ) : (
    <UpdatePage key={problem} deployment={problem} onBegun={show} />
  );
}

function Stage({ selection, select }: { selection: Selection; select: Select }): ReactNode {
  const { page, problem, iteration } = selection;
  switch (page) {
    case 'new':
      return (
        <NewProblem
          shown={selection}
          onClose={() => select({ problem, iteration })}
          onCreated={(created) => select({ problem: created.problem_id, iteration: created.iteration_id })}
        />
      );
    case 'nodes':
      return <NodesPage selected={selection.node} onSelect={(node) => select({ page: 'nodes', node })} />;
    case 'clusters':
      return <ClustersPage selected={selection.name} />;
    case 'services':
      return <ServicesPage selected={selection.name} />;
    case 'deployments':
    case 'deploy':
      return <DeploymentStage selection={selection} select={select} />;
    case 'campaigns':
      return problem === undefined ? (
        <CampaignsPage />
      ) : (
        <CampaignPage key={problem} campaign={problem} onSelect={select} />
      );
    case 'approvals':
      return <ApprovalsPage />;
    case 'webhooks':
      return <WebhooksPage />;
    case 'audit':
      return <AuditPage />;
    case 'jobs':
      return <JobsPage selected={problem} />;
    case 'graphs':
      return <GraphsPage name={selection.name} version={selection.version} />;
    case 'search':
      return <SearchPage />;
    case 'problems':
      return <Tacet />;
    case 'iterations':
      return problem === undefined ? (
        <Tacet />
      ) : (
        <IterationsPage key={problem} problem={problem} onSelect={select} />
      );
    case undefined:
      return problem === undefined ? (
        <HomePage />
      ) : (
        <TaskPage
          problem={problem}
          iteration={iteration}
          module={selection.module}
          item={selection.item}
          at={selection.at}
          part={selection.part}
          onSelect={select}
        />
      );
    default:
      return page satisfies never;
  }
}

/** Whether a page is about the problem that is selected, and not about something else that has its id. */
function isOfProblem(page: Selection['page']): boolean {
  return page === undefined || page === 'iterations';
}

/** With how many wait: the number of those that need a person is not left out on a narrow screen. */
function ApprovalsLink({ isCurrent }: { isCurrent: boolean }): ReactNode {
  const badge = useApprovalsBadge();
  return (
    <SelectionLink className="page" to={{ page: 'approvals' }} current={isCurrent}>
      Approvals {badge !== undefined && <span className="badge figure">{badge}</span>}
    </SelectionLink>
  );
}

function Tacet(): ReactNode {
  useTab('Problems');
  return (
    <div className="tacet">
      <h1>Nothing is selected</h1>
      <p>Choose a problem, or submit a new one, to follow it through its graph.</p>
    </div>
  );
}

function ShortcutsButton(): ReactNode {
  const showList = useShortcutList();
  return (
    <button
      type="button"
      className="sign-button shortcuts-button"
      aria-label="Keyboard shortcuts"
      title="Keyboard shortcuts (?)"
      onClick={showList}
    >
      ?
    </button>
  );
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('.filters input[type="search"], .filters input')?.focus();
}
