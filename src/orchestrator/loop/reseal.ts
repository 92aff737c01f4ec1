/**
 * Another key of the secrets: what an older one has sealed is sealed anew with the first.
 *
 * R1. All of it in one commit, before any work: a process that is killed has sealed everything anew, or nothing, and the next start does it.
 * R2. What no key at hand opens stays as it is, for when its key is given.
 */
import type { Fact } from '../../model/facts.js';
import { apply } from '../../model/fold.js';
import { sealedName } from '../../model/webhook.js';
import type { Store } from '../../store/store.js';
import { sealedUnder } from '../access/kept-keys.js';
import type { Vault } from '../access/vault.js';
import { Journal } from '../core/journal.js';
import { writeFact, writeRows } from '../core/rows.js';
import type { State } from '../core/state.js';
import type { Clocks } from '../tables/module-from-row.js';

export interface ResealDeps {
  readonly store: Pick<Store, 'commit'>;
  readonly epoch: number;
  readonly state: State;
  readonly vault: Vault;
  readonly clocks: Clocks;
}

/** How many were sealed anew; nothing where the disk has no room for it: they are as they were. */
export async function reseal(deps: ResealDeps): Promise<number | undefined> {
  const { store, epoch, state, vault, clocks } = deps;
  const facts = resealed(state, vault);
  if (facts.length === 0) return 0;
  const { nowMs, wallMs } = clocks;
  const journal = new Journal(state.cursor, wallMs, state.undo);
  for (const fact of facts) {
    const moment = { seq: journal.record(fact), at: wallMs, nowMs, changed: journal };
    apply(state, fact, moment);
    writeFact(state, journal, fact, moment);
  }
  writeRows(state, journal);
  journal.writeEvents();
  // R1: one commit.
  const { kind } = await store.commit(epoch, journal.writes);
  if (kind !== 'committed') {
    state.undo.back(0);
    return undefined;
  }
  state.undo.keep();
  return facts.length;
}

/** R2: nothing is said of what no key at hand opens. */
function resealed({ secrets, webhooks, keys }: State, vault: Vault): readonly Fact[] {
  const facts: Fact[] = [];
  for (const { name, sealed: before } of secrets.values()) {
    const sealed = vault.renew({ name, sealed: before });
    if (sealed !== undefined) facts.push({ type: 'secret.resealed', secret: name, sealed });
  }
  for (const { name, sealed: before, origin, isSigned: signed, filter, problem } of webhooks.values()) {
    const sealed = vault.renew({ name: sealedName(name), sealed: before });
    const more = { ...(filter && { filter }), ...(problem !== undefined && { problem }) };
    if (sealed !== undefined)
      facts.push({ type: 'webhook.changed', webhook: name, origin, sealed, signed, ...more });
  }
  for (const [key_id, entry] of keys) {
    if (entry.kind !== 'server') continue;
    const sealed = vault.renew({ name: sealedUnder(entry.public_key), sealed: entry.sealed });
    if (sealed !== undefined) facts.push({ type: 'key.kept', key_id, entry: { ...entry, sealed } });
  }
  return facts;
}
