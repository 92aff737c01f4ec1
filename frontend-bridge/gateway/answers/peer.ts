import { z } from 'zod';
import { PEER_ROLES, type PeerJson } from '../../../src/contract/peer.js';
import type { Documented } from './documented.js';
import { time } from './fields.js';
import { named } from './shape.js';

export const peerView: Documented<PeerJson> = named(
  'Peer',
  z.looseObject({
    http: z.string().describe('The URL of its HTTP API'),
    control: z
      .string()
      .nullable()
      .describe('Where nodes reach it; null for a standby that chooses its port only when it leads'),
    role: z.enum(PEER_ROLES),
    seen_at: time.describe('Its last sign of life, by the clock of the store. RFC 3339, UTC'),
  }),
);
