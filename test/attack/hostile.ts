/** What tests of attacks have in common: many hostile connections, and how an honest node and a person fare meanwhile. */
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import { GREETING, readyAs } from '../bus/zmtp/raw-peer.js';
import type { OrchestratorProcess } from '../support/orchestrator.js';
import type { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';

export const MIB: number = 1024 ** 2;

/** A connection that says this at once, and reads and forgets what it is told. Never rejects: it may be ended at any moment. */
export function hostile(scene: Scene, endpoint: string, ...bytes: readonly Uint8Array[]): Socket {
  const { hostname, port } = new URL(endpoint);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.resume();
  if (bytes.length > 0) socket.write(Buffer.concat(bytes));
  scene.atEnd(() => socket.destroy());
  return socket;
}

/** What a peer of this type says before its messages. */
export const handshake = (type: string): readonly Uint8Array[] => [GREETING, readyAs(type)];

export function ended(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** So many connections, each opened when the one before is. */
export async function crowd(count: number, open: (index: number) => Socket): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index += 1) {
    const socket = open(index);
    sockets.push(socket);
    if (!socket.connecting) continue;
    await new Promise<void>((resolve) => {
      socket.once('connect', () => resolve()).once('close', () => resolve());
    });
  }
  return sockets;
}

/** Memory that the process has to itself, in MiB; what it maps of its store is not among it. */
export async function memoryOf({ process: { pid } }: OrchestratorProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/** The value of a metric without labels, or of a count by its name. */
export async function metric(orchestrator: OrchestratorProcess, name: string, token = ''): Promise<number> {
  const text = await (await fetch(`${orchestrator.ready.http}/metrics`, { headers: bearer(token) })).text();
  const line = new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text);
  return Number(line?.[1] ?? 0);
}

export const count = (orchestrator: OrchestratorProcess, name: string, token = ''): Promise<number> =>
  metric(orchestrator, `tutti_counts_total{name="${name}"}`, token);

const bearer = (token: string): Record<string, string> =>
  token === '' ? {} : { authorization: `Bearer ${token}` };

/** How long a person waits for an answer, in milliseconds: the longest of some. */
export async function latency(orchestrator: OrchestratorProcess, times = 20): Promise<number> {
  let longest = 0;
  for (let time = 0; time < times; time += 1) {
    const before = performance.now();
    expect((await fetch(`${orchestrator.ready.http}/livez`)).status).toBe(200);
    longest = Math.max(longest, performance.now() - before);
  }
  return longest;
}

/** An honest node gets in now, and does a task. Returns how long the task took, in milliseconds. */
export async function worksFor(
  scene: Scene,
  orchestrator: OrchestratorProcess,
  { instance, token = '' }: { readonly instance: string; readonly token?: string },
): Promise<number> {
  const node = new RawPeer(scene, orchestrator, { instance });
  await node.join({ token });
  const took = await taskOf(orchestrator, node, token);
  node.close();
  return took;
}

/** A task that only this node may do, done by it, from its submission to the acknowledgement of its end. */
export async function taskOf(orchestrator: OrchestratorProcess, node: RawPeer, token = ''): Promise<number> {
  const before = performance.now();
  const require = { [node.module]: { instance: node.instance } };
  const problem = { graph: 'one', input: {}, require };
  const submitted = await orchestrator.post('/v1/problems', problem, bearer(token));
  expect(submitted.status).toBe(201);
  const assign = await node.assignment();
  node.publish(assign, 1, { last: true });
  await node.acked(assign.executionId, 1, true);
  node.running.delete(assign.executionId);
  return performance.now() - before;
}
