/**
 * The orchestrator: store, bus and loop put together behind one door.
 *
 * 1. `open` raises the epoch and recovers the state; `start` binds the sockets, and only then work is taken.
 * 2. `stop` finishes the batch in hand and lets go; nodes go on, and are adopted later.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../base/clock.js';
import { TuttiError } from '../base/errors.js';
import { type IdSource, systemIds } from '../base/ids.js';
import { canonicalJson } from '../base/json/canonical.js';
import type { Logger } from '../base/logger.js';
import { PauseFreeClock } from '../base/pause-free-clock.js';
import { sha256Of } from '../base/sha256.js';
import type { Endpoints, OrchestratorBus } from '../bus/bus.js';
import type { Open } from '../contract/answer.js';
import type { ClusterJson } from '../contract/cluster.js';
import type { NodeJson } from '../contract/node.js';
import type { ServiceJson } from '../contract/service.js';
import { ALL_PROJECTS, DEFAULT_PROJECT, maySee, projectFor } from '../model/access.js';
import { type Asker, type AuditNote, BY_CONFIGURATION, type Deed } from '../model/audit.js';
import { LOCAL_CLUSTER } from '../model/cluster.js';
import { JOB_GRAPH, JOB_GRAPH_NAME, JOB_GRAPH_TEXT } from '../model/job.js';
import type { BlobRef } from '../model/payload.js';
import { formatTaskId } from '../model/task-id.js';
import type { Webhook } from '../model/webhook.js';
import type { SecretsKeys } from '../store/secrets-key.js';
import type { Store } from '../store/store.js';
import type { TypeRegistry } from '../wire/types.js';
import { GrantBook } from './access/grants.js';
import { KeptKeys } from './access/kept-keys.js';
import { RefusedDeeds } from './access/refused-deeds.js';
import { ReplicaTokens } from './access/replica-tokens.js';
import { Sessions } from './access/sessions.js';
import { VAULT_KEY_BYTES, Vault } from './access/vault.js';
import { type CollectableBlobs, createBlobs } from './blobs/blobs.js';
import { NodeBlobs } from './blobs/node-blobs.js';
import { blobsWithin, seesBlob, uploadersOf } from './blobs/project-blobs.js';
import { targetOf } from './core/access/audit.js';
import { deploymentNamed } from './core/deployments/deployment-view.js';
import type { RefusedPeer, Reply } from './core/journal.js';
import { unknownService } from './core/services/services.js';
import type { State } from './core/state.js';
import type { Settings, Step, WebhookAttempt } from './core/turn.js';
import { CommittedEvents, eventsWithin } from './event-stream.js';
import { type Gauges, gaugesOf } from './gauges.js';
import { Doors } from './incoming/doors.js';
import { type IngestDeps, ingest } from './incoming/ingest.js';
import { RefusalLog } from './incoming/refusal-log.js';
import { Indexes } from './indexes.js';
import { load } from './loop/load.js';
import { Loop } from './loop/loop.js';
import { PayloadCache } from './loop/payload-cache.js';
import { Performer, type ReplicaKeys } from './loop/perform.js';
import { newestEventAt, recover } from './loop/recover.js';
import { reseal } from './loop/reseal.js';
import {
  ACTION_OF,
  type Answer,
  type EventStream,
  type Found,
  type FoundJson,
  type Page,
  type PageRequest,
  type Queries,
  type Readiness,
  type Refusal,
  type RefusalKind,
  type Refused,
  type Request,
  type StreamingCoordinator,
  type View,
  type Workspace,
} from './port.js';
import type { BlueprintReader } from './prepare/blueprint.js';
import { withToken } from './prepare/grant.js';
import type { GraphParser } from './prepare/graph.js';
import { deploymentChanges } from './prepare/operation.js';
import { type PrepareDeps, prepare } from './prepare/prepare.js';
import { openTarget } from './prepare/webhook.js';
import { look } from './proposals/look.js';
import { foundJson } from './queries/found.js';
import type { ReadStoredGraph } from './queries/graph-versions.js';
import { isRefusal, pageOf } from './queries/pages.js';
import type { StartReader } from './queries/service/lane.js';
import { QueryService } from './queries/service/service.js';
import { refusal } from './refusal.js';
import { AgeGuard, storedDoubt } from './retention/age-guard.js';
import { Retention } from './retention/retention.js';
import { noteFactsSince } from './tables/facts-since.js';
import type { AgesRow } from './tables/records.js';
import * as tables from './tables/tables.js';
import { Couriers } from './webhooks/couriers.js';
import { post } from './webhooks/post.js';
import { workStats } from './work/counts.js';
import { recoveredWork } from './work/recovered.js';
import { WorkInView } from './work/work-in-view.js';

/** Memory of decoded frames that wait: some dozens of the largest frames, and far more than a batch of usual ones. */
const CLOCK_HINT =
  'the wall clock has jumped by more than a day: nothing is removed because of its age until it has run steadily for a day, or `tutti up --trust-clock`';
const SEALED_ANEW =
  'all that older keys of the secrets had sealed is sealed with the first one: the others can be taken out of its file, once replicas that are nodes have been restarted';
const NO_ROOM_TO_SEAL =
  'there is no room on the disk to seal the secrets with the first of their keys: the next start does it';
