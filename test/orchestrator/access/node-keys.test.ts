import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toZ85 } from '../../../src/base/z85.js';
import { keyPairOf, loadBoxes } from '../../../src/bus/zmtp/boxes.js';
import { type KeyRecord, NodeKeys } from '../../../src/orchestrator/access/node-keys.js';

const HOUR_MS = 3_600_000;
const JOIN = { module: 'work', instance: null, uses: 1, expiresInMs: HOUR_MS };
const newKey = (): string => toZ85(keyPairOf().publicKey);

let keys: NodeKeys;
const NOTHING: KeyRecord = { server: [], keys: [], joins: [] };
let stored: KeyRecord;
let saves: number;
let nowMs: number;
let revoked: string[];
let save: (record: KeyRecord) => Promise<void>;

async function open(): Promise<void> {
  keys = new NodeKeys({
    stored,
    save: (record) => save(record),
    nowMs: () => nowMs,
    onRevoked: (key) => void revoked.push(key),
  });
  await keys.keep();
}

beforeAll(loadBoxes);
beforeEach(async () => {
  stored = NOTHING;
  saves = 0;
  revoked = [];
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  save = async (record) => {
    saves += 1;
    await Promise.resolve();
    stored = structuredClone(record);
  };
  await open();
});

const hello = (key: string, token = '', instance = 'a', module = 'work') =>
  keys.authorize(key, { module, instance, token });

