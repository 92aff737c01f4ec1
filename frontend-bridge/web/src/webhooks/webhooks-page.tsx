import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { WebhookJson } from '../../../../src/contract/webhook.js';
import { DEFAULT_PROJECT } from '../../../../src/model/access.js';
import { removeWebhook, testWebhook } from '../api/commands.js';
import { webhooksQuery } from '../api/queries.js';
import { usePost } from '../api/use-post.js';
import { useMay } from '../connection/may.js';
import { Chip } from '../display/chip.js';
import { FleetTable } from '../display/fleet-table.js';
import { useTab } from '../display/tab.js';
import { Moment } from '../display/time.js';
import type { Tone } from '../display/tone.js';
import { WebhookForm } from './webhook-form.js';

/** The addresses that events are posted to: how far each is, and how its last attempt ended. */
export default function WebhooksPage(): ReactNode {
  const webhooks = useQuery(webhooksQuery());
  const mayManage = useMay('manage_webhook');
  const [isAdding, setIsAdding] = useState(false);
  const items = webhooks.data ?? [];
  useTab('Webhooks');
  return (
    <article className="fleet" aria-labelledby="webhooks-title">
      <header className="fleet-head">
        <h1 id="webhooks-title">Webhooks</h1>
        {mayManage && !isAdding && (
          <button type="button" onClick={() => setIsAdding(true)}>
            Add a webhook
          </button>
        )}
      </header>
      {webhooks.isError && <p className="fault">{webhooks.error.message}</p>}
      {webhooks.isPending && <p className="none">Reading …</p>}
      {isAdding && <WebhookForm onClose={() => setIsAdding(false)} />}
      {webhooks.data && items.length === 0 && (
        <p className="none">No webhook has been added: events are posted nowhere.</p>
      )}
      {items.length > 0 && (
        <FleetTable
          label="All webhooks"
          columns={[
            ...['Webhook', 'State', 'Events'],
            ...(['Behind', 'Failures', 'Missed'] as const).map((name) => ({ name, is: 'number' as const })),
            { name: 'Commands', is: 'unseen' },
          ]}
        >
          {items.map((webhook) => (
            <WebhookRow key={webhook.name} webhook={webhook} mayManage={mayManage} />
          ))}
        </FleetTable>
      )}
    </article>
  );
}

function WebhookRow({ webhook, mayManage }: { webhook: WebhookJson; mayManage: boolean }): ReactNode {
  const { name, url, project, signed, filter, problem, cursor, lag, failures, missed } = webhook;
  return (
    <tr>
      <th scope="row">
        <span className="node-name">{name}</span>
        <small className="row-more">{url}</small>
        <small className="row-more">
          {signed ? 'signed' : 'not signed'}
          {project !== DEFAULT_PROJECT && ` · ${project === '*' ? 'all projects' : `project ${project}`}`}
        </small>
      </th>
      <td data-label="State">
        <Standing webhook={webhook} />
      </td>
      <td data-label="Events">
        {filter === null ? 'all' : filter.join(', ')}
        {problem !== null && (
          <small className="row-more">
            of problems with <code>{problem}</code>
          </small>
        )}
      </td>
      <td className="figure number" data-label="Behind" title={`delivered up to event ${cursor}`}>
        {lag ?? '–'}
      </td>
      <td className="figure number" data-label="Failures">
        {failures}
      </td>
      <td className="figure number" data-label="Missed">
        {missed}
      </td>
      <td>{mayManage && <WebhookButtons name={name} />}</td>
    </tr>
  );
}

/** How its last attempt ended, and when that was. */
function Standing({ webhook }: { webhook: WebhookJson }): ReactNode {
  const { last_status: status, last_at: at } = webhook;
  return (
    <span className="node-status">
      <Chip tone={toneOf(webhook)}>{wordOf(webhook)}</Chip>
      {status !== null && (
        <small>
          {status}
          {at !== null && (
            <>
              {' · '}
              <Moment at={at} />
            </>
          )}
        </small>
      )}
    </span>
  );
}

function wordOf({ last_status, failures }: WebhookJson): string {
  if (last_status === null) return 'nothing to deliver yet';
  return failures > 0 ? 'not accepted' : 'delivering';
}

function toneOf({ last_status, failures }: WebhookJson): Tone {
  if (last_status === null) return { tone: 'quiet', glyph: 'hollow' };
  return failures > 0 ? { tone: 'bad', glyph: 'cross' } : { tone: 'good', glyph: 'full' };
}

function WebhookButtons({ name }: { name: string }): ReactNode {
  const cache = useQueryClient();
  const [isAsking, setIsAsking] = useState(false);
  const read = (): Promise<void> => cache.invalidateQueries({ queryKey: webhooksQuery().queryKey });
  const test = usePost((one: string, key: string) => testWebhook(one, key), read);
  const remove = usePost((one: string) => removeWebhook(one), read);
  if (isAsking)
    return (
      <fieldset className="actions asking">
        <legend>Remove {name}? Pending events are not delivered.</legend>
        <button
          type="button"
          className="small grave"
          disabled={remove.pending}
          onClick={() => remove.send(name)}
        >
          Remove
        </button>
        <button type="button" className="small" onClick={() => setIsAsking(false)}>
          Keep
        </button>
        {remove.error && <p className="fault">{remove.error.message}</p>}
      </fieldset>
    );
  return (
    <div className="actions">
      <button
        type="button"
        className="small"
        disabled={test.pending}
        aria-label={`Test ${name}`}
        onClick={() => test.send(name)}
      >
        {test.pending ? 'Testing …' : 'Test'}
      </button>
      <button
        type="button"
        className="small"
        aria-label={`Remove ${name} …`}
        onClick={() => setIsAsking(true)}
      >
        Remove …
      </button>
      <div role="status">
        {test.error && <p className="fault">{test.error.message}</p>}
        {test.result && (
          <p className={test.result.delivered ? 'answer' : 'fault'}>
            {test.result.delivered ? 'Accepted' : 'Not accepted'}: {test.result.status}
          </p>
        )}
      </div>
    </div>
  );
}
