/** A command that was given to nodes. */
import type { ErrorJson } from './answer.js';

export interface CommandJson {
  readonly command_id: string;
  readonly state: 'pending' | 'acked' | 'refused' | 'expired';
  readonly parts: readonly { readonly node_id: string; readonly error?: ErrorJson | null }[];
}
