/** The orchestrator's figures in Prometheus' text format. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Gauges } from '../orchestrator/gauges.js';
import type { LaneGauges } from '../orchestrator/queries/service/lane.js';
import type { WebhookGauges } from '../orchestrator/webhooks/couriers.js';
import type { WorkInView } from '../orchestrator/work/work-in-view.js';
import { registerWorkMetrics } from './work-metrics.js';

export interface MetricsSources {
  readonly gauges: () => Gauges;
  readonly work: WorkInView;
  readonly isReady: () => boolean;
  readonly gateway: () => Readonly<Record<'viewers' | 'behind' | 'connections' | 'bodyBytes', number>>;
  readonly log: { readonly dropped: number; readonly failures: number };
}

/** Counts that alerts are made from: they are there at 0, so that Prometheus sees their first step. */
const ALARMING = [
  'internal_errors',
  'blobs_damaged',
  'refused_unauthorized',
  'http_refused_store_full',
  'http_refused_too_many_attempts',
];

/** The answer of `GET /metrics`. */
export function createMetrics(sources: MetricsSources): () => Promise<string> {
  const registry = new Registry();
  // One reading for each answer: it visits every node.
  let latest: Gauges | undefined;
  const gauges = (): Gauges => (latest ??= sources.gauges());
  collectDefaultMetrics({ register: registry, prefix: 'tutti_' });
  const figures = new Figures(registry);
  addLoop(figures, gauges, sources.isReady);
  addSockets(figures, gauges);
  addHttp(figures, sources.gateway);
  addReaders(figures, gauges);
  addWebhooks(figures, gauges);
  addCounts(figures, gauges, sources.log);
  registerWorkMetrics(registry, sources.work, gauges);
  return () => {
    latest = undefined;
    return registry.metrics();
  };
}

/** Values by what a label says. */
type Labelled = Iterable<readonly [label: string, value: number]>;

/** Figures that are read when they are asked for. */
class Figures {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `tutti_${name}`,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  gauges(name: string, label: string, help: string, read: () => Labelled): void {
    new Gauge({
      name: `tutti_${name}`,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [of, value] of read()) this.set({ [label]: of }, value);
      },
    });
  }

  counter(name: string, help: string, read: () => number): void {
    new Counter({
      name: `tutti_${name}_total`,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  counters(name: string, label: string, help: string, read: () => Labelled): void {
    new Counter({
      name: `tutti_${name}_total`,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [of, value] of read()) this.inc({ [label]: of }, value);
      },
    });
  }
}

function addLoop(figures: Figures, gauges: () => Gauges, isReady: () => boolean): void {
  const gauge = (name: string, help: string, read: (now: Gauges) => number): void =>
    figures.gauge(name, help, () => read(gauges()));
  gauge('ready', 'Whether it accepts work (1), like /readyz', () => (isReady() ? 1 : 0));
  gauge('mailbox_steps', 'Frames and requests that wait for the event loop', (now) => now.mailbox);
  gauge('mailbox_bytes', 'Memory of these frames and requests, in bytes', (now) => now.mailbox_bytes);
  gauge('payload_cache_bytes', 'Payloads of unfinished tasks in memory', (now) => now.payload_cache_bytes);
  gauge('requests', 'Requests under way', (now) => now.requests);
  gauge('tasks_unfinished', 'Tasks in memory', (now) => now.tasks);
  gauge('executions', 'Executions of unfinished tasks', (now) => now.executions);
  gauge('evaluations_pending', 'Evaluations in the broker', (now) => now.evaluations.pending);
  gauge('evaluations_delayed', 'Evaluations that are not due yet', (now) => now.evaluations.delayed);
  gauge('commands_open', 'Commands under way', (now) => now.commands);
  gauge('timers', 'Deadlines set', (now) => now.timers);
  gauge('event_cursor', 'The newest event', (now) => now.cursor);
  gauge('paused_seconds', 'Time during which the process did not run', (now) => now.paused_ms / 1000);
  gauge('ages_held', 'Whether removal by age is paused because the wall clock has jumped (1)', (now) =>
    now.ages_held ? 1 : 0,
  );
  figures.gauges('nodes', 'liveness', 'Nodes by liveness', () => Object.entries(gauges().nodes));
}

