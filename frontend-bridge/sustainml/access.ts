/**
 * Who may use the facade: programs of this machine. They know no token, so it is bound to loopback, and pages in a browser are kept out:
 *
 * 1. `Host` is a name of this machine (DNS rebinding makes another name point here).
 * 2. An `Origin` is the facade's own, and a browser does not say that another site asks (`Sec-Fetch-Site`).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Action, type Role, roleNeeded } from '../../src/model/access.js';
import { Refused } from './refused.js';

/** Throws `forbidden_host`, `forbidden_origin`, `bad_request`. */
export function checkAccess(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  const { host, origin } = headers;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts > 1) throw new Refused(400, 'bad_request', 'The request has more than one Host header.');
  if (host !== undefined && !isOfThisMachine(host))
    throw new Refused(403, 'forbidden_host', 'This address is known by the names of this machine only.');
  const site = headers['sec-fetch-site'];
  const isOther = origin !== undefined && origin !== `http://${host}`;
  if (isOther || site === 'cross-site' || site === 'same-site')
    throw new Refused(403, 'forbidden_origin', 'Pages of other sites may not use this address.');
}

/** Throws `<role>_needed`. */
export function checkRole(role: Role, action: Action): void {
  const needed = roleNeeded(role, action, 'this address');
  if (needed) throw new Refused(403, needed.code, needed.message);
}

function isOfThisMachine(host: string): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}
