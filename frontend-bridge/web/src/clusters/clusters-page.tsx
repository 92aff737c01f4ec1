import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ClusterJson, ResourcesJson } from '../../../../src/contract/cluster.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import type { AgentState, ClusterStatus } from '../../../../src/model/cluster.js';
import { AGENT_MODULE } from '../../../../src/model/run.js';
import { changeCluster } from '../api/commands.js';
import { clustersQuery, nodesQuery, queuesQuery } from '../api/queries.js';
import { CopyLine } from '../copying/copy-button.js';
import { formatBytes } from '../display/amounts.js';
import { Chip } from '../display/chip.js';
import { FleetTable } from '../display/fleet-table.js';
import { useTab } from '../display/tab.js';
import { Foreign } from '../display/title.js';
import { clusterTone } from '../display/tone.js';
import { RunsNow } from '../nodes/node-table.js';
import { SelectionLink } from '../selection-link.js';

const AGENT_WORDS: Readonly<Record<AgentState, string>> = {
  online: 'online',
  offline: 'offline',
  not_needed: 'not needed yet',
};

/** Where commands run: what each cluster has, what it does now, and what keeps it from work. */
export default function ClustersPage({ selected }: { selected: string | undefined }): ReactNode {
  const clusters = useQuery(clustersQuery());
  const nodes = useQuery(nodesQuery()).data?.view.items ?? [];
  const waiting = (useQuery(queuesQuery()).data ?? []).find(({ module }) => module === AGENT_MODULE)?.waiting;
  const items = clusters.data?.view.items ?? [];
  const agents = nodes.filter(({ module }) => module === AGENT_MODULE);
  useTab('Clusters');
  return (
    <article className="fleet" aria-labelledby="clusters-title">
      <header className="fleet-head">
        <h1 id="clusters-title">Clusters</h1>
        {clusters.data && <p className="none">{describe(items, agents, waiting ?? 0)}</p>}
      </header>
      {clusters.isError && <p className="fault">{clusters.error.message}</p>}
      {clusters.isPending && <p className="none">Reading …</p>}
      {items.length > 0 && (
        <FleetTable
          label="All clusters"
          columns={['Cluster', 'State', 'Runs now', 'Has', 'Labels', 'New work']}
        >
          {items.map((cluster) => (
            <ClusterRow
              key={cluster.name}
              cluster={cluster}
              agent={agents.find(({ instance }) => instance === cluster.name)}
              isSelected={cluster.name === selected}
            />
          ))}
        </FleetTable>
      )}
      <div className="none">
        Add one with{' '}
        <CopyLine
          text="tutti cluster add hpc --type slurm --host login.example.org --user me"
          what="the command line"
        />
      </div>
    </article>
  );
}

function ClusterRow(props: {
  cluster: ClusterJson;
  agent: NodeJson | undefined;
  isSelected: boolean;
}): ReactNode {
  const { cluster, agent, isSelected } = props;
  const { name, type, host, user, status, slots, resources, labels } = cluster;
  return (
    <tr className={isSelected ? 'is-selected' : undefined}>
      <th scope="row">
        <SelectionLink className="node-name" to={{ page: 'clusters', name }} current={isSelected}>
          {name}
        </SelectionLink>
        <small className="row-more">
          {type}
          {host ? ` at ${user ? `${user}@` : ''}${host}` : ''}
        </small>
      </th>
      <td data-label="State">
        <span className="node-status">
          <Chip tone={clusterTone(cluster)}>
            {status === 'active' ? AGENT_WORDS[cluster.agent_state] : status}
          </Chip>
          {cluster.agent_state === 'not_needed' && (
            <small>it starts with the first graph that has a command</small>
          )}
          {cluster.agent === 'remote' && cluster.agent_state === 'offline' && (
            <small>
              start it there: <code>tutti agent --cluster {name}</code>
            </small>
          )}
          {cluster.agent_error && (
            <span className="row-fault">
              <Foreign text={cluster.agent_error.message} />
            </span>
          )}
        </span>
      </td>
      <td data-label="Runs now">
        {agent === undefined ? <span className="none">nothing of {slots}</span> : <RunsNow node={agent} />}
      </td>
      <td className="figure" data-label="Has">
        {slots} {slots === 1 ? 'slot' : 'slots'}
        <small className="row-more">{inWords(resources)}</small>
      </td>
      <td data-label="Labels">
        {Object.keys(labels).length === 0 && <span className="none">none</span>}
        {Object.entries(labels).map(([label, value]) => (
          <small key={label} className="row-more">
            {label}={value}
          </small>
        ))}
      </td>
      <td data-label="New work">
        <StatusButtons cluster={cluster} />
      </td>
    </tr>
  );
}

const STEPS: Readonly<Record<ClusterStatus, readonly (readonly [ClusterStatus, string])[]>> = {
  active: [
    ['draining', 'Drain'],
    ['inactive', 'Deactivate'],
  ],
  draining: [
    ['active', 'Activate'],
    ['inactive', 'Deactivate'],
  ],
  inactive: [['active', 'Activate']],
};

function StatusButtons({ cluster }: { cluster: ClusterJson }): ReactNode {
  const cache = useQueryClient();
  const change = useMutation({
    mutationFn: (status: ClusterStatus) => changeCluster(cluster.name, status),
    onSuccess: () => cache.invalidateQueries({ queryKey: clustersQuery().queryKey }),
  });
  return (
    <div className="actions">
      {STEPS[cluster.status].map(([status, label]) => (
        <button
          key={status}
          type="button"
          className="small"
          disabled={change.isPending}
          aria-label={`${label} ${cluster.name}`}
          onClick={() => change.mutate(status)}
        >
          {label}
        </button>
      ))}
      {change.error && <p className="fault">{change.error.message}</p>}
    </div>
  );
}

function describe(clusters: readonly ClusterJson[], agents: readonly NodeJson[], waiting: number): string {
  const needed = clusters.filter(({ agent_state }) => agent_state !== 'not_needed');
  const online = needed.filter(({ agent_state }) => agent_state === 'online').length;
  const running = agents.reduce((sum, agent) => sum + agent.running.length, 0);
  const queue = waiting === 0 ? 'nothing waits' : `${waiting} ${waiting === 1 ? 'waits' : 'wait'}`;
  const standing = [
    needed.length > 0 ? `${online} of ${needed.length} online` : '',
    needed.length < clusters.length ? `${clusters.length - needed.length} not needed yet` : '',
  ];
  return [...standing.filter((part) => part !== ''), `${running} running`, queue].join(' · ');
}

function inWords(resources: ResourcesJson | null | undefined): string {
  const { cpus, memory, gpus } = resources ?? {};
  return [
    cpus ? `${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}` : '',
    memory ? formatBytes(memory) : '',
    gpus ? `${gpus} ${gpus === 1 ? 'GPU' : 'GPUs'}` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}
