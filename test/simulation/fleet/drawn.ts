/** The clusters and the services of a simulated run. */
import type { ServiceSpec, ServiceType } from '../../../src/model/service.js';
import type { NewCluster } from '../../../src/orchestrator/port.js';
import type { Random } from '../../support/random.js';

export const CLUSTERS = ['alps', 'barn', 'cave', 'dune'];
export const TYPES: Readonly<Record<string, ServiceType>> = {
  keeper: 'service',
  player: 'service',
  ghost: 'daemon',
  sums: 'batch',
  once: 'ops',
};
export const SERVICES = Object.keys(TYPES);

export function drawCluster(name: string, random: Random): NewCluster {
  return {
    ...{ name, type: 'ssh', status: 'active', workdir: '/w', agent: 'remote' },
    ...{ slots: random.whole(1, 6), labels: { site: random.pick(['a', 'b']) } },
  };
}

export function drawService(name: string, random: Random): ServiceSpec {
  const type = TYPES[name]!;
  const disconnect = random.pick([
    undefined,
    { lostAfterMs: random.whole(2000, 15_000), replace: random.chance(0.7) },
  ]);
  const startupDeadlineMs = random.pick([undefined, 8000]);
  return {
    ...{ name, type, count: random.whole(0, 4) },
    require: random.chance(0.3) ? { site: random.pick(['a', 'b']) } : {},
    run: {
      ...{ work: { kind: 'command', argv: ['serve', random.pick(['one', 'two'])] }, files: {}, env: {} },
      ...{ resources: { cpus: 1 }, result: 'none', keep: 'never', retryExitCodes: undefined },
    },
    restart: { backoffMs: random.pick([500, 1000]), maxBackoffMs: 8000 },
    ...(name === 'player' && { module: 'a' }),
    ...(disconnect && { disconnect }),
    ...(startupDeadlineMs !== undefined && { startupDeadlineMs }),
  };
}