describe('the keys of nodes', () => {
  it('are enrolled by a token as often as it has uses, which is on the disk before anybody is told', async () => {
    const { token } = await keys.enroll({ ...JOIN, uses: 2 });
    expect(JSON.stringify(stored)).not.toContain(token);
    const [a, b, c] = [newKey(), newKey(), newKey()];
    expect([keys.admits(a, 'control'), keys.admits(a, 'outputs'), keys.admits(a, 'events')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await hello(a, token)).toBeUndefined();
    expect(stored.keys).toMatchObject([{ key: a, modules: ['work'] }]);
    // It needs no second use.
    expect(await hello(a, token)).toBeUndefined();
    expect(await hello(b, token, 'b')).toBeUndefined();
    expect(await hello(c, token, 'c')).toMatch(/not enrolled/);
    await open();
    expect(await hello(a)).toBeUndefined();
    expect([keys.admits(a, 'outputs'), keys.admits(c, 'control')]).toEqual([true, false]);
  });

  it.each([
    ['for another module', { module: 'other' }, /is for the module other/],
    ['for another instance', { instance: 'b' }, /is for the instance b/],
    ['that has expired', { expiresInMs: -1 }, /not enrolled|expired/],
  ])('are not enrolled by a token %s', async (_what, more, why) => {
    const { token } = await keys.enroll({ ...JOIN, ...more });
    expect(await hello(newKey(), token)).toMatch(why);
    expect(await hello(newKey(), `${token.slice(0, -1)}~`)).toMatch(/not enrolled/);
  });

  it('have their instances to themselves, until they are revoked', async () => {
    const { token } = await keys.enroll({ ...JOIN, uses: 2 });
    const [owner, other] = [newKey(), newKey()];
    expect(await hello(owner, token)).toBeUndefined();
    expect(await hello(other, token)).toMatch(/belongs to another key/);
    await keys.revoke(owner);
    expect(await hello(other)).toBeUndefined();
  });

  it('have them however many others a hostile key names, which forgets its own', async () => {
    const { token } = await keys.enroll({ ...JOIN, uses: 3 });
    const [honest, hostile, third] = [newKey(), newKey(), newKey()];
    await hello(honest, token, 'honest');
    await hello(hostile, token, 'first');
    for (let other = 0; other < 10_000; other += 1) await hello(hostile, '', `other-${other}`);
    expect(await hello(hostile, '', 'honest')).toMatch(/belongs to another key/);
    expect(await hello(third, token, 'other-9999')).toMatch(/belongs to another key/);
    expect(await hello(third, '', 'first')).toBeUndefined();
  });

  it('do not get in where they are revoked while they are being enrolled, and hold no instance then', async () => {
    const { token } = await keys.enroll({ ...JOIN, uses: 2 });
    const key = newKey();
    const joining = hello(key, token);
    await keys.revoke(key);
    expect(await joining).toMatch(/revoked/);
    expect(await hello(newKey(), token)).toBeUndefined();
  });

  it('keys of a replica’s run go with it, used or not, and leave the instance to those of the next run', async () => {
    const join = (run: string) => keys.enroll({ ...JOIN, instance: 'web-1', run });
    const { token: lasting } = await keys.enroll({ ...JOIN, uses: 2 });
    const [first, next, other] = [newKey(), newKey(), newKey()];
    expect(await hello(first, (await join('a/1')).token, 'web-1')).toBeUndefined();
    const { token: unused } = await join('a/1');
    const { token } = await join('b/1');
    expect(await hello(other, lasting)).toBeUndefined();
    await open();
    expect(await hello(next, token, 'web-1')).toBeUndefined();
    expect(await hello(first, '', 'web-1')).toMatch(/belongs to another key/);
    await keys.endRuns((run) => run === 'b/1');
    expect(revoked).toEqual([first]);
    expect(keys.list().map(({ key }) => key)).toEqual([other, next]);
    expect(stored.joins).toHaveLength(1);
    expect(await hello(newKey(), unused, 'web-1')).toMatch(/not enrolled/);
    expect([await hello(first, '', 'web-1'), await hello(next, '', 'web-1')]).toEqual([
      expect.stringMatching(/not enrolled/),
      undefined,
    ]);
    saves = 0;
    await keys.endRuns((run) => run === 'b/1');
    expect(saves).toBe(0);
  });

  it('are revoked forever, whatever token comes with them, also where the disk is full', async () => {
    const { token } = await keys.enroll({ ...JOIN, uses: 9 });
    const key = newKey();
    expect(await hello(key, token)).toBeUndefined();
    save = () => Promise.reject(new Error('full'));
    await expect(keys.revoke(key)).rejects.toThrow('full');
    expect(revoked).toEqual([key]);
    expect([keys.admits(key, 'control'), await hello(key, token)]).toEqual([
      false,
      'this key has been revoked',
    ]);
    expect(await keys.add(key, { subscribe: true })).toBeUndefined();
    expect(await keys.revoke(newKey())).toBeUndefined();
  });

  it('are bound to the instance that they were first enrolled for, whatever token comes later', async () => {
    const key = newKey();
    const { token: first } = await keys.enroll({ ...JOIN, instance: 'gpu-1' });
    const { token: wider } = await keys.enroll({ ...JOIN, module: 'log' });
    const { token: same } = await keys.enroll({ ...JOIN, module: 'log', instance: 'gpu-1' });
    expect(await hello(key, first, 'gpu-1')).toBeUndefined();
    expect(await hello(key, wider, 'gpu-2', 'log')).toMatch(/enrolled as gpu-1 and not as any instance/);
    expect(await hello(key, '', 'gpu-2')).toMatch(/work as gpu-1 only/);
    expect(await hello(key, same, 'gpu-1', 'log')).toBeUndefined();
    expect(await hello(key, '', 'gpu-1')).toBeUndefined();
    // The token that was refused has its use still. A subscriber's key has no instance yet.
    const subscriber = newKey();
    await keys.add(subscriber, { subscribe: true });
    expect(await hello(subscriber, wider, 'gpu-2', 'log')).toBeUndefined();
  });

  it('are not enrolled by what cannot be stored, which leaves the token its use and the pair in use', async () => {
    const [key, subscriber, before] = [newKey(), newKey(), keys.publicKey];
    const { token } = await keys.enroll(JOIN);
    const works = save;
    save = () => Promise.reject(new Error('full'));
    const [first, second] = [hello(key, token), hello(key)];
    await expect(first).rejects.toThrow('full');
    expect(await second).toMatch(/not enrolled/);
    await expect(keys.add(subscriber, { subscribe: true })).rejects.toThrow('full');
    await expect(keys.rotate(HOUR_MS)).rejects.toThrow('full');
    expect([keys.admits(key, 'outputs'), keys.admits(subscriber, 'events'), keys.publicKey]).toEqual([
      false,
      false,
      before,
    ]);
    save = works;
    expect(await hello(key, token)).toBeUndefined();
    expect(stored.keys).toMatchObject([{ key, modules: ['work'] }]);
  });

  it('keys of an ended run stay revoked', async () => {
    const { token } = await keys.enroll({ ...JOIN, run: 'a/1' });
    const key = newKey();
    expect(await hello(key, token)).toBeUndefined();
    await keys.revoke(key);
    await keys.endRuns(() => false);
    expect(await hello(key, (await keys.enroll(JOIN)).token)).toMatch(/revoked/);
  });

  it('are kept together when many join at once', async () => {
    const { token } = await keys.enroll({ ...JOIN, uses: 1000 });
    saves = 0;
    const joining = Array.from({ length: 1000 }, (_, index) =>
      hello(String(index).padStart(40, '0'), token, `${index}`),
    );
    expect(await Promise.all(joining)).toEqual(Array(1000).fill(undefined));
    expect(stored.keys.length).toBe(1000);
    expect(saves).toBeLessThan(10);
    expect(stored.joins).toEqual([]);
  });

  it('keys of subscribers are for events and nothing else', async () => {
    const key = newKey();
    await keys.add(key, { subscribe: true });
    expect(['control', 'outputs', 'events'].map((socket) => keys.admits(key, socket as 'events'))).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe("the orchestrator's key", () => {
  it('stays the same until it is rotated, and then the one before is valid for as long as it was said', async () => {
    const before = keys.publicKey;
    await open();
    expect(keys.publicKey).toBe(before);
    const { public_key: after } = await keys.rotate(HOUR_MS);
    const valid = () => keys.serverPairs().map(({ publicKey }) => toZ85(publicKey));
    expect([keys.publicKey, valid()]).toEqual([after, [after, before]]);
    nowMs += HOUR_MS;
    expect(valid()).toEqual([after]);
    expect(JSON.stringify(keys.serverKeys())).not.toContain('secret');
  });
});
