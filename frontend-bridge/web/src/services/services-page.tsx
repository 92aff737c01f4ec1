import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ServiceJson } from '../../../../src/contract/service.js';
import { servicesQuery } from '../api/queries.js';
import { ClusterLink } from '../clusters/cluster-link.js';
import { useMay } from '../connection/may.js';
import { Chip } from '../display/chip.js';
import { FirstFile } from '../display/first-file.js';
import { FleetTable } from '../display/fleet-table.js';
import { useTab } from '../display/tab.js';
import { Foreign } from '../display/title.js';
import { serviceTone } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';
import { ServiceButtons } from './service-buttons.js';
import { ServicePanel } from './service-panel.js';
import { clustersOf, standingOf, upOf } from './standing.js';

const EXAMPLE = `services:
  - name: detect
    module: detect          # its replicas are nodes of this module
    count: 2
    command: [node, detect.js]
    files: { detect.js: ./detect.js }
`;

/** What is kept running: how many replicas of each service there are, where, and what is wrong; of the chosen one, each replica. */
export default function ServicesPage({ selected }: { selected: string | undefined }): ReactNode {
  const services = useQuery(servicesQuery());
  const mayCommand = useMay('manage_service');
  const items = services.data?.view.items ?? [];
  const chosen = items.find(({ name }) => name === selected);
  useTab('Services');
  return (
    <article className="fleet" aria-labelledby="services-title">
      <header className="fleet-head">
        <h1 id="services-title">Services</h1>
        {items.length > 0 && <p className="none">{describe(items)}</p>}
      </header>
      {services.isError && <p className="fault">{services.error.message}</p>}
      {services.isPending && <p className="none">Reading …</p>}
      {services.data && items.length === 0 && <FirstService />}
      {items.length > 0 && (
        <FleetTable
          label="All services"
          columns={[
            ...['Service', 'Health', 'Up', 'On', 'Restarts'],
            ...(mayCommand ? [{ name: 'Commands', is: 'unseen' } as const] : []),
          ]}
        >
          {items.map((service) => (
            <ServiceRow
              key={service.name}
              service={service}
              mayCommand={mayCommand}
              isSelected={service.name === selected}
            />
          ))}
        </FleetTable>
      )}
      {chosen && <ServicePanel key={chosen.name} service={chosen} mayCommand={mayCommand} />}
    </article>
  );
}

function ServiceRow(props: { service: ServiceJson; mayCommand: boolean; isSelected: boolean }): ReactNode {
  const { service, mayCommand, isSelected } = props;
  const { name, type, module, reasons, replicas } = service;
  const restarts = replicas.reduce((sum, replica) => sum + replica.restarts, 0);
  const { up, wanted } = upOf(service);
  return (
    <tr className={isSelected ? 'is-selected' : undefined}>
      <th scope="row">
        <SelectionLink className="node-name" to={{ page: 'services', name }} current={isSelected}>
          {name}
        </SelectionLink>
        <small className="row-more">
          {type}
          {module !== null && `, nodes of ${module}`}
        </small>
      </th>
      <td data-label="Health">
        <span className="node-status">
          <Chip tone={serviceTone(service)}>{standingOf(service)}</Chip>
          {reasons.map((reason) => (
            <span key={reason} className="row-fault" title={reason}>
              <Foreign text={reason} />
            </span>
          ))}
        </span>
      </td>
      <td className="figure" data-label="Up">
        {up} of {wanted}
      </td>
      <td data-label="On">
        {clustersOf(replicas).map(([cluster, count]) => (
          <span key={cluster} className="row-more">
            <ClusterLink cluster={cluster} /> {count}
          </span>
        ))}
        {clustersOf(replicas).length === 0 && <span className="none">no cluster</span>}
      </td>
      <td className="figure" data-label="Restarts">
        {restarts}
      </td>
      {mayCommand && (
        <td>
          <ServiceButtons service={service} />
        </td>
      )}
    </tr>
  );
}

/** What a person needs to have the first one. */
function FirstService(): ReactNode {
  return (
    <FirstFile
      title="Keep something running"
      example={EXAMPLE}
      says="This command starts it, and changes it when the file has changed:"
      command="tutti service apply services.yaml"
    >
      A service keeps as many replicas of a program running as you ask for, on this machine or on your{' '}
      <SelectionLink className="link" to={{ page: 'clusters' }} current={false}>
        clusters
      </SelectionLink>
      . Describe it in a file, here <code>services.yaml</code>:
    </FirstFile>
  );
}

function describe(services: readonly ServiceJson[]): string {
  const degraded = services.filter(({ health, desired }) => health === 'degraded' && desired === 'running');
  const counts = services.map(upOf);
  const up = counts.reduce((sum, one) => sum + one.up, 0);
  const wanted = counts.reduce((sum, one) => sum + one.wanted, 0);
  return [
    `${up} of ${wanted} ${wanted === 1 ? 'replica' : 'replicas'} up`,
    degraded.length === 0 ? 'none degraded' : `${degraded.length} degraded`,
  ].join(' · ');
}