const LOCKED_KEYS =
  'keys of the orchestrator that another key has sealed are not there: nodes that know no other join again, or give their key with --secrets-key';
/** Of frames that wait: some dozens of the largest, and far more than a batch of usual ones. */
const MAILBOX_BYTES = 256 * 1024 * 1024;
/** Requests that may be under way; each holds its caller's connection. */
const REQUESTS_LIMIT = 20_000;
/** Data may stay a few minutes beyond its age. */
const RETENTION_INTERVAL_MS = 5 * 60 * 1000;
/** Recent payloads held in memory, for the assignments that they unlock. */
const PAYLOAD_CACHE_BYTES = 16 * 1024 * 1024;

/** Counts of refusals that are alike: they are exact when the audit is read, and after a crash at most so much behind. */
const AUDIT_FLUSH_MS = 10_000;
const FLUSH_AT_STOP_MS = 1_000;
/** The kinds that the audit records: the others say nothing about the request itself. */
const REFUSED_KINDS: ReadonlySet<RefusalKind> = new Set<RefusalKind>([
  ...(['malformed', 'not_found', 'conflict', 'outdated', 'too_large', 'invalid', 'too_many'] as const),
]);

/** Deliveries are to follow at once. */
const CHANGE_WEBHOOKS: ReadonlySet<Request['kind']> = new Set<Request['kind']>([
  'add_webhook',
  'declare_webhook',
  'remove_webhook',
]);

export interface OrchestratorOptions {
  readonly token: string | undefined;
  /** @default 1000 */
  readonly heartbeatIntervalMs: number;
  /** How long a stopped execution may take to end. */
  readonly graceMs: number;
  readonly outputWindow: number;
  readonly inlineMaxBytes: number;
  readonly maxFrameBytes: number;
  /** Frames and requests that may wait to be decided before sockets are read no further. */
  readonly mailboxLimit: number;
  /** Unfinished tasks; further ones are refused. */
  readonly maxTasks: number;
  /** A larger blob is refused. */
  readonly maxBlobBytes: number;
  /** The newest events that are kept; 0: all. */
  readonly keepEvents: number;
  /** After so many days finished commands, replaced boots and dead nodes are forgotten. */
  readonly forgetDays: number;
  /** An operator says that the wall clock is right, although it has leapt. @default false */
  readonly trustClock?: boolean;
  /** Somebody makes spans of the work: nodes get traces to put theirs below. @default false */
  readonly isTracing?: boolean;
  /** The cluster that is there from the start. @default none is */
  readonly local?: { readonly slots: number; readonly workdir: string };
  /** Of 32 bytes each: the first one seals secrets at rest, the others open what they have sealed. @default a new one: secrets last as long as this process */
  readonly secretsKeys?: SecretsKeys;
  /** Where blobs are kept. */
  readonly blobDir: string;
  /** The host that nodes are told; `*` stands for the host that they dialled. */
  readonly advertise: string;
}

export interface OrchestratorDeps {
  readonly store: Store;
  readonly bus: OrchestratorBus;
  readonly clock: Clock;
  /** @default the system's */
  readonly ids?: IdSource;
  readonly logger: Logger;
  readonly types: TypeRegistry;
  readonly parseGraph: GraphParser;
  readonly readBlueprint: BlueprintReader;
  /** Throws `TuttiError` `store_damaged`. */
  readonly readStoredGraph: ReadStoredGraph;
  /** Where queries are answered. */
  readonly startReader: StartReader;
  /** Commits are no longer possible (`fenced`, `store_failed`): this process must end. */
  readonly onLost: (error: TuttiError) => void;
  /** Where connections are encrypted: why this key may not say this hello. */
  readonly authorize?: IngestDeps['authorize'];
  /** Where connections are encrypted: whether this key is enrolled and not revoked. */
  readonly isEnrolled?: (key: string) => boolean;
  /** Where connections are encrypted. */
  readonly replicaKeys?: ReplicaKeys;
  readonly options: OrchestratorOptions;
}

export class Orchestrator implements StreamingCoordinator {
  readonly epoch: number;
  readonly storeId: string;
  readonly queries: Queries;
  readonly events: EventStream;
  readonly blobs: CollectableBlobs;
  readonly grants: GrantBook;
  readonly sessions: Sessions;
  readonly nodeBlobs: NodeBlobs;
  /** Those of connections, in the store. */
  readonly keys: KeptKeys;
  /** Follow it before `start`. */
  readonly work: WorkInView = new WorkInView();
  readonly #deps: OrchestratorDeps;
  readonly #state: State;
  readonly #loop: Loop;
  readonly #payloads = new PayloadCache(PAYLOAD_CACHE_BYTES);
  readonly #clock: PauseFreeClock;
  readonly #ages: AgeGuard;
  readonly #indexes: Indexes;
  readonly #retention: Retention;
  readonly #replicaTokens: ReplicaTokens;
  readonly #refusals: RefusalLog;
  readonly #refusedDeeds: RefusedDeeds;
  readonly #service: QueryService;
  readonly #vault: Vault;
  readonly #couriers: Couriers;
  readonly #workspaces = new Map<string, Workspace>();
  readonly #waiting = new Map<number, (reply: Reply, cursor: number) => void>();
  /** Known once the sockets are bound, which is before anybody can be told. */
  readonly #addresses = { outputs: '', control: '', blobs: '' };
  #auditTimer: NodeJS.Timeout | undefined;
  #requests = 0;
  #started = false;
  #stopping: Promise<void> | undefined;

