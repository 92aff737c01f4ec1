/** The end of a cluster. */
import { LOCAL_CLUSTER } from '../../../model/cluster.js';
import { AGENT_MODULE } from '../../../model/run.js';
import type { Answer } from '../../port.js';
import { refusal } from '../../refusal.js';
import { emit } from '../emit.js';
import { noteProcessGone } from '../executions/commands.js';
import { loseExecution } from '../nodes/nodes.js';
import type { Turn } from '../turn.js';
import { agentOf, unknownCluster } from './clusters.js';

/**
 * Its agent is forgotten with it; one that is still there is refused when it says hello again. What runs keeps the cluster, unless its agent is dead:
 * then nobody but the remover can say that nothing more will come of it.
 */
export function removeCluster(turn: Turn, name: string): Answer {
  const { state } = turn;
  if (!state.clusters.has(name)) return unknownCluster(name);
  if (name === LOCAL_CLUSTER) {
    return refusal('conflict', 'local_cluster', `the cluster ${name} is always there`, {
      hint: 'deactivate it, so that nothing is placed on it',
    });
  }
  const agent = agentOf(state, name);
  if (agent && agent.taken > 0 && agent.liveness !== 'dead') {
    const message = `${agent.taken} ${agent.taken === 1 ? 'execution runs' : 'executions run'} on cluster ${name}`;
    return refusal('conflict', 'cluster_in_use', message, {
      hint: 'drain it, and remove it when they have ended',
    });
  }
  if (agent) {
    for (const execution of [...agent.executions])
      loseExecution(turn, agent, execution, 'its cluster was removed');
    noteProcessGone(turn, agent);
    emit(turn, { type: 'node.forgotten', node_id: agent.nodeId });
  }
  emit(turn, { type: 'cluster.removed', cluster: name });
  state.free(AGENT_MODULE);
  return { ok: true, kind: 'done', body: { name } };
}