function addSockets(figures: Figures, gauges: () => Gauges): void {
  const gauge = (name: string, help: string, read: (now: Gauges) => number): void =>
    figures.gauge(name, help, () => read(gauges()));
  gauge('control_connections', 'Connections to the control socket', (now) => now.control.connections);
  gauge(
    'control_unregistered',
    'Connections to the control socket that have not registered',
    (now) => now.control.unregistered,
  );
  gauge('control_queued_frames', 'Frames that wait for their nodes', (now) => now.control.queued_frames);
  gauge('control_held_bytes', 'Bytes of frames that are incomplete or wait', (now) => now.control.held_bytes);
  gauge('outputs_connections', 'Connections to the outputs socket', (now) => now.outputs.connections);
  gauge(
    'outputs_unregistered',
    'Connections to the outputs socket without an accepted output',
    (now) => now.outputs.unregistered,
  );
  gauge(
    'outputs_held_bytes',
    'Bytes of outputs that are incomplete or wait',
    (now) => now.outputs.held_bytes,
  );
  gauge('events_connections', 'Connections to the events socket', (now) => now.events.connections);
  gauge('events_queued_frames', 'Frames that wait for subscribers', (now) => now.events.queued_frames);
  gauge('events_subscriptions', 'Subscribed prefixes', (now) => now.events.subscriptions);
}

function addHttp(figures: Figures, gateway: MetricsSources['gateway']): void {
  figures.gauge('http_connections', 'TCP connections of HTTP and viewers', () => gateway().connections);
  figures.gauge(
    'http_body_bytes',
    'Bytes of requests that are not answered yet, blobs apart',
    () => gateway().bodyBytes,
  );
  figures.gauge('viewers', 'WebSockets', () => gateway().viewers);
  figures.gauge('viewers_behind', 'WebSockets that catch up from the store', () => gateway().behind);
}

function addReaders(figures: Figures, gauges: () => Gauges): void {
  const byLane = (read: (now: LaneGauges) => number) => (): Labelled =>
    Object.entries(gauges().queries).map(([lane, now]) => [lane, read(now)]);
  const gauge = (name: string, help: string, read: (now: LaneGauges) => number): void =>
    figures.gauges(name, 'lane', help, byLane(read));
  gauge('queries_running', 'Queries in progress in a reader', (now) => now.running);
  gauge('queries_waiting', 'Queries that wait for a reader', (now) => now.waiting);
  gauge('exports', 'Exports under way', (now) => now.exports);
  gauge(
    'reader_up',
    'Whether the reader accepts queries (1); the reader of long queries starts with the first',
    (now) => (now.up ? 1 : 0),
  );
  gauge('reader_resident_bytes', 'Memory of the reader process', (now) => now.resident_bytes);
  figures.counters(
    'readers_ended',
    'lane',
    'Readers that have ended by themselves, and were started again',
    byLane((now) => now.ended),
  );
}

function addWebhooks(figures: Figures, gauges: () => Gauges): void {
  const byWebhook = (read: (now: WebhookGauges) => number) => (): Labelled =>
    Object.entries(gauges().webhooks).map(([webhook, now]) => [webhook, read(now)]);
  figures.gauges(
    'webhook_lag_events',
    'webhook',
    'Committed events that the webhook has not passed',
    byWebhook((now) => now.lag),
  );
  const counter = (name: string, help: string, read: (now: WebhookGauges) => number): void =>
    figures.counters(`webhook_${name}`, 'webhook', help, byWebhook(read));
  counter('deliveries', 'Events that the webhook has accepted', (now) => now.delivered);
  counter('failures', 'Attempts to deliver an event that have failed', (now) => now.failed);
  counter(
    'missed_events',
    'Events that were removed before they were delivered to the webhook',
    (now) => now.missed,
  );
}

function addCounts(figures: Figures, gauges: () => Gauges, log: MetricsSources['log']): void {
  figures.counter(
    'events_missed_frames',
    'Frames that slow subscribers missed',
    () => gauges().events.missed_frames,
  );
  figures.counter(
    'log_lines_dropped',
    'Log lines that were dropped because the log could not be written',
    () => log.dropped,
  );
  figures.counter('log_write_errors', 'Writes of the log that failed', () => log.failures);
  figures.counters(
    'counts',
    'name',
    'What happened, by name: refused_<code>, outputs_dropped, outputs_early, internal_errors …',
    () => [...ALARMING.map((name) => [name, 0] as const), ...Object.entries(gauges().counters)],
  );
}