  // biome-ignore lint/complexity/noExcessiveLinesPerFunction: it only wires the parts, in the order in which they need each other.
  private constructor(deps: OrchestratorDeps, parts: Parts) {
    this.#deps = deps;
    this.epoch = parts.epoch;
    this.storeId = deps.store.storeId;
    this.#state = parts.state;
    this.#vault = parts.vault;
    this.#clock = parts.clock;
    this.events = parts.events;
    this.work.adopt(recoveredWork(parts.state.tasks.values(), deps.clock.wallMs()));
    this.grants = new GrantBook({ state: parts.state, wallMs: () => deps.clock.wallMs() });
    this.sessions = new Sessions({ vault: parts.vault, wallMs: () => deps.clock.wallMs() });
    this.keys = new KeptKeys({
      entries: parts.state.keys.values(),
      vault: parts.vault,
      commit: async (changes) => {
        const answer = await this.#answerTo((id) => ({ kind: 'keep keys', id, changes }));
        if (!answer.ok) throw new TuttiError(answer.code, answer.message);
      },
    });
    if (this.keys.locked.length > 0) deps.logger.warn({ keys: this.keys.locked }, LOCKED_KEYS);
    this.#replicaTokens = new ReplicaTokens({ vault: parts.vault, isOpen: (run) => this.#isOpen(run) });
    this.#refusals = new RefusalLog({ logger: deps.logger, nowMs: () => deps.clock.monotonicMs() });
    this.#refusedDeeds = new RefusedDeeds({
      commit: (note) => this.#commitAudit(note),
      nowMs: () => deps.clock.monotonicMs(),
    });
    const settings = settingsOf(deps, parts.epoch, this.#addresses);
    const performer = new Performer({
      bus: deps.bus,
      store: deps.store,
      cache: this.#payloads,
      settings,
      vault: parts.vault,
      ...(deps.replicaKeys && {
        joining: {
          join: (node) => deps.replicaKeys!.join(node),
          onJoin: (executionId) => void this.#loop.post({ kind: 'assign now', executionId }),
        },
      }),
      replicaToken: (node) => this.#replicaTokens.seal(node),
      logger: deps.logger,
      onCommitted: (events) => {
        this.work.observe(events);
        if (events.some(({ fact }) => RUN_ENDS.has(fact.type))) this.#endKeysOfRuns();
        parts.events.announce(events);
      },
      onTrimmed: (oldest) => parts.events.trimmed(oldest),
      onReply: (reply, cursor) => this.#settle(reply, cursor),
      onRefused: (refused) => this.#logRefused(refused),
    });
    this.#loop = new Loop({
      state: parts.state,
      settings,
      store: deps.store,
      clock: { nowMs: () => parts.clock.nowMs(), wallMs: () => deps.clock.wallMs() },
      ids: deps.ids ?? systemIds,
      logger: deps.logger,
      mailboxLimit: deps.options.mailboxLimit,
      mailboxBytes: MAILBOX_BYTES,
      load: (steps) =>
        load(deps.store, parts.state, steps, {
          files: this.blobs,
          inlineMaxBytes: deps.options.inlineMaxBytes,
        }),
      look: (proposal) => look(deps.store, proposal),
      perform: (journal) => performer.perform(journal),
      onFull: () => this.#retention.hurry(),
      onLost: deps.onLost,
    });
    this.blobs = createBlobs({
      dir: deps.options.blobDir,
      maxBytes: deps.options.maxBlobBytes,
      ids: deps.ids ?? systemIds,
      store: deps.store,
      commit: (blob, project) => this.#keepBlob(blob, project),
      onDamaged: (sha256) => {
        parts.state.counters.add('blobs_damaged');
        deps.logger.error({ sha256 }, 'the file of a blob is gone or has other content');
      },
    });
    this.nodeBlobs = new NodeBlobs({
      ...{ state: parts.state, blobs: this.blobs, isEnrolled: deps.isEnrolled },
      nowMs: () => parts.clock.nowMs(),
    });
    this.#ages = new AgeGuard({
      proposals: this.#loop,
      stored: parts.doubt,
      wallMs: () => deps.clock.wallMs(),
      monotonicMs: () => deps.clock.monotonicMs(),
      newestEventAt: parts.newestEventAt,
      trustClock: deps.options.trustClock ?? false,
      logger: deps.logger,
    });
    this.#retention = new Retention({
      store: deps.store,
      proposals: this.#loop,
      graphs: parts.state,
      wallMs: () => deps.clock.wallMs(),
      agesAreBelieved: () => this.#ages.areBelieved(),
      keepEvents: deps.options.keepEvents,
      forgetDays: deps.options.forgetDays,
      collectBlob: (sha256, take) => this.blobs.collect(sha256, take),
      logger: deps.logger,
    });
    this.#indexes = new Indexes({
      store: deps.store,
      proposals: this.#loop,
      state: parts.state,
      events: parts.events,
      logger: deps.logger,
    });
    this.#service = parts.service;
    this.#couriers = new Couriers({
      storeId: deps.store.storeId,
      events: parts.events,
      state: parts.state,
      post,
      open: (webhook: Webhook) => openTarget(parts.vault, webhook),
      fits: async (filter, problemId) => {
        const found = await parts.service.queries(ALL_PROJECTS).problemFits(filter, problemId);
        if ('ok' in found) throw new TuttiError(found.code, found.message);
        return found.value.fits === true;
      },
      note: async (progress) => {
        const request = { kind: 'note_webhook', progress } as const;
        await this.#answerTo((id) => ({
          ...{ kind: 'request', id, request, bound: ALL_PROJECTS, dedupe: undefined },
        }));
      },
      pause: (ms, signal) => pause(ms, undefined, { signal, ref: false }).catch(() => {}),
      logger: deps.logger,
    });
    this.queries = this.#queriesUntil(ALL_PROJECTS, undefined);
  }

  /**
   * Begins a new reign over the store and recovers what it holds. Questions are answered from then on; work is taken after `start`.
   * Throws `TuttiError` `store_damaged`.
   */
  static async open(deps: OrchestratorDeps): Promise<Orchestrator> {
    const clock = new PauseFreeClock(deps.clock);
    const epoch = await deps.store.reign();
    const doubt = await storedDoubt(deps.store);
    const newest = await newestEventAt(deps.store);
    await noteFactsSince(deps.store, epoch);
    const [key, ...older]: SecretsKeys = deps.options.secretsKeys ?? [randomBytes(VAULT_KEY_BYTES)];
    const vault = new Vault(key, ...older);
    const clocks = { nowMs: clock.nowMs(), wallMs: deps.clock.wallMs() };
    const locked: string[] = [];
    const state = await recover({
      store: deps.store,
      isOpen: (secret) => {
        const isOpen = vault.open(secret) !== undefined;
        if (!isOpen) locked.push(secret.name);
        return isOpen;
      },
      graceMs: deps.options.graceMs,
      clocks,
      parseGraph: deps.readStoredGraph,
    });
    if (locked.length > 0) {
      const message =
        'secrets that another key has sealed are not there: set them again, or give their key with --secrets-key';
      deps.logger.warn({ secrets: locked }, message);
    }
    if (older.length > 0) {
      const sealed = await reseal({ store: deps.store, epoch, state, vault, clocks });
      deps.logger.info({ sealed }, sealed === undefined ? NO_ROOM_TO_SEAL : SEALED_ANEW);
    }
    const service: QueryService = new QueryService({
      start: deps.startReader,
      shown: () => deps.store.applied(deps.store.position),
      logger: deps.logger,
    });
    const events: CommittedEvents = new CommittedEvents(deps.store, (after, limit) =>
      service.events(after, limit),
    );
    await events.start();
    service.start();
    return new Orchestrator(deps, {
      epoch,
      state,
      vault,
      clock,
      events,
      doubt,
      newestEventAt: newest,
      service,
    });
  }

  /**
   * Binds the sockets and takes work. `blobUrl` is where nodes find blobs: `http://*:7480/v1/blobs`. `setUp` makes requests that are
   * answered before anybody else is heard: a node that registers at once finds the graphs that are stored there. Throws `TuttiError`
   * `port_in_use`, `bad_endpoint`, and what `setUp` throws.
   */
  async start(
    blobUrl: string,
    setUp: (request: (request: Request) => Promise<Answer>) => Promise<void> = async () => {},
  ): Promise<Endpoints> {
    const { bus, options } = this.#deps;
    this.#addresses.blobs = blobUrl;
    this.#clock.start();
    this.#ages.start();
    await this.blobs.tidy();
    this.#endKeysOfRuns();
    const doors = new Doors((step, cost) => this.#loop.post(step, cost));
    const endpoints = await bus.start(
      ingest({
        post: (step, cost) => doors.post(step, cost),
        refused: (refused) => {
          this.#state.counters.add(`refused_${refused.code}`);
          this.#refusals.note(refused);
        },
        denied: (denied) => this.#refusedDeeds.note({ action: 'join', ...denied }),
        end: (route) => bus.end(route),
        token: options.token,
        authorize: this.#deps.authorize,
        isReplica: (hello) => this.#replicaTokens.admits(hello),
        nowMs: () => this.#deps.clock.monotonicMs(),
      }),
    );
    const asTold = (endpoint: string): string =>
      endpoint.replace(/^tcp:\/\/(\[[^\]]*\]|[^:]*):/, `tcp://${options.advertise}:`);
    this.#addresses.outputs = asTold(endpoints.outputs);
    this.#addresses.control = options.advertise === '*' ? endpoints.control : asTold(endpoints.control);
    void this.#loop.post({ kind: 'wake' });
    this.#loop.start();
    await setUp((request) => this.#ask(ALL_PROJECTS, request, { asker: CONFIGURATION }));
    await this.#addLocal();
    await doors.open();
    this.#started = true;
    void this.#indexes.refresh();
    this.#retention.start(RETENTION_INTERVAL_MS);
    this.#auditTimer = setInterval(() => void this.#refusedDeeds.flush(), AUDIT_FLUSH_MS).unref();
    await this.#couriers.refresh();
    return endpoints;
  }

  /** This machine, where the store has no record of it yet. */
  async #addLocal(): Promise<void> {
    const { local } = this.#deps.options;
    if (!local || this.#state.clusters.has(LOCAL_CLUSTER)) return;
    const cluster = { name: LOCAL_CLUSTER, type: 'local', ...local, labels: {}, agent: 'managed' } as const;
    const request = { kind: 'declare_cluster', cluster } as const;
    const answer = await this.#ask(ALL_PROJECTS, request, { asker: CONFIGURATION });
    if (!answer.ok) throw new TuttiError(answer.code, answer.message);
  }

  within(bound: string, asker?: Asker): Workspace {
    const workspace = this.#workspaceOf(bound);
    if (!asker) return workspace;
    const request: Workspace['request'] = (asked, idempotencyKey) =>
      this.#requestWithin(bound, asked, { asker, ...(idempotencyKey !== undefined && { idempotencyKey }) });
    return { ...workspace, request };
  }

  #workspaceOf(bound: string): Workspace {
    const known = this.#workspaces.get(bound);
    if (known) return known;
    const workspace: Workspace = {
      bound,
      request: (request, idempotencyKey) =>
        this.#requestWithin(bound, request, idempotencyKey === undefined ? {} : { idempotencyKey }),
      queries: this.#queriesUntil(bound, undefined),
      events: bound === ALL_PROJECTS ? this.events : eventsWithin(this.events, bound),
      blobs:
        bound === ALL_PROJECTS
          ? this.blobs
          : blobsWithin({ blobs: this.blobs, store: this.#deps.store, graphs: this.#state.graphs }, bound),
    };
    this.#workspaces.set(bound, workspace);
    return workspace;
  }

  cursor(): number {
    return this.events.cursor();
  }

  /** By somebody who is bound to no project. */
  request(request: Request, idempotencyKey?: string): Promise<Answer> {
    return this.#requestWithin(ALL_PROJECTS, request, idempotencyKey === undefined ? {} : { idempotencyKey });
  }

  async #requestWithin(bound: string, request: Request, how: Asked): Promise<Answer> {
    const answer = this.#unready() ?? (await this.#ask(bound, request, how));
    if (how.asker && !answer.ok && REFUSED_KINDS.has(answer.kind)) {
      const { code, message } = answer;
      const project = bound === ALL_PROJECTS ? {} : { project: bound };
      const operation = { action: ACTION_OF[request.kind], operation: request.kind };
      this.#refusedDeeds.note({
        ...{ ...how.asker, ...operation, ...project, target: targetOf(request), code, message },
      });
    }
    return request.kind === 'grant_access' ? withToken(this.#vault, answer) : answer;
  }

  async #ask(bound: string, request: Request, { asker, idempotencyKey }: Asked = {}): Promise<Answer> {
    const dedupe =
      idempotencyKey === undefined
        ? undefined
        : { key: keyWithin(bound, idempotencyKey), hash: hashOf(request) };
    const before = dedupe && (await this.#recall(bound, request, dedupe));
    if (before) return before;
    const without = request.kind === 'submit_job' ? await this.#haveJobGraph() : undefined;
    if (without) return without;
    const prepared = await prepare(this.#prepareDeps(bound), request);
    if ('ok' in prepared) return prepared;
    const asking = asker && { ...asker, action: ACTION_OF[request.kind], operation: request.kind };
    const answer = await this.#answerTo((id) => ({
      ...{ kind: 'request', id, request: prepared, bound, dedupe },
      ...(asking && { asking }),
    }));
    if (request.kind === 'put_graph' && answer.ok) void this.#indexes.refresh();
    if (request.kind === 'grant_access' || request.kind === 'revoke_access') this.grants.refresh();
    if (this.#started && CHANGE_WEBHOOKS.has(request.kind)) await this.#couriers.refresh();
    return answer;
  }

  #prepareDeps(bound: string): PrepareDeps {
    const { store, types, parseGraph, readBlueprint, options } = this.#deps;
    return {
      store,
      state: this.#state,
      vault: this.#vault,
      queries: this.#service.queries(bound),
      bound,
      sees: (sha256) => this.#sees(bound, sha256),
      testWebhook: (name) => this.#testWebhook(bound, name),
      ids: this.#deps.ids ?? systemIds,
      wallMs: () => this.#deps.clock.wallMs(),
      blobs: this.blobs,
      inlineMaxBytes: options.inlineMaxBytes,
      types,
      parseGraph,
      readBlueprint,
    };
  }

  async #testWebhook(bound: string, name: string): Promise<WebhookAttempt | undefined> {
    if (!maySee(bound, this.#state.webhooks.get(name)?.project)) return undefined;
    const { ids = systemIds, clock } = this.#deps;
    return this.#couriers.test(name, ids.uuid(), new Date(clock.wallMs()).toISOString());
  }

  /** Stores the built-in graph of jobs before the first of them. Why there can be none, if so. */
  async #haveJobGraph(): Promise<Refusal | undefined> {
    const stored = this.#state.graph(JOB_GRAPH_NAME);
    if (stored?.yaml === JOB_GRAPH_TEXT) return undefined;
    if (stored) {
      const message = `a graph ${JOB_GRAPH_NAME} of before there were jobs is stored, and jobs need the name`;
      return refusal('conflict', 'name_taken', message);
    }
    const { types } = this.#deps;
    const graph = { name: JOB_GRAPH_NAME, yaml: JOB_GRAPH_TEXT, graph: JOB_GRAPH, types };
    const typesJson = types.toJson(['json']);
    const request = { kind: 'put_graph', ...graph, typesJson, files: {} } as const;
    const answer = await this.#answerTo((id) => ({
      ...{ kind: 'request', id, request, bound: ALL_PROJECTS, dedupe: undefined },
    }));
    return answer.ok ? undefined : answer;
  }

  readiness(): Readiness {
    const unready = this.#unready();
    if (unready) return { ready: false, reason: unready.message };
    const hints = [this.#ages.isHeld ? CLOCK_HINT : undefined, this.#service.trouble];
    const hint = hints.filter((one) => one !== undefined).join('; ');
    return hint === '' ? { ready: true } : { ready: true, hint };
  }

  noteRefused(refused: Refused): void {
    const { via, code, message, times, deed } = refused;
    this.#state.counters.add(`${via}_refused_${code}`);
    this.#refusals.note(refused);
    if (deed) this.#refusedDeeds.note({ ...deed, code, message }, times);
  }

  async noteDone(deed: Deed): Promise<void> {
    const entry = await this.#commitAudit({ ...deed, result: 'done' });
    if (!entry) this.#deps.logger.warn(deed, 'an action is missing from the audit: nothing can be stored');
  }

  async #commitAudit(note: AuditNote): Promise<{ readonly id: number; readonly at: number } | undefined> {
    // Also while it stops: what was counted is not lost.
    if (!this.#started || this.#loop.blocked !== undefined || this.#deps.store.outOfPlace()) return undefined;
    const { reply } = await this.#post((id) => ({ kind: 'audit', id, note }));
    if (reply.kind !== 'answer' || !reply.answer.ok) return undefined;
    const { audit_id, at } = reply.answer.body;
    return { id: Number(audit_id), at: Number(at) };
  }

  /** Its gauges for operators. */
  gauges(): Gauges {
    return gaugesOf(this.#state, {
      mailbox: this.#loop.depth,
      mailboxBytes: this.#loop.bytes,
      payloadCacheBytes: this.#payloads.bytes,
      requests: this.#waiting.size,
      pausedMs: this.#clock.pausedMs,
      agesHeld: this.#ages.isHeld,
      bus: this.#deps.bus.gauges(),
      queries: this.#service.gauges(),
      webhooks: this.#couriers.gauges(),
    });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#couriers.stop();
    clearInterval(this.#auditTimer);
    // A full disk would hold it for ever.
    await Promise.race([this.#refusedDeeds.flush(), pause(FLUSH_AT_STOP_MS, undefined, { ref: false })]);
    await this.#loop.stop();
    this.#clock.stop();
    for (const settle of this.#waiting.values()) {
      settle(
        { kind: 'answer', request: 0, answer: unavailable('stopping', 'the orchestrator is stopping') },
        this.events.cursor(),
      );
    }
    this.#waiting.clear();
    await this.#indexes.stop();
    await this.#retention.stop();
    await this.#deps.bus.stop();
    this.#service.stop();
  }

  /** Queries that readers answer, and queries that only the loop and the owner of the store can answer. */
  #queriesUntil(bound: string, signal: AbortSignal | undefined): Queries {
    return {
      ...this.#service.queries(bound, signal),
      until: (until) => this.#queriesUntil(bound, until),
      audit: async (filter, page) => {
        await this.#refusedDeeds.flush();
        return this.#service.queries(bound, signal).audit(filter, page);
      },
      nodes: async (page) => {
        const { cursor, value } = await this.#inspectNodes(bound, undefined);
        return pageOfViews({ cursor, value: [...value].sort(byInstance) }, page);
      },
      node: async (nodeId) => {
        const { cursor, value } = await this.#inspectNodes(bound, nodeId);
        const [node] = value;
        if (node) return foundJson(cursor, node);
        return refusal('not_found', 'unknown_node', `no node ${nodeId}`);
      },
      clusters: async (page) => pageOfViews(await this.#inspectClusters(undefined), page),
      cluster: async (name) => {
        const { cursor, value } = await this.#inspectClusters(name);
        const [cluster] = value;
        if (cluster) return foundJson(cursor, cluster);
        return refusal('not_found', 'unknown_cluster', `no cluster ${name}`);
      },
      campaigns: async (page) =>
        pageOfViews(await this.#inspect((id) => ({ kind: 'inspect campaigns', id, bound })), page),
      deployments: async (page) =>
        pageOfViews(await this.#inspect((id) => ({ kind: 'inspect deployments', id, bound })), page),
      deployment: async (which) => this.#service.queries(bound, signal).deployment(this.#idOf(bound, which)),
      deploymentChanges: async (which, update) => {
        const { cursor } = await this.#inspect((id) => ({ kind: 'inspect deployments', id, bound }));
        const found = await deploymentChanges(this.#prepareDeps(bound), { ...update, deploymentId: which });
        return 'ok' in found ? found : foundJson(cursor, found.changes);
      },
      deploymentOperations: async (which, page) =>
        this.#service.queries(bound, signal).deploymentOperations(this.#idOf(bound, which), page),
      deploymentOperation: async (which, operation) =>
        this.#service.queries(bound, signal).deploymentOperation(this.#idOf(bound, which), operation),
      services: async (page) => pageOfViews(await this.#inspectServices(undefined), page),
      service: async (name) => {
        const { cursor, value } = await this.#inspectServices(name);
        const [service] = value;
        return service ? foundJson(cursor, service) : unknownService(name);
      },
      placementOf: async (service, page) => {
        const { value } = await this.#inspectServices(service);
        if (value.length === 0) return unknownService(service);
        return pageOfViews(await this.#inspect((id) => ({ kind: 'inspect placement', id, service })), page);
      },
      secrets: async (page) =>
        pageOfViews(await this.#inspect((id) => ({ kind: 'inspect secrets', id })), page),
      webhooks: async (page) => {
        const { value, cursor } = await this.#inspect((id) => ({ kind: 'inspect webhooks', id, bound }));
        return pageOfViews({ cursor, value: value.map((view) => this.#webhookNow(view, cursor)) }, page);
      },
      grants: async (page) =>
        pageOfViews(await this.#inspect((id) => ({ kind: 'inspect grants', id })), page),
      queues: async (page) => pageOfViews(await this.#inspectQueue(undefined), page),
      queueOfTask: async (task, page) => {
        const known = await this.#service.queries(bound, signal).executions(task, { limit: 1 });
        return 'ok' in known ? known : pageOfViews(await this.#inspectQueue(formatTaskId(task)), page);
      },
      stats: async () =>
        foundJson(this.events.cursor(), {
          ...this.#gaugesWithin(bound),
          work: workStats(this.work, bound),
          store: await this.#deps.store.stats(),
        } as unknown as View),
    };
  }

  async #sees(bound: string, sha256: string): Promise<boolean> {
    const { store } = this.#deps;
    return bound === ALL_PROJECTS || seesBlob({ store, graphs: this.#state.graphs }, bound, sha256);
  }

  /** Those of other projects' webhooks are left out. */
  #gaugesWithin(bound: string): Gauges {
    const gauges = this.gauges();
    const isSeen = ([name]: [string, unknown]): boolean =>
      maySee(bound, this.#state.webhooks.get(name)?.project);
    return { ...gauges, webhooks: Object.fromEntries(Object.entries(gauges.webhooks).filter(isSeen)) };
  }

  /** With the events that it has passed and the store does not know of yet. */
  #webhookNow(view: View, newest: number): View {
    const { last_status, last_at, failures, missed, ...rest } = view;
    const cursor = this.#couriers.cursorOf(String(view.name)) ?? Number(view.cursor);
    return { ...rest, cursor, lag: Math.max(0, newest - cursor), last_status, last_at, failures, missed };
  }

  /** Why no work is taken at the moment, if so. */
  #unready(): Refusal | undefined {
    const isStarting = !this.#started && !this.#stopping;
    return isStarting ? unavailable('starting', 'the orchestrator is starting') : this.#unable();
  }

  /** Why nothing can be decided, also during the setup at the start. */
  #unable(): Refusal | undefined {
    if (this.#stopping) return unavailable('stopping', 'the orchestrator is stopping');
    const gone = this.#deps.store.outOfPlace();
    if (gone !== undefined)
      return { ...unavailable(gone.code, gone.message), ...(gone.hint !== undefined && { hint: gone.hint }) };
    if (this.#loop.blocked !== undefined)
      return unavailable('store_full', `the store does not accept commits: ${this.#loop.blocked}`);
    if (this.#waiting.size >= REQUESTS_LIMIT) {
      return refusal('too_many', 'too_many_requests', `${REQUESTS_LIMIT} requests are under way`, {
        retryAfter: 1,
      });
    }
    return undefined;
  }

  /** By its instance where it is registered, which says more to a person than its connection's name. */
  #logRefused(refused: RefusedPeer): void {
    const node = refused.via === 'control' ? this.#state.nodesByRoute.get(refused.peer) : undefined;
    this.#refusals.note(node ? { ...refused, peer: `${node.module}/${node.instance}` } : refused);
  }

  /** The store is read for it only where it is in its place: a file that was cut ends the process that reads it. */
  async #keepBlob({ sha256, size }: BlobRef, project: string | undefined): Promise<Answer> {
    const unable = this.#unable();
    if (unable) return unable;
    const projects = await uploadersOf(this.#deps.store, sha256, project);
    return this.#answerTo((id) => ({ kind: 'blob', id, sha256, size, ...(projects && { projects }) }));
  }

  /** Posts a step and waits for the answer that its commit allows. */
  async #answerTo(step: (id: number) => Step): Promise<Answer> {
    const unready = this.#unable();
    if (unready) return unready;
    const { reply } = await this.#post(step);
    if (reply.kind === 'answer') return reply.answer;
    throw new Error(`a ${reply.kind} is not an answer`);
  }

  /** A view of the loop's state: the step and `T` belong together. */
  async #inspect<T extends object = View>(step: (id: number) => Step): Promise<Found<readonly Open<T>[]>> {
    const { reply, cursor } = await this.#post(step);
    return { cursor, value: reply.kind === 'view' ? (reply.value as readonly Open<T>[]) : [] };
  }

  #inspectNodes(bound: string, nodeId: string | undefined): Promise<Found<readonly Open<NodeJson>[]>> {
    return this.#inspect((id) => ({ kind: 'inspect nodes', id, nodeId, bound }));
  }

  #inspectClusters(name: string | undefined): Promise<Found<readonly Open<ClusterJson>[]>> {
    return this.#inspect((id) => ({ kind: 'inspect clusters', id, name }));
  }

  /** Whether a run of a replica goes on. */
  #isOpen(run: string): boolean {
    const { runs, replicas } = this.#state;
    return replicas.get(runs.get(run) ?? '')?.isOpen === true;
  }

  /** K5 of the keys. What is left where this fails goes at the next end of a run. */
  #endKeysOfRuns(): void {
    this.#deps.replicaKeys
      ?.endRuns((run) => this.#isOpen(run))
      .catch((cause: unknown) =>
        this.#deps.logger.error({ err: cause }, 'keys of replicas that have ended could not be removed'),
      );
  }

  /** Of the deployment that is called so; what is not one is looked for as it is. */
  #idOf(bound: string, which: string): string {
    return deploymentNamed(this.#state, bound, which)?.id ?? which;
  }

  #inspectServices(name: string | undefined): Promise<Found<readonly Open<ServiceJson>[]>> {
    return this.#inspect((id) => ({ kind: 'inspect services', id, name }));
  }

  #inspectQueue(task: string | undefined): Promise<Found<readonly View[]>> {
    return this.#inspect((id) => ({ kind: 'inspect queue', id, task }));
  }

  #post(step: (id: number) => Step): Promise<{ reply: Reply; cursor: number }> {
    this.#requests += 1;
    const id = this.#requests;
    return new Promise((resolve) => {
      this.#waiting.set(id, (reply, cursor) => resolve({ reply, cursor }));
      void this.#loop.post(step(id));
    });
  }

  #settle(reply: Reply, cursor: number): void {
    const settle = this.#waiting.get(reply.request);
    this.#waiting.delete(reply.request);
    settle?.(reply, cursor);
  }

  /** The answer that this key has got before. A request still under way is recognised in the loop. */
  async #recall(
    bound: string,
    request: Request,
    dedupe: { readonly key: string; readonly hash: string },
  ): Promise<Answer | undefined> {
    // The loop says that a problem of another project is not there, even where somebody else had an answer.
    if (bound !== ALL_PROJECTS && ('problemId' in request || 'taskId' in request)) return undefined;
    const bytes = await this.#deps.store.get('idempotency', [dedupe.key]);
    const row = bytes && tables.idempotency.decode(bytes);
    return row && row.hash === dedupe.hash && row.expires_at > this.#deps.clock.wallMs()
      ? (row.answer as Answer)
      : undefined;
  }
}

/** Of replicas; one that is lost may go on, which its row says. */
const RUN_ENDS: ReadonlySet<string> = new Set([
  ...['replica.completed', 'replica.failed', 'replica.stopped', 'replica.lost'],
]);

function settingsOf(
  deps: OrchestratorDeps,
  epoch: number,
  addresses: { outputs: string; control: string; blobs: string },
): Settings {
  const { token, heartbeatIntervalMs, outputWindow, inlineMaxBytes, maxFrameBytes, graceMs, maxTasks } =
    deps.options;
  return {
    epoch,
    storeId: deps.store.storeId,
    token,
    heartbeatIntervalMs,
    outputWindow,
    inlineMaxBytes,
    maxFrameBytes,
    graceMs,
    maxTasks,
    isTracing: deps.options.isTracing ?? false,
    get outputsEndpoint() {
      return addresses.outputs;
    },
    get controlEndpoint() {
      return addresses.control;
    },
    get blobUrl() {
      return addresses.blobs;
    },
  };
}

/** How a request came. */
interface Asked {
  /** @default the orchestrator itself: it is not in the audit */
  readonly asker?: Asker;
  readonly idempotencyKey?: string;
}

const CONFIGURATION: Asker = { by: BY_CONFIGURATION };

function pageOfViews<T>(
  { cursor, value }: Found<readonly T[]>,
  page: PageRequest,
): FoundJson<Page<T>> | Refusal {
  const found = pageOf(value, page);
  return isRefusal(found) ? found : foundJson(cursor, found);
}

function byInstance(a: NodeJson, b: NodeJson): number {
  return `${a.module}${a.instance}` < `${b.module}${b.instance}` ? -1 : 1;
}

interface Parts {
  readonly epoch: number;
  readonly state: State;
  readonly vault: Vault;
  readonly clock: PauseFreeClock;
  readonly events: CommittedEvents;
  readonly doubt: AgesRow | undefined;
  readonly newestEventAt: number | undefined;
  readonly service: QueryService;
}

function unavailable(code: string, message: string): Refusal {
  return refusal('unavailable', code, message, { retryAfter: 1 });
}

/** Keys belong to a project. No key of a client has a line break in it. */
function keyWithin(bound: string, key: string): string {
  const project = projectFor(bound);
  return project === DEFAULT_PROJECT ? key : `${project}\n${key}`;
}

/**
 * Of its canonical form: a client may write the same body in another order when it sends it again. Each time it is sent may be a span of
 * its own.
 */
function hashOf(request: Request): string {
  const { webhook } = request as { readonly webhook?: object };
  // A hash of a secret would let it be guessed.
  const same = {
    ...{ ...request, traceparent: undefined },
    ...(webhook && { webhook: { ...webhook, secret: undefined } }),
  };
  return sha256Of(canonicalJson(same));
}
