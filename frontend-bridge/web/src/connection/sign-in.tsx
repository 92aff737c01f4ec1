/** Signing in: the token goes to the orchestrator once, which keeps a session as a cookie that no script can read. */
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import type { MeJson } from '../../../../src/contract/me.js';
import { ApiError, postJson } from '../api/http.js';
import { usePost } from '../api/use-post.js';
import { hadTokenInAddress } from './address-token.js';

/** `reason`: why the orchestrator wants a token. */
export default function SignIn({ reason }: { reason: string }): ReactNode {
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
        {hadTokenInAddress() && (
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
            An administrator can create one with <code>tutti access grant</code>.
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
