import pino from 'pino';
import { createGateway, type Gateway, type GatewayOptions } from '../../frontend-bridge/gateway/gateway.js';
import { createFakeCoordinator, type FakeCoordinator } from './fake-coordinator.js';

export interface RunningGateway {
  readonly coordinator: FakeCoordinator;
  readonly gateway: Gateway;
  readonly url: string;
}

/** A gateway on a free loopback port before a fake orchestrator. Its owner stops it. */
export async function startGateway(
  options: Partial<GatewayOptions> & { readonly coordinator?: FakeCoordinator } = {},
): Promise<RunningGateway> {
  const coordinator = options.coordinator ?? createFakeCoordinator();
  const gateway = createGateway({
    host: '127.0.0.1',
    port: 0,
    version: '1.2.3',
    peers: async () => [],
    metrics: async () => '# HELP up 1 when it runs\nup 1\n',
    logger: pino({ level: 'silent' }),
    ...options,
    coordinator,
  });
  const { url } = await gateway.start();
  return { coordinator, gateway, url };
}
