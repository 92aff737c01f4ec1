/** The nodes of the demonstration are services: they are waited for at its beginning, and removed at its end. */
import { follow } from '../../client/follow.js';
import type { Client } from '../client.js';

interface Service {
  readonly name: string;
  readonly reasons: readonly string[];
  readonly replicas: readonly { readonly observed: string }[];
}

type Listed = readonly Service[];

/** A node that has not registered by then will not. */
const READY_WITHIN_MS = 60_000;
/** A process that is told to stop is killed after ten seconds. */
const REMOVED_WITHIN_MS = 20_000;

/** Until each has a node that takes work. */
export async function untilReady(client: Client, signal: AbortSignal): Promise<void> {
  const isReady = (services: Listed): boolean =>
    services.every(({ replicas }) => replicas.some(({ observed }) => observed === 'ready'));
  const left = await until(client, isReady, AbortSignal.any([signal, AbortSignal.timeout(READY_WITHIN_MS)]));
  signal.throwIfAborted();
  if (left) throw new Error(`the nodes were not ready within ${READY_WITHIN_MS / 1000} s: ${told(left)}`);
}

/** Until nothing of them runs. */
export async function removeAll(client: Client): Promise<void> {
  for (const { name } of await list(client)) await client.delete(`/v1/services/${name}`);
  const isEmpty = (services: Listed): boolean => services.length === 0;
  const left = await until(client, isEmpty, AbortSignal.timeout(REMOVED_WITHIN_MS));
  if (left) throw new Error(`the nodes did not end within ${REMOVED_WITHIN_MS / 1000} s: ${told(left)}`);
}

/** Those that there are when the signal is aborted first. */
async function until(
  client: Client,
  isSo: (services: Listed) => boolean,
  signal: AbortSignal,
): Promise<Listed | undefined> {
  const { value, cursor } = await client.get<{ items: Listed }>('/v1/services');
  let services = value.items;
  if (isSo(services)) return undefined;
  for await (const _ of follow(client, { cursor, signal })) {
    services = await list(client);
    if (isSo(services)) return undefined;
  }
  return services;
}

async function list(client: Client): Promise<Listed> {
  return (await client.get<{ items: Listed }>('/v1/services')).value.items;
}

function told(services: Listed): string {
  return services
    .map(({ name, reasons, replicas }) => {
      const observed = replicas.map((replica) => replica.observed).join(', ');
      return `${name}: ${reasons.length > 0 ? reasons.join('; ') : observed || 'no replica'}`;
    })
    .join('; ');
}
