/** Why a server's certificate was not accepted, by the codes of Node.js and OpenSSL. */

/** `untrusted`: only another configuration makes it right. `not_valid_now`: it may be renewed. Nothing for any other error. */
export function certificateFault(error: unknown): 'untrusted' | 'not_valid_now' | undefined {
  const { code } = error as { code?: unknown };
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'not_valid_now';
  return typeof code === 'string' && /CERT|SIGNATURE/.test(code) ? 'untrusted' : undefined;
}
