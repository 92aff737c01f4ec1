/** An address that events are posted to. */
export interface WebhookJson {
  readonly name: string;
  /** The one whose events it gets; `*`: all. */
  readonly project: string;
  /** Its origin: the rest of the address may be a secret. */
  readonly url: string;
  /** Types of events; nothing: all. */
  readonly filter: readonly string[] | null;
  /** A filter: only events of problems that it holds for. */
  readonly problem: string | null;
  readonly signed: boolean;
  readonly created_at: string;
  /** The last event that no longer needs a delivery. */
  readonly cursor: number;
  /** Committed events behind it. */
  readonly lag?: number;
  /** An HTTP status, or the reason why there is none. */
  readonly last_status: string | null;
  readonly last_at: string | null;
  /** Since the last delivery. */
  readonly failures: number;
  /** Events that were removed before they were delivered. */
  readonly missed: number;
}

/** What came of a test. */
export interface WebhookTestedJson {
  readonly name: string;
  readonly delivered: boolean;
  readonly status: string;
}
