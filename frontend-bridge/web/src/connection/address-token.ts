/** Whether the page was opened with a token in its address, which is not used. */
let isThere = false;

/** Call before the first request: a link that is shared from the address would carry the token on. */
export function dropTokenFromAddress(): void {
  const address = new URL(location.href);
  if (!address.searchParams.has('token')) return;
  isThere = true;
  address.searchParams.delete('token');
  history.replaceState(history.state, '', address);
}

export function hadTokenInAddress(): boolean {
  return isThere;
}
