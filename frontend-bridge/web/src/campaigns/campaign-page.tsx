import './campaigns.css';
import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useMemo } from 'react';
import { printJson } from '../../../../src/base/json/json-text.js';
import { stepsOf } from '../../../../src/base/json/pointer.js';
import type { CampaignJson } from '../../../../src/contract/campaign.js';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import { ApiError } from '../api/http.js';
import { campaignQuery, newestGraphQuery } from '../api/queries.js';
import { useMay } from '../connection/may.js';
import { Chip } from '../display/chip.js';
import { useTab } from '../display/tab.js';
import { Elapsed, Moment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { campaignTone } from '../display/tone.js';
import { Iterations } from '../iterations/iterations-page.js';
import { useIterationRows } from '../iterations/use-rows.js';
import { SelectionLink } from '../selection-link.js';
import type { Select } from '../state/selection.js';
import { CampaignButtons } from './campaign-buttons.js';
import { nextOf, reasonOf, standingOf } from './standing.js';

const ProgressChart = lazy(() => import('./progress-chart.js'));

/** A campaign as it stands now: how its objective comes on, its iterations beside each other, and what may be done with it. */
export default function CampaignPage(props: { campaign: string; onSelect: Select }): ReactNode {
  const { campaign: id, onSelect } = props;
  const found = useQuery(campaignQuery(id));
  const campaign = found.data?.view.campaign;
  const graph = useQuery({ ...newestGraphQuery(campaign?.graph ?? ''), enabled: campaign !== undefined });
  useTab(campaign?.name ?? 'Campaign', campaign && campaignTone(campaign).tone);
  if (found.isError && !campaign) return <Failure error={found.error} id={id} />;
  if (!campaign) return <p className="none">Reading …</p>;
  const error = found.error ?? graph.error;
  return (
    <article className="task" aria-labelledby="campaign-title">
      <Head campaign={campaign} />
      {error && <p className="fault">{error.message}</p>}
      {campaign.iterations === 0 ? (
        <p className="none">No iteration has begun.</p>
      ) : (
        <>
          <Progress campaign={campaign} />
          {graph.data && (
            <Iterations
              problem={id}
              graph={graph.data}
              preset={columnsOf(campaign)}
              mayIterate={campaign.ended_at !== null}
              onSelect={onSelect}
            />
          )}
        </>
      )}
    </article>
  );
}

function Head({ campaign }: { campaign: CampaignJson }): ReactNode {
  const { campaign_id, name, graph, graph_version, iterations, max_iterations, best } = campaign;
  const mayCommand = useMay('run_campaign');
  const reason = reasonOf(campaign);
  const next = nextOf(campaign);
  return (
    <header className="task-head">
      <nav aria-label="Where this is">
        <SelectionLink className="link" to={{ page: 'campaigns' }} current={false}>
          All campaigns
        </SelectionLink>
      </nav>
      <div className="task-title">
        <h1 id="campaign-title">
          <bdi>{name}</bdi>
        </h1>
        {mayCommand && <CampaignButtons key={campaign_id} campaign={campaign} />}
      </div>
      <div className="task-facts">
        <Chip tone={campaignTone(campaign)}>{standingOf(campaign)}</Chip>
        <span className="figure">
          {iterations} of {max_iterations} iterations
        </span>
        <SelectionLink
          className="link"
          to={{ page: 'graphs', name: graph, version: graph_version }}
          current={false}
        >
          {graph} version {graph_version}
        </SelectionLink>
        <span className="figure">
          {campaign.ended_at === null ? 'for' : 'took'}{' '}
          <Elapsed since={campaign.created_at} until={campaign.ended_at} />
        </span>
        {campaign.deployment && (
          <SelectionLink
            className="link"
            to={{ page: 'deployments', problem: campaign.deployment.deployment_id }}
            current={false}
          >
            deployment {campaign.deployment.name}
          </SelectionLink>
        )}
      </div>
      {reason !== undefined && campaign.ended_by === null && (
        <p className={campaign.error ? 'fault' : 'held-box'} role={campaign.error ? 'alert' : 'status'}>
          <Foreign text={reason} />
        </p>
      )}
      <dl className="campaign-facts">
        {campaign.ended_by !== null && <Fact name="Ends">{reason}</Fact>}
        {next !== undefined && <Fact name="Next">{next}</Fact>}
        {campaign.next_at !== null && (
          <Fact name="Next time">
            <Moment at={campaign.next_at} />
          </Fact>
        )}
        {campaign.deadline !== null && (
          <Fact name="Deadline">
            <Moment at={campaign.deadline} />
          </Fact>
        )}
        {campaign.schedule && (
          <Fact name="Schedule">
            <code>{campaign.schedule.cron}</code> ({campaign.schedule.time_zone})
          </Fact>
        )}
        {best && (
          <Fact name="Best">
            <b className="figure">{formatNumber(best.value)}</b> in{' '}
            <SelectionLink
              className="link"
              to={{ problem: campaign_id, iteration: best.iteration_id }}
              current={false}
            >
              iteration {best.iteration_id}
            </SelectionLink>{' '}
            <code className="best-input">{pointOf(campaign, best.input)}</code>
          </Fact>
        )}
      </dl>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Progress({ campaign }: { campaign: CampaignJson }): ReactNode {
  const { objective } = campaign.policy;
  const field = objective?.field;
  const columns = useMemo(() => (field === undefined ? [] : [field]), [field]);
  const { rows } = useIterationRows(campaign.campaign_id, columns);
  if (!objective) return null;
  return (
    <Suspense fallback={<p className="none">Reading …</p>}>
      <ProgressChart rows={rows} field={objective.field} goal={objective.goal} />
    </Suspense>
  );
}

/** By JSON pointer, what varies; nothing where a module proposes, or nothing does. */
function pointersOf({ policy }: CampaignJson): readonly string[] {
  const { grid, random } = policy.propose;
  return Object.keys(Object(grid ?? random ?? {}));
}

/** What varies, and before it what it leads to. */
function columnsOf(campaign: CampaignJson): readonly string[] {
  const inputs = pointersOf(campaign).map((pointer) => ['input', ...stepsOf(pointer)].join('.'));
  const { objective } = campaign.policy;
  return [...(objective ? [objective.field] : []), ...inputs];
}

/** The values of what varies, or the whole input. */
function pointOf(campaign: CampaignJson, input: unknown): string {
  const pointers = pointersOf(campaign);
  if (pointers.length === 0) return printJson(input) ?? '';
  return pointers
    .map((pointer) => {
      const value = stepsOf(pointer).reduce<unknown>((at, step) => Object(at)[step], input);
      return `${pointer.slice(1)} = ${printJson(value) ?? '–'}`;
    })
    .join(', ');
}

function Failure({ error, id }: { error: Error; id: string }): ReactNode {
  const isMissing = error instanceof ApiError && error.status === 404;
  return (
    <p className="fault" role="alert">
      {isMissing ? `There is no campaign ${id} here.` : error.message}
    </p>
  );
}
