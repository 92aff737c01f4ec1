/** Where a store on PostgreSQL is: a URL as libpq reads it, with one host or several. */
import type { ClientConfig } from 'pg';
import { parse, toClientConfig } from 'pg-connection-string';
import { messageOf, TuttiError } from '../../base/errors.js';

export interface Address {
  /** For messages: without user, password and parameters. */
  readonly shown: string;
  /** How to reach each host, in the order in which they are tried. */
  readonly hosts: readonly [ClientConfig, ...ClientConfig[]];
}

const STORE_URL = /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^@/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;
/** A store is written to, so only a server that takes writes is ever of use. */
const SESSION_ATTRIBUTES = ['any', 'primary', 'read-write'];

export function isStoreUrl(text: string): boolean {
  return STORE_URL.test(text);
}

/** @throws `bad_store_url` */
export function parseStoreUrl(url: string): Address {
  const [, scheme, hosts = '', database = '', query = ''] = STORE_URL.exec(url) ?? [];
  if (scheme === undefined) throw badUrl('it must look like postgres://user@host:5432/database');
  const parameters = new URLSearchParams(query);
  const attributes = parameters.get('target_session_attrs') ?? 'read-write';
  if (!SESSION_ATTRIBUTES.includes(attributes))
    throw badUrl(`target_session_attrs must be one of ${SESSION_ATTRIBUTES.join(', ')}, not ${attributes}`);
  parameters.delete('target_session_attrs');
  const rest = `${database}${parameters.size > 0 ? `?${parameters}` : ''}`;
  const [first, ...others] = hosts.split(',').map((host) => configOf(`${scheme}${host}${rest}`));
  return { shown: `postgres://${hosts}${database}`, hosts: [first!, ...others] };
}

function configOf(url: string): ClientConfig {
  try {
    return toClientConfig(parse(url, { useLibpqCompat: true }));
  } catch (cause) {
    throw badUrl(messageOf(cause), cause);
  }
}

/** The URL itself may hold a password. */
function badUrl(what: string, cause?: unknown): TuttiError {
  return new TuttiError('bad_store_url', `the URL of the store cannot be used: ${what}`, {
    hint: 'See "PostgreSQL" in docs/operations.md.',
    cause,
  });
}
