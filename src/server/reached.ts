/** How other machines reach this orchestrator. */
import { hostname } from 'node:os';
import type { Config } from '../config/options.js';

/** In addresses: the advertised host, or the one that it is bound to. One that is bound to every address is reached by its machine's name. */
export function reachedHost({ advertise, host }: Pick<Config, 'advertise' | 'host'>): string {
  const isEvery = host === '0.0.0.0' || host === '::';
  const name = advertise ?? (isEvery ? hostname() : host);
  return name.includes(':') ? `[${name}]` : name;
}

/** @example atHost('tcp://0.0.0.0:7400', 'db-1') // 'tcp://db-1:7400' */
export function atHost(address: string, host: string): string {
  return address.replace(/^([a-z]+:\/\/)(?:\[[^\]]*\]|[^:/]*)/, (_, scheme: string) => scheme + host);
}
