/**
 * A facade in front of one orchestrator: SustainML's front ends take it for the back end that they were written for.
 *
 * It is a client as any other (`src/orchestrator/port.ts`), with no rights and no store of its own. Its clients know no token, so it listens on
 * loopback only, and what they make and see is of the project `default`.
 */
import { messageOf, TuttiError } from '../../src/base/errors.js';
import type { Logger } from '../../src/base/logger.js';
import { DEFAULT_PROJECT, type Role } from '../../src/model/access.js';
import type { Coordinator } from '../../src/orchestrator/port.js';
import { createApplication } from './application.js';
import { Chains } from './chains.js';
import { Configuration } from './configuration.js';
import { FirstNode } from './first-node.js';
import type { ModelsDeps } from './models.js';
import { Optimizations } from './optimizations.js';
import { type Decode, Payloads } from './payloads.js';
import { ResultsDesk } from './results-desk.js';
import { Sockets } from './sockets.js';
import { NodeList } from './status.js';
import { Tasks } from './tasks.js';
import { Waits } from './waits.js';

export interface FacadeOptions {
  readonly coordinator: Coordinator;
  /** 0 picks a free one. */
  readonly port: number;
  readonly decode: Decode;
  readonly models: ModelsDeps;
  /** What its clients may do, as the table of `src/model/access.ts` says. @default 'operator', who may configure nodes */
  readonly role?: Role;
  /** TCP connections at a time. @default 1024 */
  readonly connections?: number;
  readonly logger: Logger;
}

export interface Facade {
  /** Throws `TuttiError` `port_in_use` or `cannot_listen`. */
  start(): Promise<{ readonly url: string; readonly port: number }>;
  /** Refuses all waiting requests. Idempotent. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** In the audit: its clients show no token. */
const BY_FACADE = 'sustainml';
const CONNECTIONS = 1_024;

export function createFacade(options: FacadeOptions): Facade {
  const { logger } = options;
  const workspace = options.coordinator.within(DEFAULT_PROJECT, { by: BY_FACADE, address: HOST });
  const noteRefused: Coordinator['noteRefused'] = (refused) => options.coordinator.noteRefused(refused);
  const coordinator = { ...workspace, noteRefused };
  const tasks = new Tasks(coordinator);
  const waits = new Waits(coordinator);
  const payloads = new Payloads(coordinator, options.decode);
  const optimizations = new Optimizations(coordinator);
  const chains = new Chains({ coordinator, tasks, waits, payloads, optimizations, logger });
  const nodes = new NodeList(coordinator);
  const app = createApplication({
    coordinator,
    tasks,
    chains,
    optimizations,
    nodes,
    configuration: new Configuration(coordinator, nodes),
    desk: new ResultsDesk({ tasks, waits, chains, payloads, first: new FirstNode() }),
    models: options.models,
    role: options.role ?? 'operator',
    logger,
  });
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    chains.stop();
    optimizations.stop();
    waits.stop();
    await app.close();
  };
  return {
    async start() {
      waits.start();
      await chains.start();
      new Sockets(options.connections ?? CONNECTIONS).watch(app.server);
      try {
        await app.listen({ host: HOST, port: options.port });
      } catch (cause) {
        await stop();
        throw listenError(cause, options.port);
      }
      const address = app.server.address();
      const port = typeof address === 'object' && address !== null ? address.port : options.port;
      return { url: `http://${HOST}:${port}`, port };
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

function listenError(cause: unknown, port: number): TuttiError {
  const hint = 'Give another one with --sustainml PORT (TUTTI_SUSTAINML); 0 picks a free one.';
  return (cause as { code?: unknown }).code === 'EADDRINUSE'
    ? new TuttiError('port_in_use', `The port ${port} for the SustainML front ends is in use.`, {
        hint,
        cause,
      })
    : new TuttiError('cannot_listen', `The port ${port} cannot be listened on: ${messageOf(cause)}`, {
        hint,
        cause,
      });
}
