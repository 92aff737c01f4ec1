/**
 * Configuration queries: each goes to a node of the module that it names, and its answer goes out in the order of the requests.
 *
 * The form keeps a queue of its queries to each node, and takes the first from it with every answer: one out of order, or for another
 * node, would shift all later ones.
 */
import type { View, Workspace } from '../../src/orchestrator/port.js';
import { bad, Refused } from './refused.js';
import { isFree, isPresent, type NodeList } from './status.js';
import { type FormNode, nodeOf } from './words.js';

/** A node may have to look something up. */
const ANSWER_WITHIN_MS = 60_000;
/** Queries of one node that wait for each other. */
const MOST_WAITING = 100;

export interface ConfigurationAnswer {
  readonly message: string;
  readonly response: Readonly<Record<string, unknown>>;
}

interface Queue {
  waiting: number;
  last: Promise<void>;
}

export class Configuration {
  readonly #coordinator: Pick<Workspace, 'request'>;
  readonly #nodes: NodeList;
  readonly #queues = new Map<number, Queue>();
  #transactions = 0;

  constructor(coordinator: Pick<Workspace, 'request'>, nodes: NodeList) {
    this.#coordinator = coordinator;
    this.#nodes = nodes;
  }

  /**
   * Asks, and gives the answer once it is this request's turn. `written` settles when it has been written, or its client has gone: then
   * it is the next one's turn. Throws `Refused` for a bad body, without a turn.
   */
  async ask(body: View, written: Promise<void>): Promise<ConfigurationAnswer> {
    const { configuration, node_id: id, request_id } = body;
    if (typeof configuration !== 'string') throw bad('invalid_body', 'configuration must be a text.');
    if (!Number.isInteger(id)) throw bad('invalid_body', 'node_id must be a whole number.');
    const queue = this.#queueOf(id as number);
    if (queue.waiting >= MOST_WAITING)
      throw new Refused(503, 'too_many_queries', `${MOST_WAITING} queries wait for this node already.`);
    queue.waiting += 1;
    this.#transactions = (this.#transactions + 1) % 2 ** 31;
    const transaction = this.#transactions;
    const before = queue.last;
    queue.last = before.then(() => written);
    try {
      const answer = await this.#answerOf(nodeOf(id), configuration);
      await before;
      return {
        message: 'Configuration request sent successfully.',
        response: {
          node_id: id,
          transaction_id: transaction,
          ...(request_id !== undefined && { request_id }),
          ...answer,
        },
      };
    } finally {
      queue.waiting -= 1;
    }
  }

  #queueOf(id: number): Queue {
    // Others than the six are answered at once.
    const known = this.#queues.get(id);
    if (known) return known;
    const queue: Queue = { waiting: 0, last: Promise.resolve() };
    if (nodeOf(id)) this.#queues.set(id, queue);
    return queue;
  }

  async #answerOf(node: FormNode | undefined, configuration: string): Promise<View> {
    if (!node) return failed('There is no node with this node_id.');
    const nodes = await this.#nodes.of(node.module);
    const chosen = nodes.filter(isPresent).sort((a, b) => Number(isFree(b)) - Number(isFree(a)))[0];
    if (!chosen) return failed(`No node of ${node.module} is there.`);
    const answer = await this.#coordinator.request({
      kind: 'configure',
      nodeId: String(chosen.node_id),
      configuration,
      timeoutMs: ANSWER_WITHIN_MS,
    });
    if (!answer.ok) return failed(answer.message);
    const { success, configuration: held, error } = answer.body as View & { error?: View };
    if (success !== true) return failed(String(error?.message ?? 'The node refused.'));
    return { success: true, err_code: 0, configuration: String(held) };
  }
}

function failed(error: string): View {
  return { success: false, err_code: 1, configuration: JSON.stringify({ error }) };
}
