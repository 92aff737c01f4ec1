import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import { needsHelp, type WaitingCode } from '../../../../src/model/waiting.js';
import { nodesQuery, taskQueueQuery } from '../api/queries.js';
import { CopyLine } from '../copying/copy-button.js';
import { Elapsed } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { SelectionLink } from '../selection-link.js';
import { remedyOf, type Want } from './standstill.js';

/** More modules than these are only named, and of more than those it is only said how many they are. */
const NAMED = 3;
const MORE_NAMED = 8;
const NODES_NAMED = 3;
/** Why a command waits. */
const COMMANDS: readonly WaitingCode[] = ['no_cluster', 'no_free_cluster', 'no_secret'];

export interface ShortagesProps {
  readonly task: TaskJson;
  readonly graph: GraphJson;
  readonly wants: readonly Want[];
}

/** What the task lacks, since when, and what would help. */
export function Shortages({ task, graph, wants }: ShortagesProps): ReactNode {
  const nodes = useQuery(nodesQuery()).data?.view.items ?? [];
  const lacking = wants.filter(({ waiting }) => waiting.code === 'no_node');
  const queued = wants.filter(({ waiting }) => waiting.code === 'no_free_slot');
  const commands = wants.filter(({ waiting }) => COMMANDS.includes(waiting.code)).slice(0, NAMED);
  const asked = wants.filter(({ waiting }) => waiting.code === 'approval');
  const named = lacking.slice(0, NAMED);
  const others = lacking.slice(NAMED).map(({ module }) => module);
  return (
    <>
      {lacking.length > 0 && (
        <div className="held-box" role="status">
          {named.map((want) => (
            <Lacking key={want.module} want={want} graph={graph} nodes={nodes} />
          ))}
          {others.length > 0 && (
            <p>
              {others.length === 1
                ? 'One more module lacks a node'
                : `${others.length} more modules lack a node`}
              : {others.slice(0, MORE_NAMED).join(', ')}
              {others.length > MORE_NAMED && ' …'}
            </p>
          )}
        </div>
      )}
      {asked.length > 0 && (
        <div className="held-box" role="status">
          {asked.slice(0, NAMED).map((want) => (
            <p key={want.module}>
              <SelectionLink
                className="link"
                to={{ problem: task.problem_id, iteration: task.iteration_id, module: want.module }}
                current={false}
              >
                {want.module}
              </SelectionLink>{' '}
              is <Foreign text={want.reason} /> <Waiting want={want} />
            </p>
          ))}
          {asked.length > NAMED && <p>{asked.length - NAMED} more wait for approval</p>}
        </div>
      )}
      {commands.length > 0 && (
        <div
          className={
            commands.some(({ waiting }) => needsHelp(waiting)) ? 'held-box' : 'held-box held-box-calm'
          }
          role="status"
        >
          {commands.map((want) => (
            <p key={want.module}>
              <b>{want.module}</b> is <Foreign text={want.reason} />{' '}
              {want.waiting.code !== 'no_secret' && (
                <SelectionLink className="link" to={{ page: 'clusters' }} current={false}>
                  Clusters
                </SelectionLink>
              )}{' '}
              <Waiting want={want} />
            </p>
          ))}
        </div>
      )}
      {queued.length > 0 && <Queued task={task} wants={queued} />}
    </>
  );
}

function Lacking(props: { want: Want; graph: GraphJson; nodes: readonly NodeJson[] }): ReactNode {
  const { want, graph, nodes } = props;
  const remedy = remedyOf(want.module, graph, nodes);
  return (
    <p>
      {remedy.nodes.length === 0 ? 'No node plays ' : 'No node accepts work for '}
      <b>{want.module}</b>
      {remedy.labels.length > 0 && ` with ${remedy.labels.join(', ')}`}: start one with{' '}
      <CopyLine text={remedy.line} what={`the line that starts ${want.module}`} /> <Waiting want={want} />
      {remedy.nodes.slice(0, NODES_NAMED).map((node) => (
        <span key={node.node_id} className="held-more">
          <SelectionLink className="link" to={{ page: 'nodes', node: node.node_id }} current={false}>
            {node.instance}
          </SelectionLink>
          is {standingOf(node)}
        </span>
      ))}
      {remedy.nodes.length > 0 && (
        <span className="held-more">
          <Foreign text={want.reason} />
        </span>
      )}
    </p>
  );
}

function standingOf(node: NodeJson): string {
  if (node.liveness !== 'alive') return node.liveness;
  return node.desired_status === 'started' ? node.status.toLowerCase() : `to be ${node.desired_status}`;
}

/** Modules whose nodes are all busy, with how many come before this task. */
function Queued({ task, wants }: { task: TaskJson; wants: readonly Want[] }): ReactNode {
  const queue = useQuery(taskQueueQuery(task.problem_id, task.iteration_id));
  return (
    <div className="held-box held-box-calm" role="status">
      {wants.map((want) => {
        const place = queue.data?.find(({ module }) => module === want.module);
        return (
          <p key={want.module}>
            All nodes of <b>{want.module}</b> are busy
            {place && `: ${aheadInWords(place.ahead)}`} <Waiting want={want} />
          </p>
        );
      })}
    </div>
  );
}

export function aheadInWords(ahead: number): string {
  if (ahead === 0) return 'this task is next';
  return ahead === 1 ? '1 task waits ahead of this one' : `${ahead} tasks wait ahead of this one`;
}

function Waiting({ want }: { want: Want }): ReactNode {
  if (want.since === undefined) return null;
  return (
    <span className="figure held-since">
      waiting for <Elapsed since={new Date(want.since).toISOString()} until={null} />
    </span>
  );
}
