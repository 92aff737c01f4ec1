/** The check of connection keys in the store, for `tutti check`. Whether a secret key can be opened depends on the secrets key, and is not checked. */

import { keyIdOf } from '../../model/connection-key.js';
import { entriesOf } from '../../store/pages.js';
import type { Reader } from '../../store/store.js';
import * as tables from '../tables/tables.js';

interface KeyFault {
  readonly where: string;
  readonly what: string;
}

export async function checkKeys(
  reader: Reader,
): Promise<{ readonly count: number; readonly faults: readonly KeyFault[] }> {
  const faults: KeyFault[] = [];
  const pairs: (string | null)[] = [];
  let count = 0;
  for await (const { key, value } of entriesOf(reader, 'connection_keys')) {
    const entry = tables.keys.decode(value);
    count += 1;
    const id = keyIdOf(entry);
    if (id !== key[0])
      faults.push({ where: `connection_keys ${String(key[0])}`, what: `says that it is ${id}` });
    if (entry.kind === 'server') pairs.push(entry.expires_at);
  }
  if (pairs.length > 0 && !pairs.includes(null))
    faults.push({ where: 'connection_keys', what: 'no key pair of the orchestrator is in use' });
  return { count, faults };
}
