import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ListedCampaignJson } from '../../../../src/contract/campaign.js';
import { DEFAULT_PROJECT } from '../../../../src/model/access.js';
import { formatNumber } from '../../../../src/model/shown-numbers.js';
import { campaignsQuery } from '../api/queries.js';
import { Chip } from '../display/chip.js';
import { FirstFile } from '../display/first-file.js';
import { FleetTable } from '../display/fleet-table.js';
import { useTab } from '../display/tab.js';
import { Elapsed } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { campaignTone } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';
import { reasonOf, standingOf } from './standing.js';

const EXAMPLE = `name: learning rates
graph: training
input: { epochs: 3 }
policy:
  propose: { grid: { /rate: [0.1, 0.01, 0.001] } }
  objective: { field: evaluate.loss, goal: min }
`;

/** Series of iterations that run themselves, newest first. */
export default function CampaignsPage(): ReactNode {
  const campaigns = useQuery(campaignsQuery());
  const items = campaigns.data?.view.items ?? [];
  useTab('Campaigns');
  return (
    <article className="fleet" aria-labelledby="campaigns-title">
      <header className="fleet-head">
        <h1 id="campaigns-title">Campaigns</h1>
        {items.length > 0 && <p className="none">{describe(items)}</p>}
      </header>
      {campaigns.isError && <p className="fault">{campaigns.error.message}</p>}
      {campaigns.isPending && <p className="none">Reading …</p>}
      {campaigns.data && items.length === 0 && <FirstCampaign />}
      {items.length > 0 && (
        <FleetTable
          label="All campaigns"
          columns={[
            ...['Campaign', 'Phase', 'Graph'],
            ...[
              { name: 'Iterations', is: 'number' } as const,
              { name: 'Best', is: 'number' } as const,
              { name: 'Age', is: 'number' } as const,
            ],
          ]}
        >
          {items.map((campaign) => (
            <CampaignRow key={campaign.campaign_id} campaign={campaign} />
          ))}
        </FleetTable>
      )}
    </article>
  );
}

function CampaignRow({ campaign }: { campaign: ListedCampaignJson }): ReactNode {
  const { campaign_id, name, project, graph, iterations, max_iterations, best } = campaign;
  const reason = reasonOf(campaign);
  return (
    <tr>
      <th scope="row">
        <SelectionLink className="node-name" to={{ page: 'campaigns', problem: campaign_id }} current={false}>
          <bdi>{name}</bdi>
        </SelectionLink>
        {project !== DEFAULT_PROJECT && <small className="row-more">project {project}</small>}
      </th>
      <td data-label="Phase">
        <span className="node-status">
          <Chip tone={campaignTone(campaign)}>{standingOf(campaign)}</Chip>
          {reason !== undefined && (
            <span className={campaign.error ? 'row-fault' : 'row-more'} title={reason}>
              <Foreign text={reason} />
            </span>
          )}
        </span>
      </td>
      <td data-label="Graph">{graph}</td>
      <td className="figure number" data-label="Iterations">
        {iterations} of {max_iterations}
      </td>
      <td className="figure number" data-label="Best">
        {best ? formatNumber(best.value) : '–'}
      </td>
      <td className="figure number" data-label="Age">
        <Elapsed since={campaign.created_at} until={campaign.ended_at} />
      </td>
    </tr>
  );
}

/** What a person needs to have the first one. */
function FirstCampaign(): ReactNode {
  return (
    <FirstFile
      title="Let iterations run by themselves"
      example={EXAMPLE}
      says="This command runs it, and exits when it has ended:"
      command="tutti campaign run rates.yaml --wait"
    >
      A campaign tries the points of a grid, random points, or what a module of yours proposes, and keeps the
      best. You watch it here, and pause, step or end it. Describe it in a file, here <code>rates.yaml</code>:
    </FirstFile>
  );
}

function describe(campaigns: readonly ListedCampaignJson[]): string {
  const count = (...phases: readonly ListedCampaignJson['phase'][]): number =>
    campaigns.filter(({ phase }) => phases.includes(phase)).length;
  return [
    `${count('initializing', 'running', 'finalizing')} under way`,
    `${count('completed')} completed`,
    `${count('aborted')} aborted`,
    `${count('errored')} errored`,
  ].join(' · ');
}
