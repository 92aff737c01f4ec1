import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { EVENT_TYPES, type EventType } from '../../../../src/model/facts.js';
import { MAX_WEBHOOK_SECRET, MIN_WEBHOOK_SECRET } from '../../../../src/model/webhook.js';
import { addWebhook, type NewWebhook } from '../api/commands.js';
import { ApiError } from '../api/http.js';
import { webhooksQuery } from '../api/queries.js';
import { usePost } from '../api/use-post.js';

/** What people mostly want to be told. */
const COMMON: readonly (readonly [type: EventType, words: string])[] = [
  ['iteration.failed', 'A task has failed'],
  ['iteration.succeeded', 'A task has succeeded'],
  ['approval.requested', 'A person is asked to decide'],
  ['node.dead', 'A node is gone'],
];

/** A new webhook. Without a chosen event, all are posted. */
export function WebhookForm({ onClose }: { onClose: () => void }): ReactNode {
  const id = useId();
  const cache = useQueryClient();
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [secret, setSecret] = useState('');
  const [problem, setProblem] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [others, setOthers] = useState('');
  const post = usePost(
    (webhook: NewWebhook, key: string) => addWebhook(webhook, key),
    () => {
      void cache.invalidateQueries({ queryKey: webhooksQuery().queryKey });
      onClose();
    },
  );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const filter = [...new Set([...chosen, ...others.split(/[\s,]+/).filter((type) => type !== '')])];
    post.send({
      ...{ name, url },
      ...(filter.length > 0 && { filter }),
      ...(problem.trim() !== '' && { problem: problem.trim() }),
      ...(secret !== '' && { secret }),
    });
  };
  const toggle = (type: string, isChosen: boolean): void =>
    setChosen(new Set(isChosen ? [...chosen, type] : [...chosen].filter((one) => one !== type)));
  const details = post.error instanceof ApiError ? post.error.details : [];
  return (
    <form className="form" aria-labelledby={`${id}-title`} onSubmit={submit}>
      <h2 id={`${id}-title`}>Add a webhook</h2>
      <div className="field">
        <label htmlFor={`${id}-name`}>Name</label>
        <input
          id={`${id}-name`}
          value={name}
          required
          spellCheck={false}
          autoComplete="off"
          onChange={({ target }) => setName(target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-url`}>Address</label>
        <input
          id={`${id}-url`}
          type="url"
          value={url}
          required
          placeholder="https://chat.example.org/hooks/…"
          autoComplete="off"
          onChange={({ target }) => setUrl(target.value)}
        />
        <p className="help">Only its origin is shown afterwards: the rest may be a secret.</p>
      </div>
      <EventFields {...{ chosen, toggle, others, setOthers }} />
      <div className="field">
        <label htmlFor={`${id}-problem`}>Only problems that match (optional)</label>
        <input
          id={`${id}-problem`}
          value={problem}
          placeholder='tags has "urgent"'
          spellCheck={false}
          autoComplete="off"
          onChange={({ target }) => setProblem(target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-secret`}>Secret that signs each delivery (optional)</label>
        <input
          id={`${id}-secret`}
          type="password"
          value={secret}
          minLength={MIN_WEBHOOK_SECRET}
          maxLength={MAX_WEBHOOK_SECRET}
          autoComplete="new-password"
          onChange={({ target }) => setSecret(target.value)}
        />
      </div>
      {post.error && (
        <div className="fault" role="alert">
          <p>{post.error.message}</p>
          {details.map(({ path, message }) => (
            <p key={path}>
              <code>{path}</code> {message}
            </p>
          ))}
        </div>
      )}
      <div className="actions">
        <button type="submit" className="primary" disabled={post.pending}>
          {post.pending ? 'Adding …' : 'Add'}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

interface EventFieldsProps {
  readonly chosen: ReadonlySet<string>;
  readonly toggle: (type: string, isChosen: boolean) => void;
  readonly others: string;
  readonly setOthers: (others: string) => void;
}

/** Which events are posted. */
function EventFields({ chosen, toggle, others, setOthers }: EventFieldsProps): ReactNode {
  const id = useId();
  return (
    <fieldset className="group">
      <legend>Events</legend>
      <p className="help">Without a choice, all events are posted.</p>
      {COMMON.map(([type, words]) => (
        <label key={type} className="choice">
          <input
            type="checkbox"
            checked={chosen.has(type)}
            onChange={({ target }) => toggle(type, target.checked)}
          />
          <span>
            {words} <code>{type}</code>
          </span>
        </label>
      ))}
      <div className="field">
        <label htmlFor={`${id}-others`}>Other types, separated by spaces</label>
        <input
          id={`${id}-others`}
          list={`${id}-types`}
          value={others}
          spellCheck={false}
          autoComplete="off"
          onChange={({ target }) => setOthers(target.value)}
        />
        <datalist id={`${id}-types`}>
          {EVENT_TYPES.map((type) => (
            <option key={type} value={type} />
          ))}
        </datalist>
      </div>
    </fieldset>
  );
}
