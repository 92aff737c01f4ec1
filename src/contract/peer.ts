/** An orchestrator of a store, as `/v1/peers` shows it. */

export const PEER_ROLES = ['leader', 'standby'] as const;
export type PeerRole = (typeof PEER_ROLES)[number];

export interface PeerJson {
  readonly http: string;
  /** `null`: a standby that chooses its port only when it leads. */
  readonly control: string | null;
  readonly role: PeerRole;
  readonly seen_at: string;
}
