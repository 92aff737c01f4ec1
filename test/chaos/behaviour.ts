/** What a test node does with an execution: the same for everybody who knows its id and the seed. */
import { Random, seedOf } from '../support/random.js';

export interface Behaviour {
  readonly reject: boolean;
  /** Never answers: only a stop, a timeout or a death ends it. */
  readonly hang: boolean;
  /** The process ends in the middle of it. */
  readonly crash: boolean;
  readonly fail: 'no' | 'retryable' | 'final';
  /** Outputs before the last one. */
  readonly partials: number;
  readonly durationMs: number;
  /** How long it takes no notice of being stopped. */
  readonly stubbornMs: number;
  /** The last output goes by blob: so many bytes. */
  readonly largeBytes: number;
  /** Speaks up again when it is over, as if it were not. */
  readonly forges: boolean;
}

export function behaviourOf(seed: number, execution: string): Behaviour {
  const random = new Random(seed ^ seedOf(execution));
  return {
    reject: random.chance(0.02),
    hang: random.chance(0.01),
    crash: random.chance(0.004),
    fail: random.chance(0.06) ? (random.chance(0.2) ? 'final' : 'retryable') : 'no',
    partials: random.chance(0.4) ? random.whole(1, 5) : 0,
    durationMs: random.chance(0.1) ? random.between(300, 2500) : random.between(0, 120),
    stubbornMs: random.chance(0.3) ? random.between(500, 5000) : 0,
    largeBytes: random.chance(0.03) ? random.whole(70_000, 200_000) : 0,
    forges: random.chance(0.3),
  };
}

/** What an output says: whose it is, and what it was made from. */
export interface Content {
  readonly execution: string;
  readonly seq: number;
  readonly task: string;
  readonly module: string;
  /** By name, `previous.` before those of the parent: the SHA-256 of the input's bytes. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly forged?: true;
  readonly padding?: string;
}
