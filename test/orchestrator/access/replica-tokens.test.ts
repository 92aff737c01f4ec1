import { expect, it } from 'vitest';
import { ReplicaTokens } from '../../../src/orchestrator/access/replica-tokens.js';
import { VAULT_KEY_BYTES, Vault } from '../../../src/orchestrator/access/vault.js';

const vault = new Vault(Buffer.alloc(VAULT_KEY_BYTES, 1));
const node = { module: 'work', instance: 'web-1', run: 'a/1' };

it("a replica's token admits its node in its run, also to another process with the same key, and nobody else", () => {
  const open = new Set(['a/1', 'b/1']);
  const tokens = new ReplicaTokens({ vault, isOpen: (run) => open.has(run) });
  const token = tokens.seal(node);
  expect(token).toMatch(/^tutti-replica-[\w-]+$/);
  const again = new Vault(Buffer.alloc(VAULT_KEY_BYTES, 1));
  const later = new ReplicaTokens({ vault: again, isOpen: (run) => open.has(run) });
  expect(later.admits({ ...node, token })).toBe(true);
  expect(later.admits({ ...node, module: 'other', token })).toBe(false);
  expect(later.admits({ ...node, instance: 'web-2', token })).toBe(false);
  open.delete('a/1');
  expect(later.admits({ ...node, token })).toBe(false);
});

it("a replica's token that was made with another key, for another purpose, or changed in any place is worth nothing", () => {
  const tokens = new ReplicaTokens({ vault, isOpen: () => true });
  const token = tokens.seal(node);
  const other = new ReplicaTokens({ vault: new Vault(Buffer.alloc(VAULT_KEY_BYTES, 2)), isOpen: () => true });
  expect(other.admits({ ...node, token })).toBe(false);
  const secret = vault.seal('api-key', JSON.stringify(Object.values(node)));
  const named = `tutti-replica-${Buffer.from(secret, 'base64').toString('base64url')}`;
  expect(tokens.admits({ ...node, token: named })).toBe(false);
  const sealed = Buffer.from(token.slice('tutti-replica-'.length), 'base64url');
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = changed[at]! ^ 1;
    const text = `tutti-replica-${changed.toString('base64url')}`;
    expect(tokens.admits({ ...node, token: text })).toBe(false);
  }
  for (const text of ['', 'tutti-replica-', 'tutti-replica-x', token.slice('tutti-'.length)])
    expect(tokens.admits({ ...node, token: text })).toBe(false);
});
