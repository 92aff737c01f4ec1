import type { Stage } from './stage.js';

export type Level = 'minimal' | 'full';

/** One rule of the protocol, and how to see that a node keeps it. */
export interface ConformCase {
  /** `<subject>.<what>`; stable. */
  readonly id: string;
  readonly level: Level;
  /** The required behaviour of a node. */
  readonly sentence: string;
  /**
   * `joined`: registered, IDLE, holding nothing. `process`: just started, which is dearer.
   * @default 'joined'
   */
  readonly needs?: 'joined' | 'process';
  /** Nobody can play with the node afterwards. @default false */
  readonly spends?: boolean;
  /** Throws `Unmet` where the node does not. */
  readonly run: (stage: Stage) => Promise<void>;
}
