/** Configuration requests: passed on to the node, answered when it answers or when the time is over. */
import type { ConfigReply } from '../../../model/protocol.js';
import type { Request } from '../../port.js';
import { refusal } from '../../refusal.js';
import { remember } from '../answers.js';
import type { FleetNode } from '../state.js';
import type { Turn } from '../turn.js';

const DEFAULT_TIMEOUT_MS = 10_000;

/** Returns whether the node is asked. */
export function configure(
  turn: Turn,
  id: number,
  request: Extract<Request, { kind: 'configure' }>,
  dedupe: { readonly key: string; readonly hash: string } | undefined,
): boolean {
  const { state, journal } = turn;
  const node = state.nodes.get(request.nodeId);
  if (!node) {
    journal.answer(id, refusal('not_found', 'unknown_node', `no node ${request.nodeId}`));
    return false;
  }
  if (node.liveness !== 'alive' || node.route === undefined) {
    const message = `node ${node.instance} is ${node.liveness === 'alive' ? 'not connected' : node.liveness}`;
    journal.answer(id, refusal('conflict', 'node_not_alive', message));
    return false;
  }
  const transactionId = turn.ids.uuid();
  const { configuration } = request;
  const transaction = { transactionId, nodeId: node.nodeId, configuration, requests: [id], dedupe };
  state.undo.put(state.configurations, transactionId, transaction);
  journal.tell(node, { kind: 'config_request', transactionId, configuration });
  state.timers.set(
    { kind: 'configuration over', transactionId },
    turn.nowMs + (request.timeoutMs ?? DEFAULT_TIMEOUT_MS),
  );
  return true;
}

export function receiveConfigReply(turn: Turn, node: FleetNode, reply: ConfigReply): void {
  const transaction = turn.state.configurations.get(reply.transactionId);
  if (transaction?.nodeId === node.nodeId) answerConfiguration(turn, reply.transactionId, reply);
}

/** Without a reply: the time is over. */
export function answerConfiguration(turn: Turn, transactionId: string, reply: ConfigReply | undefined): void {
  const { state } = turn;
  const transaction = state.configurations.get(transactionId);
  if (!transaction) return;
  state.undo.remove(state.configurations, transactionId);
  state.timers.clear({ kind: 'configuration over', transactionId });
  const answer = reply
    ? ({
        ok: true,
        kind: 'done',
        body: {
          success: reply.success,
          configuration: reply.configuration,
          ...(reply.error && { error: reply.error }),
        },
      } as const)
    : refusal('timeout', 'no_answer', 'the node did not answer in time');
  for (const request of transaction.requests) turn.journal.answer(request, answer);
  if (reply) remember(turn, transaction.dedupe, answer);
}
