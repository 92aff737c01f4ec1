import { z } from 'zod';
import type { PeerJson } from '../../../src/contract/peer.js';
import { peerView } from '../answers/peer.js';
import { answers } from '../answers/shape.js';
import type { App } from '../http.js';

/** The orchestrators of the store, the leader first. */
export type ListPeers = () => Promise<readonly PeerJson[]>;

export function peerRoutes(app: App, peers: ListPeers): void {
  app.get(
    '/v1/peers',
    {
      config: { action: 'read' },
      schema: {
        summary: 'The orchestrators of the store: the leader, then its standbys',
        response: answers({ 200: z.object({ items: z.array(peerView) }) }),
      },
    },
    async () => ({ items: await peers() }),
  );
}
