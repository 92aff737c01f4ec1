/** Secrets at rest. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { VAULT_KEY_BYTES, Vault } from '../../../src/orchestrator/access/vault.js';

const vault = new Vault(randomBytes(VAULT_KEY_BYTES));
const open = (name: string, sealed: string, by: Vault = vault) => by.open({ name, sealed });

describe('a sealed secret', () => {
  it.each(['', 'hunter2', 'two\nlines\n', 'ü😀'])('opens to the value that it had: %j', (value) => {
    expect(open('api-key', vault.seal('api-key', value))).toBe(value);
  });

  it('looks different each time, and shows nothing of its value', () => {
    const sealed = [1, 2].map(() => vault.seal('api-key', 'hunter2'));
    expect(sealed[0]).not.toBe(sealed[1]);
    expect(Buffer.from(sealed[0]!, 'base64').toString('latin1')).not.toContain('hunter2');
  });

  it('opens under no other name, with no other key, and not once it has changed', () => {
    const sealed = vault.seal('api-key', 'hunter2');
    expect(open('other', sealed)).toBeUndefined();
    expect(open('api-key', sealed, new Vault(randomBytes(VAULT_KEY_BYTES)))).toBeUndefined();
    const bytes = Buffer.from(sealed, 'base64');
    for (let at = 0; at < bytes.byteLength; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(open('api-key', changed.toString('base64'))).toBeUndefined();
    }
    expect(open('api-key', bytes.subarray(0, 20).toString('base64'))).toBeUndefined();
  });

  it('opens with an older key too, and is sealed anew with the first one, once', () => {
    const [newer, older] = [randomBytes(VAULT_KEY_BYTES), randomBytes(VAULT_KEY_BYTES)];
    const both = new Vault(newer, older);
    const before = new Vault(older).seal('api-key', 'hunter2');
    expect(open('api-key', before, both)).toBe('hunter2');
    const renewed = both.renew({ name: 'api-key', sealed: before })!;
    expect(open('api-key', renewed, new Vault(newer))).toBe('hunter2');
    expect(both.renew({ name: 'api-key', sealed: renewed })).toBeUndefined();
    const foreign = new Vault(randomBytes(VAULT_KEY_BYTES)).seal('api-key', 'hunter2');
    expect(both.renew({ name: 'api-key', sealed: foreign })).toBeUndefined();
  });

  it('needs a key of the right length', () => {
    expect(() => new Vault(randomBytes(16))).toThrow(RangeError);
    expect(() => new Vault(randomBytes(32), randomBytes(16))).toThrow(RangeError);
  });
});
