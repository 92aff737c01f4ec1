/** Grants through the core: they come and go with their facts, outlive a restart, and their tokens are in no record. */
import { beforeEach, expect, it } from 'vitest';
import { MAX_GRANTS } from '../../../src/model/access.js';
import { GrantBook } from '../../../src/orchestrator/access/grants.js';
import { VAULT_KEY_BYTES, Vault } from '../../../src/orchestrator/access/vault.js';
import { grantViews } from '../../../src/orchestrator/core/access/grants.js';
import type { Answer, NewGrant } from '../../../src/orchestrator/port.js';
import { prepareGrant, withToken } from '../../../src/orchestrator/prepare/grant.js';
import { Core, graphOf, moduleSpec } from '../core.js';

const vault = new Vault(Buffer.alloc(VAULT_KEY_BYTES, 1));

let core: Core;
let id: number;

beforeEach(async () => {
  core = await Core.open([graphOf('one', moduleSpec('a', ['source']))]);
  id = 0;
});

async function grant(grant: NewGrant, key?: string): Promise<Answer> {
  id += 1;
  const ids = { uuid: () => `00000000-0000-7000-8000-${String(id).padStart(12, '0')}` };
  const request = { kind: 'grant_access', grant: prepareGrant({ vault, ids }, grant) } as const;
  return core.ask(request, key === undefined ? undefined : { key, hash: 'same' });
}

function bookOf(wallMs: () => number = () => core.wallMs): GrantBook {
  return new GrantBook({ state: core.state, wallMs });
}

function shown(answer: Answer): { token: string; access_id: string } {
  const opened = withToken(vault, answer);
  if (!opened.ok) throw new Error(opened.code);
  expect(opened.body).not.toHaveProperty('sealed');
  return opened.body as { token: string; access_id: string };
}

it('a token is known as its holder’s, also after a restart, until its grant is revoked', async () => {
  const ada = shown(await grant({ name: 'ada', role: 'author' }));
  const bob = shown(await grant({ name: 'bob', role: 'viewer' }));
  await core.restart();
  const book = bookOf();
  expect(book.size).toBe(2);
  expect(book.holderOf(ada.token)).toMatchObject({ id: ada.access_id, name: 'ada', role: 'author' });
  expect(book.holderOf(bob.token)).toMatchObject({ name: 'bob', role: 'viewer' });
  expect(book.holderOf(`${ada.token}a`)).toBeUndefined();
  expect(JSON.stringify([...core.state.grants.values(), grantViews(core.state)])).not.toContain(ada.token);
  expect(JSON.stringify(grantViews(core.state))).not.toContain(book.holderOf(ada.token)!.hash);

  const held = book.holderOf(ada.token)!;
  let told = 0;
  const forget = book.onChange(() => {
    told += 1;
  });
  expect(await core.ask({ kind: 'revoke_access', id: ada.access_id })).toMatchObject({
    ok: true,
    kind: 'done',
  });
  book.refresh();
  expect([book.holderOf(ada.token), book.isValid(held), told]).toEqual([undefined, false, 1]);
  forget();
  book.refresh();
  expect(told).toBe(1);
  await core.restart();
  expect([...core.state.grants.values()].map(({ name }) => name)).toEqual(['bob']);
  expect((await core.check()).counts).toMatchObject({ grants: 1 });
  const again = await core.ask({ kind: 'revoke_access', id: ada.access_id });
  expect(again).toMatchObject({ ok: false, kind: 'not_found', code: 'unknown_grant' });
});

it('an expired grant counts as one that is not there', async () => {
  const { token } = shown(await grant({ name: 'ada', role: 'author', expiresInMs: 1_000 }));
  let now = core.wallMs;
  const book = bookOf(() => now);
  const held = book.holderOf(token)!;
  expect(held.expiresAt).toBe(core.wallMs + 1_000);
  now += 999;
  expect(book.isValid(held)).toBe(true);
  now += 1;
  expect([book.holderOf(token), book.isValid(held)]).toEqual([undefined, false]);
});

it('a repeated request gets the same token, and none where it was sealed with another key', async () => {
  const first = await grant({ name: 'ada', role: 'author' }, 'once');
  const again = await grant({ name: 'ada', role: 'author' }, 'once');
  expect(shown(again)).toEqual(shown(first));
  expect(core.state.grants.size).toBe(1);
  expect(withToken(new Vault(Buffer.alloc(VAULT_KEY_BYTES, 2)), again)).toMatchObject({
    ...{ ok: false, kind: 'conflict', code: 'token_sealed' },
  });
});

it('one beyond as many as memory holds is refused', async () => {
  for (let granted = 0; granted < MAX_GRANTS; granted += 1) await grant({ name: 'ada', role: 'viewer' });
  const refused = await grant({ name: 'bob', role: 'viewer' });
  expect(refused).toMatchObject({ ok: false, kind: 'conflict', code: 'too_many_grants' });
  expect(withToken(vault, refused)).toBe(refused);
  expect(core.state.grants.size).toBe(MAX_GRANTS);
});
