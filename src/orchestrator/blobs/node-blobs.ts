/**
 * The rights of a node over HTTP, with the token of its registration (`core/nodes/blob-tokens.ts`): reading and uploading the blobs of its work.
 *
 * B3. It gets the blobs of its own executions that have not ended: their inputs, and of run modules the files. Of any other blob it is told that there is
 *     none, also where it knows its hash.
 * B4. It puts blobs while it has an execution. They are of no project before an output names them.
 * B5. With a key that is revoked, a token is worth nothing from then on.
 */
import type { Execution } from '../../model/task.js';
import { nodeOfBlobToken } from '../core/nodes/blob-tokens.js';
import { blobsFor } from '../core/schedule/assigned.js';
import type { State } from '../core/state.js';
import type { Blobs, BlobsOfNodes, NodeHolder, Refusal } from '../port.js';
import { refusal } from '../refusal.js';
import { noSuchBlob } from './blobs.js';

export interface NodeBlobsDeps {
  readonly state: State;
  readonly blobs: Blobs;
  /** Whether this key may still be here. @default connections are not encrypted */
  readonly isEnrolled?: ((key: string) => boolean) | undefined;
  /** The loop's monotonic clock. */
  readonly nowMs: () => number;
}

export class NodeBlobs implements BlobsOfNodes {
  readonly #deps: NodeBlobsDeps;

  constructor(deps: NodeBlobsDeps) {
    this.#deps = deps;
  }

  holderOf(token: string): NodeHolder | undefined {
    const { state, nowMs, isEnrolled } = this.#deps;
    const node = nodeOfBlobToken(state, token, nowMs());
    // B5
    if (!node || (node.key !== undefined && isEnrolled?.(node.key) === false)) return undefined;
    return { nodeId: node.nodeId, name: `${node.module}/${node.instance}` };
  }

  blobsOf({ nodeId }: NodeHolder): Blobs {
    const { state, blobs } = this.#deps;
    const executions = (): readonly Execution[] => [...(state.nodes.get(nodeId)?.executions ?? [])];
    const isGiven = (sha256: string): boolean =>
      executions().some(({ task, position }) =>
        blobsFor(state, task, position).some((blob) => blob.sha256 === sha256),
      );
    return {
      // B3
      open: async (sha256) => (isGiven(sha256) ? blobs.open(sha256) : noSuchBlob(sha256)),
      // B4
      put: async (sha256, content) => (executions().length > 0 ? blobs.put(sha256, content) : idle()),
    };
  }
}

function idle(): Refusal {
  const message = 'the node has no execution, so it cannot have an output to upload';
  return refusal('conflict', 'no_execution', message);
}
