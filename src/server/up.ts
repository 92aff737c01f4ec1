/**
 * `tutti up`: everything put together in one process.
 *
 * 1. One line on stdout when it can take work; logs go to stderr.
 * 2. SIGTERM and SIGINT end it within five seconds, executions or not: nodes go on and are adopted later.
 */

import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Logger, pino } from 'pino';
import { createGateway, type Gateway } from '../../frontend-bridge/gateway/gateway.js';
import { readTlsPair, type TlsFiles } from '../../frontend-bridge/gateway/tls.js';
import { systemClock } from '../base/clock.js';
import { decodeText } from '../base/decode-text.js';
import { messageOf, TuttiError } from '../base/errors.js';
import { stderrLog } from '../base/log-destination.js';
import { openFilesLimit } from '../base/open-files.js';
import { version } from '../base/version.js';
import { createZeromqOrchestratorBus, type ZeromqOrchestratorBus } from '../bus/zeromq-orchestrator.js';
import { loadBoxes } from '../bus/zmtp/boxes.js';
import { readBlueprint } from '../config/blueprint/deployable.js';
import { isLoopback, TOKEN_CHARACTERS } from '../config/config.js';
import { graphOf, type ParsedGraph, parseGraph } from '../config/graph/graph-file.js';
import { filesBeside, hashesOf } from '../config/graph/graph-files.js';
import { graphJsonSchema } from '../config/graph/graph-json-schema.js';
import type { Config } from '../config/options.js';
import { readServices } from '../config/service-files.js';
import { withPlaces } from '../config/yaml/places.js';
import { YamlReader } from '../config/yaml/reader.js';
import { LOCAL_CLUSTER } from '../model/cluster.js';
import { filesOfGraph } from '../model/graph.js';
import { AGENT_MODULE } from '../model/run.js';
import type { NodeKeys } from '../orchestrator/access/node-keys.js';
import { Orchestrator } from '../orchestrator/orchestrator.js';
import type { Answer, Request } from '../orchestrator/port.js';
import { partsOf } from '../store/data-dir.js';
import type { SeenPeer } from '../store/postgres/peers.js';
import { openSecretsKeys } from '../store/secrets-key.js';
import { packageTypes } from '../wire/package-types.js';
import type { TypeRegistry } from '../wire/types.js';
import { ManagedAgents } from './agents.js';
import { holdStore } from './held-store.js';
import { openKeys } from './keys.js';
import { logStream } from './log-format.js';
import { createMetrics } from './metrics.js';
import { atHost, reachedHost } from './reached.js';
import { knownTypes, readStoredGraph } from './stored-graphs.js';
import { haveGraph, openFacade } from './sustainml.js';
import { WantedAgents } from './wanted-agents.js';

/** The folder that the package brings, beside the compiled code. */
const WEB_ROOT = fileURLToPath(new URL('../../frontend-bridge/web', import.meta.url));

/** A managed agent enrols its key as soon as it has started. */
const JOIN_WITHIN_MS = 600_000;
/** The node of a replica enrols its key when its cluster, which may be out of reach, has started it. What is not used goes with the run. */
const RUN_JOIN_MS = 366 * 86_400_000;

export interface Running {
  readonly ready: {
    readonly http: string;
    /** Where SustainML's front ends are served. */
    readonly sustainml?: string;
    readonly control: string;
    readonly outputs: string;
    readonly events: string;
    /** The key by which nodes recognise this orchestrator, where connections are encrypted (Z85). */
    readonly public_key?: string;
    readonly data: string;
    readonly epoch: number;
    readonly store_id: string;
  };
  /** Idempotent. */
  stop(): Promise<void>;
}

