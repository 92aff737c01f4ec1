import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ListedDeploymentJson } from '../../../../src/contract/deployment.js';
import type { ServiceJson } from '../../../../src/contract/service.js';
import { DEFAULT_PROJECT } from '../../../../src/model/access.js';
import { deploymentsQuery, servicesQuery } from '../api/queries.js';
import { useMay } from '../connection/may.js';
import { Chip } from '../display/chip.js';
import { FirstFile } from '../display/first-file.js';
import { FleetTable } from '../display/fleet-table.js';
import { useTab } from '../display/tab.js';
import { Elapsed, Moment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { deploymentTone } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';
import { standingWords } from './standing.js';

const EXAMPLE = `blueprint: shop
components:
  store:
    operations: { create: ./install.sh, start: ./start.sh, stop: ./stop.sh }
  web:
    after: [store]
    operations:
      start: { script: ./web.sh, inputs: { STORE: "\${store.address}" } }
      stop: ./stop-web.sh
`;

/** The applications that were brought up as a whole, newest first. */
export default function DeploymentsPage(): ReactNode {
  const deployments = useQuery(deploymentsQuery());
  const services = useQuery(servicesQuery()).data?.view.items ?? [];
  const mayDeploy = useMay('manage_deployment');
  const items = deployments.data?.view.items ?? [];
  useTab('Deployments');
  return (
    <article className="fleet" aria-labelledby="deployments-title">
      <header className="fleet-head">
        <h1 id="deployments-title">Deployments</h1>
        {items.length > 0 && <p className="none">{describe(items)}</p>}
        {mayDeploy && (
          <span className="tool-end">
            <SelectionLink className="button primary" to={{ page: 'deploy' }} current={false}>
              Deploy a blueprint
            </SelectionLink>
          </span>
        )}
      </header>
      {deployments.isError && <p className="fault">{deployments.error.message}</p>}
      {deployments.isPending && <p className="none">Reading …</p>}
      {deployments.data && items.length === 0 && <FirstDeployment />}
      {items.length > 0 && (
        <FleetTable
          label="All deployments"
          columns={[
            'Deployment',
            'State',
            { name: 'Version', is: 'number' },
            'Newest operation',
            'Changed',
            'Age',
          ]}
        >
          {items.map((deployment) => (
            <DeploymentRow
              key={deployment.deployment_id}
              deployment={deployment}
              services={services.filter((one) => one.deployment_id === deployment.deployment_id)}
            />
          ))}
        </FleetTable>
      )}
    </article>
  );
}

interface DeploymentRowProps {
  readonly deployment: ListedDeploymentJson;
  /** Its own. */
  readonly services: readonly ServiceJson[];
}

function DeploymentRow({ deployment, services }: DeploymentRowProps): ReactNode {
  const { deployment_id, name, project, state, operation, message } = deployment;
  const ailing = services.filter(({ health }) => health === 'degraded');
  const health = ailing.length === 0 ? 'ok' : 'degraded';
  const reasons = ailing.flatMap((one) => one.reasons.map((reason) => `${one.name}: ${reason}`));
  return (
    <tr>
      <th scope="row">
        <SelectionLink
          className="node-name"
          to={{ page: 'deployments', problem: deployment_id }}
          current={false}
        >
          {name}
        </SelectionLink>
        {project !== DEFAULT_PROJECT && <small className="row-more">project {project}</small>}
      </th>
      <td data-label="State">
        <span className="node-status">
          <Chip tone={deploymentTone(state, health)}>{standingWords(state, health)}</Chip>
          {[...(message === null ? [] : [message]), ...reasons].map((reason) => (
            <span key={reason} className="row-fault" title={reason}>
              <Foreign text={reason} />
            </span>
          ))}
        </span>
      </td>
      <td className="figure number" data-label="Version">
        {deployment.version}
      </td>
      <td data-label="Operation">{operation}</td>
      <td data-label="Changed">
        <Moment at={deployment.updated_at} />
      </td>
      <td className="figure" data-label="Age">
        <Elapsed since={deployment.created_at} until={null} />
      </td>
    </tr>
  );
}

/** What a person needs to have the first one. */
function FirstDeployment(): ReactNode {
  return (
    <FirstFile
      title="Bring an application up"
      example={EXAMPLE}
      says="This command brings it up; so does the page, with the same files:"
      command="tutti deploy shop.yaml --wait"
    >
      A deployment brings up an application of several parts in their order, on this machine or on your{' '}
      <SelectionLink className="link" to={{ page: 'clusters' }} current={false}>
        clusters
      </SelectionLink>
      , continues after a failure, and takes the application down again. Describe it in a blueprint, here{' '}
      <code>shop.yaml</code>, with the scripts beside it:
    </FirstFile>
  );
}

function describe(deployments: readonly ListedDeploymentJson[]): string {
  const count = (...states: readonly string[]): number =>
    deployments.filter(({ state }) => states.includes(state)).length;
  return [
    `${count('deployed')} deployed`,
    `${count('deploying', 'updating', 'undeploying')} under way`,
    `${count('failed')} failed`,
  ].join(' · ');
}
