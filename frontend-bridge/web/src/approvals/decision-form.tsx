import { type ReactNode, useId, useState } from 'react';
import type { Decision } from '../../../../src/model/approval.js';
import { decide } from '../api/commands.js';
import { usePost } from '../api/use-post.js';

export interface DecisionFormProps {
  readonly problem: string;
  readonly iteration: number;
  readonly module: string;
}

/** Approve or deny, with a reason for the history. What comes of it is told by events. */
export function DecisionForm({ problem, iteration, module }: DecisionFormProps): ReactNode {
  const id = useId();
  const [reason, setReason] = useState('');
  const post = usePost((asked: { decision: Decision; reason?: string }, key: string) =>
    decide(problem, iteration, module, asked, key),
  );
  const isSent = post.pending || post.result !== undefined;
  const send = (decision: Decision): void =>
    post.send({ decision, ...(reason.trim() !== '' && { reason: reason.trim() }) });
  return (
    <div className="decision">
      <label htmlFor={id}>Reason</label>
      <input
        id={id}
        value={reason}
        maxLength={1000}
        placeholder="for the history (optional)"
        disabled={isSent}
        onChange={({ target }) => setReason(target.value)}
      />
      <div className="actions">
        <button
          type="button"
          className="primary"
          disabled={isSent}
          aria-label={`Approve ${module}`}
          onClick={() => send('approve')}
        >
          Approve
        </button>
        <button type="button" disabled={isSent} aria-label={`Deny ${module}`} onClick={() => send('deny')}>
          Deny
        </button>
      </div>
      {post.error && (
        <p className="fault" role="alert">
          {post.error.message}
        </p>
      )}
    </div>
  );
}
