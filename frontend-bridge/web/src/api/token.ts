/**
 * The access token: taken from the page's `?token=` once, kept for this tab only, and removed from the address so that a shared
 * link does not carry it.
 */
const KEY = 'tutti.token';

export function readToken(): string | null {
  return sessionStorage.getItem(KEY);
}

export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

/** Call before the first request. */
export function adoptTokenFromAddress(): void {
  const address = new URL(location.href);
  const token = address.searchParams.get('token');
  if (token === null) return;
  keepToken(token);
  address.searchParams.delete('token');
  history.replaceState(history.state, '', address);
}
