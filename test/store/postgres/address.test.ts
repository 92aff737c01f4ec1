import { describe, expect, it } from 'vitest';
import { parseStoreUrl } from '../../../src/store/postgres/address.js';

describe('the URL of a store', () => {
  it('a URL names one host, and neither user nor password are shown', () => {
    const { shown, hosts } = parseStoreUrl('postgresql://me:p%40ss@db.example:6432/tutti?sslmode=disable');
    expect(shown).toBe('postgres://db.example:6432/tutti');
    expect(hosts).toEqual([
      expect.objectContaining({
        ...{ user: 'me', password: 'p@ss', host: 'db.example', port: 6432, database: 'tutti', ssl: false },
      }),
    ]);
  });

  it('a URL names several hosts, which share all other parts', () => {
    const { hosts } = parseStoreUrl(
      'postgres://me@a:1,b,[::1]:3/tutti?target_session_attrs=read-write&application_name=x',
    );
    expect(hosts).toMatchObject([
      { user: 'me', host: 'a', port: 1, database: 'tutti', application_name: 'x' },
      { user: 'me', host: 'b', database: 'tutti', application_name: 'x' },
      { user: 'me', host: '::1', port: 3, database: 'tutti', application_name: 'x' },
    ]);
    expect(hosts[0]).not.toHaveProperty('target_session_attrs');
  });

  it('a URL names the folder of a socket', () => {
    expect(parseStoreUrl('postgres:///tutti?host=/run/postgresql').hosts).toMatchObject([
      { host: '/run/postgresql', database: 'tutti' },
    ]);
  });

  it('connections are encrypted as libpq does it, with and without a certificate to compare', () => {
    const ssl = (query: string) => parseStoreUrl(`postgres://db/tutti?${query}`).hosts[0].ssl;
    expect(ssl('sslmode=require')).toEqual({ rejectUnauthorized: false });
    expect(ssl('sslmode=verify-full')).toEqual({});
  });

  it.each([
    ['mysql://db/tutti', 'postgres://'],
    ['postgres://db/tutti#here', 'postgres://'],
    ['postgres://db/tutti?target_session_attrs=standby', 'target_session_attrs'],
    ['postgres://db/tutti?sslmode=verify-ca', 'sslrootcert'],
    ['postgres://me:secret@db/tutti?sslcert=/nowhere/cert.pem', '/nowhere/cert.pem'],
    ['postgres://me:secret@db:many/tutti', 'URL'],
  ])('is refused where it cannot be used: %s', (url, what) => {
    let thrown: unknown;
    try {
      parseStoreUrl(url);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'bad_store_url', message: expect.stringContaining(what) });
    expect(String(thrown)).not.toContain('secret');
  });
});
