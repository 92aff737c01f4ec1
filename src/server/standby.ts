/** What an orchestrator that waits answers: probes and load balancers see that it runs, and that it takes no work. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readTlsPair } from '../../frontend-bridge/gateway/tls.js';
import { messageOf, TuttiError } from '../base/errors.js';
import type { Config } from '../config/options.js';
import { reachedHost } from './reached.js';

export interface Standby {
  /** How it is reached, now and when it leads; a port that is only chosen then is not known. */
  readonly where: { readonly http: string; readonly control: string | undefined };
  stop(): Promise<void>;
}

const RETRY_AFTER_S = 1;

type Serving = Pick<Config, 'host' | 'advertise' | 'httpPort' | 'controlPort' | 'tlsCert' | 'tlsKey'>;

/** @throws `port_in_use`, `bad_tls` */
export async function serveAsStandby(config: Serving): Promise<Standby> {
  const { host, httpPort, controlPort, tlsCert, tlsKey } = config;
  const isTls = tlsCert !== undefined && tlsKey !== undefined;
  const server = isTls
    ? createTlsServer(readTlsPair({ cert: tlsCert, key: tlsKey }), answer)
    : createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(httpPort, host, resolve);
  }).catch((cause: unknown) => {
    throw new TuttiError('port_in_use', `HTTP: ${messageOf(cause)}`, {
      hint: 'Give another port with --http-port (TUTTI_HTTP_PORT); 0 picks a free one.',
      cause,
    });
  });
  const { port } = server.address() as AddressInfo;
  const shown = reachedHost(config);
  return {
    where: {
      http: `${isTls ? 'https' : 'http'}://${shown}:${port}`,
      control: controlPort === 0 ? undefined : `tcp://${shown}:${controlPort}`,
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const answer: RequestListener = (request, response) => {
  request.resume();
  if (request.url === '/livez') {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"alive"}');
    return;
  }
  const error = { code: 'standby', message: 'another orchestrator leads this store; this one waits' };
  response
    .writeHead(503, { 'content-type': 'application/json', 'retry-after': String(RETRY_AFTER_S) })
    .end(JSON.stringify({ error }));
};
