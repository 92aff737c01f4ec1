/** An entry of the audit, as `/v1/audit` shows it. */
import type { AuditResult } from '../model/audit.js';

export interface AuditEntryJson {
  /** From 1 on, without gaps. */
  readonly audit_id: number;
  readonly at: string;
  /** Of the last one of refusals that are alike. */
  readonly last_at: string;
  /** Refusals that are alike share an entry. */
  readonly times: number;
  /** `null`: nobody needs a token, or none was shown that is anybody's. */
  readonly by: string | null;
  readonly access_id: string | null;
  readonly address: string | null;
  /** Whose work it was about; `null`: what is shared. */
  readonly project: string | null;
  readonly action: string;
  readonly operation: string;
  readonly target: Readonly<Record<string, string | number>>;
  readonly result: AuditResult;
  /** Of the refusal. */
  readonly code: string | null;
  readonly message: string | null;
}
