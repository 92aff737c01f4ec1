/** The audit: who did something, from where, and with what result. */

/** Who asks for something. */
export interface Asker {
  /** Of a grant; `token`: the configured one; `configuration`: what the process is started with. @default nobody needs a token, or none was shown */
  readonly by?: string;
  /** Of the grant. @default it was none */
  readonly accessId?: string;
  /** @default it did not come from outside */
  readonly address?: string;
}

export const AUDIT_RESULTS = ['done', 'refused'] as const;
export type AuditResult = (typeof AUDIT_RESULTS)[number];

/** The action that was done or tried. */
export interface Deed extends Asker {
  /** One of the table of rights, or one of those that come before it: `sign_in`, `join`. */
  readonly action: string;
  /** More exactly: a kind of request, or a route. */
  readonly operation: string;
  /** Its subject, by the names of the public JSON. */
  readonly target?: Readonly<Record<string, string | number>>;
  /** Whose work it was about. @default shared by all */
  readonly project?: string;
}

export interface RefusedDeed extends Deed {
  readonly code: string;
  readonly message: string;
}

/** A new entry. A refusal that has an entry replaces it, and counts all equal refusals since. */
export type AuditNote =
  | (Deed & { readonly result: 'done' })
  | (RefusedDeed & {
      readonly result: 'refused';
      readonly times: number;
      /** The entry that it has, and when it was made. @default none */
      readonly entry?: { readonly id: number; readonly at: number };
    });

/** In the place of a name: what the process is started with. */
export const BY_CONFIGURATION = 'configuration';
