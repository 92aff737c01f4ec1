import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Sessions } from '../../../src/orchestrator/access/sessions.js';
import { VAULT_KEY_BYTES, Vault } from '../../../src/orchestrator/access/vault.js';

const vault = new Vault(Buffer.alloc(VAULT_KEY_BYTES, 1));
const session = { hash: 'a'.repeat(64), expiresAt: 1_000 };

it('a session says whose it is, until it expires, also to another process with the same key', () => {
  let now = 999;
  const token = new Sessions({ vault, wallMs: () => now }).seal(session);
  expect(token).toMatch(/^tutti-session-[\w-]+$/);
  expect(token).not.toContain(session.hash);
  const later = new Sessions({ vault: new Vault(Buffer.alloc(VAULT_KEY_BYTES, 1)), wallMs: () => now });
  expect(later.read(token)).toEqual(session);
  now = 1_000;
  expect(later.read(token)).toBeUndefined();
});

it('a session that was made with another key, for another purpose, or changed in any place is worth nothing', () => {
  const sessions = new Sessions({ vault, wallMs: () => 0 });
  const token = sessions.seal(session);
  expect(
    new Sessions({ vault: new Vault(randomBytes(VAULT_KEY_BYTES)), wallMs: () => 0 }).read(token),
  ).toBeUndefined();
  const secret = Buffer.from(vault.seal('api-key', JSON.stringify(session)), 'base64').toString('base64url');
  expect(sessions.read(`tutti-session-${secret}`)).toBeUndefined();
  const sealed = Buffer.from(token.slice('tutti-session-'.length), 'base64url');
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(sealed);
      changed[at] = changed[at]! ^ flip;
      expect(sessions.read(`tutti-session-${changed.toString('base64url')}`)).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(sessions.read(`tutti-session-${text}`)).toBeUndefined();
      expect(sessions.read(text)).toBeUndefined();
    }),
  );
});
