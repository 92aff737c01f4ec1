/** Tokens with which nodes get and put blobs: when they come and end, and what they open. */
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { NodeBlobs } from '../../src/orchestrator/blobs/node-blobs.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { BLOB_TOKEN_MS } from '../../src/orchestrator/core/nodes/blob-tokens.js';
import type { Blobs } from '../../src/orchestrator/port.js';
import { Core, graphOf, moduleSpec, type Peer } from './core.js';

const TOKEN = 'open sesame';
const GRAPH = graphOf('one', moduleSpec('a', ['source']));
const GIVEN = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

let core: Core;
let revoked: Set<string>;
let node: Peer;
let token: string;
let door: NodeBlobs;

/** Says what it was asked for. */
const asked: string[] = [];
const blobs: Blobs = {
  open: async (sha256) => {
    asked.push(`open ${sha256}`);
    return { ok: false, kind: 'not_found', code: 'not_found', message: '' };
  },
  put: async (sha256) => {
    asked.push(`put ${sha256}`);
    return { ok: true, blob: { sha256, size: 0 }, existed: false };
  },
};

beforeEach(async () => {
  asked.length = 0;
  revoked = new Set();
  core = await Core.open([GRAPH], TOKEN);
  node = core.peer('a');
  token = await registers(node);
  door = new NodeBlobs({
    ...{ state: core.state, blobs, nowMs: () => core.nowMs },
    isEnrolled: (key) => !revoked.has(key),
  });
});

async function registers(peer: Peer): Promise<string> {
  const turned = await peer.hello({ token: TOKEN, status: 'IDLE' });
  return turned.only(peer.route, 'welcome')[0]!.blobToken!;
}

/** With the tokens that the answers to so many heartbeats have, a second apart. */
async function beats(peer: Peer, seconds: number): Promise<string[]> {
  const renewed: string[] = [];
  for (let second = 0; second < seconds; second += 1) {
    await core.pass(1000);
    const turned = await peer.beat();
    renewed.push(...turned.only(peer.route, 'heartbeat_reply').map(({ blobToken }) => blobToken));
  }
  return renewed;
}

/** The node gets an execution whose input is this blob. */
async function getsBlob(sha256: string): Promise<AssignOrder> {
  await core.turn({ kind: 'blob', id: 900, sha256, size: 5000 });
  const submission = core.submits('one');
  if (submission.kind !== 'request' || submission.request.kind !== 'submit') throw new Error('no submission');
  const request = { ...submission.request, prepared: { kind: 'blob', sha256, size: 5000 } } as const;
  const turned = await core.turn({ ...submission, request });
  return turned.only(node.route, 'assign order')[0]!;
}

describe('the token of a registration', () => {
  it('comes with the welcome and is renewed by heartbeats at half of its time; the one before lasts to its end', async () => {
    expect(door.holderOf(token)).toEqual({ nodeId: node.nodeId, name: 'a/a-1' });
    expect(await registers(node)).toBe(token);
    expect(await beats(node, BLOB_TOKEN_MS / 2000 - 2)).toEqual([]);
    const [second, ...more] = await beats(node, 4);
    expect(more).toEqual([]);
    expect(second).not.toBe(token);
    for (const each of [token, second!]) expect(door.holderOf(each)).toBeDefined();
    const others = await beats(node, BLOB_TOKEN_MS / 2000 + 1);
    expect(others).toHaveLength(1);
    expect([token, second!, others[0]!].map((each) => door.holderOf(each) !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('is needed by nobody where there is no token', async () => {
    core = await Core.open([GRAPH]);
    const a = core.peer('a');
    expect((await a.hello()).only(a.route, 'welcome')[0]).not.toHaveProperty('blobToken');
    expect((await a.beat()).only(a.route, 'heartbeat_reply')).toEqual([]);
  });

  it('is nobody else’s: changed, cut, of another node, or of none, it opens nothing', async () => {
    const other = core.peer('a', { instance: 'b' });
    const its = await registers(other);
    expect(door.holderOf(its)?.nodeId).toBe(other.nodeId);
    const mixed = token.slice(0, 47) + its.slice(47);
    for (const wrong of [`${token}x`, token.slice(0, -1), mixed, 'tutti-node-', '', TOKEN])
      expect(door.holderOf(wrong), wrong).toBeUndefined();
  });

  it('ends with a goodbye, a newer process, and the death of the node, which gets another when it is heard again', async () => {
    await core.turn(node.says({ kind: 'goodbye' }));
    expect(door.holderOf(token)).toBeUndefined();
    const before = await registers(node);
    const after = await registers(core.peer('a'));
    expect([door.holderOf(before), door.holderOf(after)]).toEqual([undefined, expect.anything()]);

    const mortal = core.peer('a', { instance: 'mortal' });
    const lost = await registers(mortal);
    await core.pass(10_100);
    expect([mortal.node.liveness, door.holderOf(lost)]).toEqual(['dead', undefined]);
    const [renewed] = await beats(mortal, 1);
    expect(door.holderOf(renewed!)?.nodeId).toBe(mortal.nodeId);
  });

  it('is worth nothing from the moment that the key of the node is revoked', () => {
    core.state.undo.set(node.node, 'key', 'k');
    expect(door.holderOf(token)).toBeDefined();
    revoked.add('k');
    expect(door.holderOf(token)).toBeUndefined();
  });

  it('opens the blobs of its executions and takes some while it has one, and nothing before and after', async () => {
    const mine = door.blobsOf(door.holderOf(token)!);
    const codes = async (): Promise<unknown[]> => [
      ...(await Promise.all([GIVEN, OTHER].map((sha256) => mine.open(sha256)))),
      await mine.put(OTHER, Readable.from([])),
    ];
    expect(await codes()).toMatchObject([{ ok: false }, { ok: false }, { ok: false, code: 'no_execution' }]);
    expect(asked).toEqual([]);
    const order = await getsBlob(GIVEN);
    expect(await codes()).toMatchObject([{ ok: false }, { ok: false }, { ok: true }]);
    expect(asked.splice(0)).toEqual([`open ${GIVEN}`, `put ${OTHER}`]);
    await node.report(order, 'FAILED');
    expect((await codes())[2]).toMatchObject({ code: 'no_execution' });
    expect(asked).toEqual([]);
  });
});
