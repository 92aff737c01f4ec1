import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { postJson } from '../api/http.js';
import { meQuery } from '../api/queries.js';
import { usePost } from '../api/use-post.js';

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
