import { type FormEvent, type ReactNode, useState } from 'react';
import { keepToken } from '../api/token.js';

/** Asks for the access token when the orchestrator wants one; kept for this tab. */
export function TokenForm(): ReactNode {
  const [token, setToken] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    keepToken(token.trim());
    location.reload();
  };
  return (
    <main className="welcome">
      <form className="form" onSubmit={submit}>
        <h1>Tutti</h1>
        <div className="field">
          <label htmlFor="token">This orchestrator asks for its access token.</label>
          <input
            id="token"
            type="password"
            autoComplete="off"
            value={token}
            onChange={(change) => setToken(change.target.value)}
          />
        </div>
        <div className="actions">
          <button type="submit" className="primary">
            Continue
          </button>
        </div>
      </form>
    </main>
  );
}
