/** The fold of facts about webhooks. */
import { ALL_PROJECTS } from '../access.js';
import type { DurableState, Moment } from '../durable.js';
import type { FactOf } from '../facts.js';
import type { Webhook } from '../webhook.js';

/** It gets what happens from now on. */
export function addWebhook(state: DurableState, fact: FactOf<'webhook.added'>, { seq, at }: Moment): void {
  const { webhook: name, webhook_id: id, project = ALL_PROJECTS, origin, sealed, signed, filter } = fact;
  state.undo.put(state.webhooks, name, {
    ...{ name, id, project, origin, sealed, isSigned: signed, filter, problem: fact.problem },
    ...{ createdAt: at, cursor: seq, failures: 0, missed: 0 },
    ...{ lastStatus: undefined, lastAt: undefined },
  });
}

/** It goes on from where it is. */
export function changeWebhook(state: DurableState, fact: FactOf<'webhook.changed'>): void {
  const { webhook, origin, sealed, signed, filter, problem } = fact;
  set(state, webhook, { origin, sealed, isSigned: signed, filter, problem });
}

export function noteAttempt(state: DurableState, fact: FactOf<'webhook.tried'>, { at }: Moment): void {
  const { webhook, cursor, status, delivered } = fact;
  const failures = delivered ? 0 : known(state, webhook).failures + 1;
  set(state, webhook, { cursor, failures, lastStatus: status, lastAt: at });
}

export function passEvents(state: DurableState, fact: FactOf<'webhook.passed'>): void {
  const { webhook, cursor, missed = 0 } = fact;
  set(state, webhook, { cursor, missed: known(state, webhook).missed + missed });
}

export function removeWebhook(state: DurableState, { webhook }: FactOf<'webhook.removed'>): void {
  known(state, webhook);
  state.undo.remove(state.webhooks, webhook);
}

function set(state: DurableState, name: string, changes: Partial<Webhook>): void {
  state.undo.put(state.webhooks, name, { ...known(state, name), ...changes });
}

function known(state: DurableState, name: string): Webhook {
  const webhook = state.webhooks.get(name);
  if (!webhook) throw new Error(`webhook ${name} is not there`);
  return webhook;
}
