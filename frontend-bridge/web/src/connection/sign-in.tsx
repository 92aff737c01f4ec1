/** Signing in: the token goes to the orchestrator once, which keeps a session as a cookie that no script can read. */
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import type { MeJson } from '../../../../src/contract/me.js';
import { ApiError, postJson } from '../api/http.js';
import { meQuery } from '../api/queries.js';
import { usePost } from '../api/use-post.js';

/** Whether the page was opened with a token in its address, which is not used. */
let hadTokenInAddress = false;

/** Call before the first request: a link that is shared from the address would carry the token on. */
export function dropTokenFromAddress(): void {
  const address = new URL(location.href);
  if (!address.searchParams.has('token')) return;
  hadTokenInAddress = true;
  address.searchParams.delete('token');
  history.replaceState(history.state, '', address);
}

/** `reason`: why the orchestrator wants a token. */
export function SignIn({ reason }: { reason: string }): ReactNode {
  const [token, setToken] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const { send, pending, error } = usePost(
    (given: string, key) => postJson<MeJson>('login', { token: given }, key),
    () => location.reload(),
  );
  useEffect(() => {
    document.title = 'Sign in · Tutti';
    field.current?.focus();
  }, []);
  useEffect(() => {
    if (error) field.current?.select();
  }, [error]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!pending) send(token.trim());
  };
  return (
    <main className="welcome">
      <form className="form" onSubmit={submit}>
        <h1>Sign in to Tutti</h1>
        <p>{reason}</p>
        {hadTokenInAddress && (
          <p>
            The token in the address was not used: the browser's history and logs keep addresses. If others
            may have seen it, replace it.
          </p>
        )}
        <div className="field">
          <label htmlFor="token">Token</label>
          <input
            id="token"
            ref={field}
            type="password"
            autoComplete="current-password"
            autoCapitalize="none"
            spellCheck={false}
            required
            aria-invalid={error !== null}
            aria-describedby={error ? 'token-hint token-error' : 'token-hint'}
            value={token}
            onChange={(change) => setToken(change.target.value)}
          />
          <small id="token-hint">
            An administrator makes one, with <code>tutti access grant</code>.
          </small>
          <p id="token-error" role="alert" className="fault">
            {error && wordsOf(error)}
          </p>
        </div>
        <div className="actions">
          <button type="submit" className="primary" disabled={pending}>
            {pending ? 'Signing in …' : 'Sign in'}
          </button>
        </div>
      </form>
    </main>
  );
}

function wordsOf(error: Error): string {
  if (error instanceof ApiError && error.code === 'too_many_attempts')
    return `${error.message} Wait a second and try again.`;
  return error.message;
}

/** Nothing where nobody needs to sign in. */
export function SignOutButton(): ReactNode {
  const me = useQuery(meQuery()).data;
  const { send, pending } = usePost(
    (_asked: null, key) => postJson('logout', {}, key),
    () => location.reload(),
  );
  if (me === undefined || me.name === null) return null;
  const who = me.access_id === null ? 'with the configured token' : `as ${me.name}`;
  return (
    <button
      type="button"
      className="sign-button"
      aria-label={`Sign out (you are signed in ${who}, role ${me.role})`}
      title={`Sign out: you are signed in ${who}, role ${me.role}`}
      disabled={pending}
      onClick={() => send(null)}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <path
          d="M9.5 2.5h-6v11h6M6.5 8h7.5M11 5l3 3-3 3"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.4"
        />
      </svg>
    </button>
  );
}
