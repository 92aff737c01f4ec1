import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ReplicaJson, ServiceJson } from '../../../../src/contract/service.js';
import { parseTaskId } from '../../../../src/model/task-id.js';
import { placementQuery } from '../api/queries.js';
import { ClusterLink } from '../clusters/cluster-link.js';
import { Chip } from '../display/chip.js';
import { FleetTable } from '../display/fleet-table.js';
import { Moment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { replicaTone } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';
import { ScaleForm } from './service-buttons.js';
import { mayScale } from './standing.js';

/** The replicas of a service by their clusters, and where one more would go. */
export function ServicePanel(props: { service: ServiceJson; mayCommand: boolean }): ReactNode {
  const { service, mayCommand } = props;
  const { name, count, deployment_id, generation } = service;
  return (
    <section className="panel" aria-labelledby="service-title">
      <header className="panel-head">
        <h2 id="service-title">{name}</h2>
        <span className="figure">generation {generation}</span>
      </header>
      {deployment_id !== null && (
        <p className="none">
          It is a component of{' '}
          <SelectionLink
            className="link"
            to={{ page: 'deployments', problem: deployment_id }}
            current={false}
          >
            a deployment
          </SelectionLink>
          , which scales and removes it.
        </p>
      )}
      {mayCommand && count !== null && mayScale(service) && (
        <ScaleForm key={count} name={name} count={count} />
      )}
      <Replicas service={service} />
      <Placement name={name} />
    </section>
  );
}

export function Replicas({ service }: { service: ServiceJson }): ReactNode {
  const replicas = [...service.replicas].sort(byCluster);
  if (replicas.length === 0) return <p className="none">It has no replica.</p>;
  return (
    <FleetTable
      label={`Replicas of ${service.name}`}
      columns={['Replica', 'State', 'Cluster', 'Restarts', 'Since', 'Its run']}
    >
      {replicas.map((replica) => (
        <ReplicaRow key={replica.replica_id} replica={replica} />
      ))}
    </FleetTable>
  );
}

/** Those that no cluster has got come last. */
function byCluster(a: ReplicaJson, b: ReplicaJson): number {
  if (a.cluster === b.cluster) return 0;
  if (a.cluster === null || b.cluster === null) return a.cluster === null ? 1 : -1;
  return a.cluster < b.cluster ? -1 : 1;
}

function ReplicaRow({ replica }: { replica: ReplicaJson }): ReactNode {
  const { replica_id, cluster, desired, observed, node_id, restarts, reason, since, retry_at } = replica;
  return (
    <tr>
      <th scope="row">
        {node_id === null ? (
          replica_id
        ) : (
          <SelectionLink className="link" to={{ page: 'nodes', node: node_id }} current={false}>
            {replica_id}
          </SelectionLink>
        )}
      </th>
      <td data-label="State">
        <span className="node-status">
          <Chip tone={replicaTone(observed)}>{observed}</Chip>
          {desired === 'stopped' && observed !== 'stopped' && <small>to be stopped</small>}
          {reason !== null && (
            <span className="row-fault" title={reason}>
              <Foreign text={reason} />
            </span>
          )}
          {retry_at !== null && (
            <small>
              starts again <Moment at={retry_at} />
            </small>
          )}
        </span>
      </td>
      <td data-label="Cluster">
        <ClusterLink cluster={cluster} />
      </td>
      <td className="figure" data-label="Restarts">
        {restarts}
      </td>
      <td data-label="Since">
        <Moment at={since} />
      </td>
      <td data-label="Its run">
        <RunLink replica={replica} />
      </td>
    </tr>
  );
}

function RunLink({ replica }: { replica: ReplicaJson }): ReactNode {
  const run = parseTaskId(replica.task_id);
  if (!run) return null;
  const to = { problem: run.problemId, iteration: run.iterationId, part: 'log' } as const;
  return (
    <SelectionLink className="link" to={to} current={false}>
      Log<span className="unseen"> of {replica.replica_id}</span>
    </SelectionLink>
  );
}

function Placement({ name }: { name: string }): ReactNode {
  const placement = useQuery(placementQuery(name));
  const items = placement.data ?? [];
  return (
    <>
      <h3>Placement of another replica</h3>
      {placement.isError && <p className="fault">{placement.error.message}</p>}
      {placement.data && items.length === 0 && <p className="none">There is no cluster.</p>}
      {items.length > 0 && (
        <FleetTable label={`Placement of ${name}`} columns={['Cluster', 'Free', 'Why not']}>
          {items.map(({ cluster, score, reason }) => (
            <tr key={cluster}>
              <th scope="row">
                <SelectionLink className="link" to={{ page: 'clusters', name: cluster }} current={false}>
                  {cluster}
                </SelectionLink>
              </th>
              <td className="figure" data-label="Free">
                {score === null ? '–' : `${Math.round(score * 1000) / 10} %`}
              </td>
              <td data-label="Why not">
                {reason === null ? <span className="none">it fits</span> : <Foreign text={reason} />}
              </td>
            </tr>
          ))}
        </FleetTable>
      )}
    </>
  );
}