export interface UpOptions {
  /** Storing is no longer possible, and this process must end. */
  readonly onLost: (error: TuttiError) => void;
  /** Another orchestrator leads the store, and this one waits to take over. */
  readonly onStandby?: (leader: SeenPeer | undefined) => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Starts an orchestrator with its gateway, as soon as no other one leads its store. Nothing where the signal came before. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: it only wires the parts, in the order in which they are undone backwards.
export async function up(
  config: Config,
  { onLost, onStandby = () => {}, signal = new AbortController().signal }: UpOptions,
): Promise<Running | undefined> {
  const log = stderrLog();
  const logger = pino({ level: config.logLevel }, await logStream(config.logFormat, log));
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const types = packageTypes(config.protoPaths);
    const parts = partsOf(config.data);
    const held = await holdStore({ config, logger, signal, onStandby, onLost, undo });
    if (held === undefined) {
      await stop();
      return undefined;
    }
    const { store, peers, startReader, beforeServing } = held;
    const reader = new YamlReader();
    undo.push(() => reader.stop());
    let bus: ZeromqOrchestratorBus | undefined;
    const encrypted = isEncrypted(config);
    if (encrypted) await loadBoxes();
    // Known before anything asks for them: before the orchestrator starts.
    let keys: NodeKeys | undefined;
    const eventsHost = encrypted ? config.host : hostOfEvents(config);
    if (eventsHost !== config.host)
      logger.warn(
        { host: eventsHost },
        'the events socket needs no token, so it is bound to this machine only; other machines can follow the stream over HTTP',
      );
    if (config.token !== undefined && config.token.length < TOKEN_CHARACTERS)
      logger.warn(
        `the token is short enough to be guessed: give a token of at least ${TOKEN_CHARACTERS} characters`,
      );
    bus = createZeromqOrchestratorBus({
      control: endpointOf(config.host, config.controlPort),
      outputs: endpointOf(config.host, config.outputsPort),
      events: endpointOf(eventsHost, config.eventsPort),
      maxFrameBytes: config.maxFrameBytes,
      ...(encrypted && {
        security: { keys: () => keys!.serverPairs(), admits: (key, socket) => keys!.admits(key, socket) },
      }),
    });
    const orchestrator = await Orchestrator.open({
      store,
      bus,
      ...(encrypted && {
        authorize: (key, hello, address) => keys!.authorize(key, hello, address),
        isEnrolled: (key) => keys!.admits(key, 'outputs'),
        replicaKeys: {
          join: async (node) => (await keys!.enroll({ ...node, uses: 1, expiresInMs: RUN_JOIN_MS })).token,
          endRuns: (isOpen) => keys!.endRuns(isOpen),
        },
      }),
      clock: systemClock,
      logger,
      types,
      parseGraph: async (yaml, known, otherGraphs) =>
        graphOf(await reader.read(yaml), { types: knownTypes(known), otherGraphs }),
      readBlueprint: (source) => readBlueprint(source, { readYaml: (text) => reader.read(text) }),
      readStoredGraph,
      startReader,
      onLost,
      options: {
        token: config.token,
        heartbeatIntervalMs: config.heartbeatIntervalMs,
        graceMs: config.graceMs,
        outputWindow: config.outputWindow,
        inlineMaxBytes: config.inlineMaxBytes,
        maxFrameBytes: config.maxFrameBytes,
        mailboxLimit: config.mailboxLimit,
        maxTasks: config.maxTasks,
        keepEvents: config.keepEvents,
        forgetDays: config.forgetDays,
        trustClock: config.trustClock,
        maxBlobBytes: config.maxBlobBytes,
        secretsKeys: await openSecretsKeys(
          config.secretsKey ?? parts.secretsKey,
          config.secretsKey === undefined,
        ),
        blobDir: config.blobs ?? parts.blobs,
        local: { slots: availableParallelism(), workdir: resolve(config.data, 'work') },
        advertise: config.advertise ?? '*',
        isTracing: config.otlpEndpoint !== undefined,
      },
    });
    if (config.otlpEndpoint !== undefined) {
      const { startTracing } = await import('./tracing.js');
      const { work } = orchestrator;
      const tracing = startTracing({ endpoint: config.otlpEndpoint, version, work, logger });
      undo.push(() => tracing.stop());
    }
    undo.push(() => orchestrator.stop());
    if (config.token === undefined && orchestrator.grants.size > 0)
      throw withoutToken(orchestrator.grants.size);
    const kept = await openKeys(parts.keys, orchestrator.keys, encrypted, {
      onRevoked: (key) => bus?.endPeersOf(key),
      onEnrolled: ({ address, ...target }) =>
        void orchestrator.noteDone({ action: 'join', operation: 'enroll', address, target }),
    });
    keys = kept.keys;
    const samples = new Map<string, string>();
    const tlsFiles =
      config.tlsCert === undefined || config.tlsKey === undefined
        ? undefined
        : { cert: config.tlsCert, key: config.tlsKey };
    const gateway: Gateway = createGateway({
      coordinator: orchestrator,
      host: config.host,
      port: config.httpPort,
      ...(config.token !== undefined && { token: config.token }),
      ...(tlsFiles && { tls: readTlsPair(tlsFiles) }),
      publicPages: config.publicPages,
      origins: config.origins,
      hosts: config.advertise === undefined ? [] : [config.advertise],
      ...(existsSync(WEB_ROOT) && { webRoot: WEB_ROOT }),
      samples,
      jobTypes: config.jobTypes,
      graphSchema: graphJsonSchema(),
      version,
      ...(keys && { keys }),
      peers: () => peers.list(),
      metrics: createMetrics({
        gauges: () => orchestrator.gauges(),
        work: orchestrator.work,
        isReady: () => orchestrator.readiness().ready,
        gateway: () => gateway.gauges(),
        log,
      }),
      logger,
      limits: {
        bodyBytes: config.maxBodyBytes,
        connections: httpConnections(openFilesLimit()),
        viewers: config.maxViewers,
        viewerBufferBytes: config.viewerBufferBytes,
      },
    });
    await beforeServing();
    const { url, port } = await gateway.start();
    undo.push(() => gateway.stop());
    if (tlsFiles) undo.push(renewOnHangup(gateway, tlsFiles, logger));
    const endpoints = await orchestrator
      .start(
        `${tlsFiles ? 'https' : 'http'}://${config.advertise ?? '*'}:${port}/v1/blobs`,
        async (request) => {
          for (const file of config.graphs) {
            const name = await storeGraph(orchestrator, request, file, types);
            samples.set(name, join(dirname(file), 'samples'));
          }
          if (config.sustainml !== false) await haveGraph(orchestrator, request);
          for (const declared of declaredBy(config)) await declare(request, declared);
          for (const file of config.services) await applyServices(orchestrator, request, file);
        },
      )
      .catch(namingTheOption);
    await kept.keep();
    const facade =
      config.sustainml === false
        ? undefined
        : await openFacade(orchestrator, { port: config.sustainml, types, logger, token: config.token });
    if (facade) undo.push(() => facade.stop());
    undo.push(superviseAgents(orchestrator, config, endpoints.control, keys, logger));
    const host = reachedHost(config);
    await peers.announce({ http: atHost(url, host), control: atHost(endpoints.control, host) });
    const { epoch, storeId } = orchestrator;
    const sustainml = facade && { sustainml: facade.url };
    return {
      ready: {
        http: url,
        ...sustainml,
        ...endpoints,
        ...(keys && { public_key: keys.publicKey }),
        data: config.data,
        epoch,
        store_id: storeId,
      },
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** On SIGHUP, reads the certificate again; one that cannot be used leaves the one before. The answer stops that. */
function renewOnHangup(gateway: Gateway, files: TlsFiles, logger: Logger): () => Promise<void> {
  const renew = (): void => {
    try {
      const pair = readTlsPair(files);
      gateway.renew(pair);
      logger.info({ valid_to: pair.validTo }, 'the certificate of HTTPS was read again');
    } catch (thrown) {
      logger.error({ err: thrown }, 'the new HTTPS certificate cannot be used, so the old one stays in use');
    }
  };
  process.on('SIGHUP', renew);
  return async () => {
    process.off('SIGHUP', renew);
  };
}

/** Keeps the agents of managed clusters running. The answer stops that; agents with work go on. */
function superviseAgents(
  coordinator: Orchestrator,
  { data, token }: Config,
  control: string,
  keys: NodeKeys | undefined,
  logger: Logger,
): () => Promise<void> {
  const dir = resolve(data, 'agents');
  const wanted = new WantedAgents(coordinator, existsSync(join(dir, LOCAL_CLUSTER)));
  const agents = new ManagedAgents({
    ...{ dir, token, logger },
    program: fileURLToPath(new URL('../cli/main.js', import.meta.url)),
    // They are on this machine, whatever the address is that others dial.
    control: control.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:'),
    ...(keys && {
      join: async (instance) => {
        const once = { module: AGENT_MODULE, instance, uses: 1, expiresInMs: JOIN_WITHIN_MS };
        return (await keys.enroll(once)).token;
      },
    }),
    wanted: () => wanted.names(),
  });
  const unsubscribe = wanted.onChange(() => agents.check());
  agents.check();
  return async () => {
    unsubscribe();
    await agents.stop();
  };
}

/** With no token of its own, it would let everybody in as admin, whatever was granted. */
function withoutToken(grants: number): TuttiError {
  const message = `the data directory has ${grants} ${grants === 1 ? 'grant' : 'grants'} of access, so a token is needed`;
  return new TuttiError('token_required', message, {
    hint: 'give the token with the role admin:  TUTTI_TOKEN, --token-file or --token',
  });
}

/** A quarter of the files that the process may have open: the rest is for the sockets of nodes, the store and the blobs. */
function httpConnections(openFiles: number): number {
  return Math.max(16, Math.min(8_192, Math.floor(openFiles / 4)));
}

/** Returns the graph's name. Throws `TuttiError` `bad_graph` with every fault, or `graph_unreadable`. */
async function storeGraph(
  { blobs }: Pick<Orchestrator, 'blobs'>,
  request: (request: Request) => Promise<Answer>,
  file: string,
  types: TypeRegistry,
): Promise<string> {
  let yaml: string;
  try {
    yaml = decodeText(await readFile(file));
  } catch (cause) {
    throw new TuttiError('graph_unreadable', `the graph file ${file} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
  const parsed: ParsedGraph = parseGraph(yaml, { types: knownTypes(types), file });
  const beside = parsed.ok ? await filesBeside(file, filesOfGraph(parsed.graph)) : parsed;
  if (!parsed.ok || !beside.ok) {
    const details = withPlaces(beside.ok ? [] : beside.faults, yaml);
    const message = `${file} has ${details.length} ${details.length === 1 ? 'fault' : 'faults'}`;
    throw new TuttiError('bad_graph', message, { details });
  }
  for (const { sha256, file: from, path } of beside.files) {
    const put = await blobs.put(sha256, createReadStream(from));
    if (!put.ok) throw new TuttiError(put.code, `${file}: ${path}: ${put.message}`);
  }
  const files = hashesOf(beside.files);
  const answer = await request({ kind: 'put_graph', name: parsed.graph.name, yaml, files });
  if (!answer.ok)
    throw new TuttiError('bad_graph', `${file}: ${answer.message}`, { details: answer.details ?? [] });
  return parsed.graph.name;
}

/** Throws `TuttiError` `bad_service` with every fault, or `service_unreadable`. */
async function applyServices(
  { blobs }: Pick<Orchestrator, 'blobs'>,
  request: (request: Request) => Promise<Answer>,
  file: string,
): Promise<void> {
  const read = await readServices(file).catch((cause: unknown) => {
    const message = `the service file ${file} cannot be read: ${messageOf(cause)}`;
    throw new TuttiError('service_unreadable', message, { cause });
  });
  if (!read.ok) {
    const { faults: details } = read;
    const message = `${file} has ${details.length} ${details.length === 1 ? 'fault' : 'faults'}`;
    throw new TuttiError('bad_service', message, { details });
  }
  for (const { spec, files } of read.services) {
    for (const { sha256, file: from, path } of files) {
      const put = await blobs.put(sha256, createReadStream(from));
      if (!put.ok) throw new TuttiError(put.code, `${file}: ${path}: ${put.message}`);
    }
    const answer = await request({ kind: 'apply_service', spec, files: hashesOf(files) });
    if (!answer.ok)
      throw new TuttiError('bad_service', `${file}: ${answer.message}`, { details: answer.details ?? [] });
  }
}

/** Their configuration takes effect from the start. */
function declaredBy({ clusters, webhooks }: Config): Declared[] {
  return [
    ...clusters.map(
      ({ status, ...cluster }): Declared => ({
        what: `cluster ${cluster.name}`,
        request: { kind: 'declare_cluster', cluster, ...(status && { status }) },
      }),
    ),
    ...webhooks.map(
      (webhook): Declared => ({
        what: `webhook ${webhook.name}`,
        request: { kind: 'declare_webhook', webhook },
      }),
    ),
  ];
}

interface Declared {
  readonly what: string;
  readonly request: Request;
}

async function declare(
  ask: (request: Request) => Promise<Answer>,
  { what, request }: Declared,
): Promise<void> {
  const answer = await ask(request);
  if (!answer.ok) throw new TuttiError(answer.code, `${what}: ${answer.message}`);
}

/** The bus calls its sockets by name; a person knows the options that their ports come from. */
function namingTheOption(thrown: unknown): never {
  const socket = ['control', 'outputs', 'events'].find((name) => messageOf(thrown).startsWith(`${name}: `));
  if (!(thrown instanceof TuttiError) || thrown.code !== 'port_in_use' || socket === undefined) throw thrown;
  throw new TuttiError(thrown.code, thrown.message, {
    hint: `Give another port with --${socket}-port (TUTTI_${socket.toUpperCase()}_PORT); 0 picks a free one.`,
    cause: thrown,
  });
}

function endpointOf(host: string, port: number): string {
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function isEncrypted({ curve, host }: Config): boolean {
  return curve === undefined ? !isLoopback(host) : curve === 'on';
}

/** Without CURVE, a subscriber shows no token and gets every event: where there is one, only this machine may subscribe. */
function hostOfEvents({ host, token }: Config): string {
  if (token === undefined || isLoopback(host)) return host;
  return host.includes(':') ? '::1' : '127.0.0.1';
}
