/** The orchestrator's figures in Prometheus' text format. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Gauges } from '../../orchestrator/gauges.js';
import type { LaneGauges } from '../../orchestrator/queries/service/lane.js';
import type { WebhookGauges } from '../../orchestrator/webhooks/couriers.js';
import type { WorkInView } from '../../orchestrator/work/work-in-view.js';
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

/** What `GET /metrics` answers. */
export function createMetrics({
  gauges: read,
  work,
  isReady,
  gateway,
  log,
}: MetricsSources): () => Promise<string> {
  const registry = new Registry();
  // One reading for each answer: it visits every node.
  let latest: Gauges | undefined;
  const gauges = (): Gauges => (latest ??= read());
  collectDefaultMetrics({ register: registry, prefix: 'tutti_' });
  const gauge = (name: string, help: string, figure: (now: Gauges) => number): void => {
    new Gauge({
      name: `tutti_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(figure(gauges()));
      },
    });
  };
  gauge('ready', 'Whether it takes work (1), as /readyz says', () => (isReady() ? 1 : 0));
  gauge('mailbox_steps', 'Frames and requests that wait to be decided', (now) => now.mailbox);
  gauge('mailbox_bytes', 'Memory that they take: bytes', (now) => now.mailbox_bytes);
  gauge(
    'payload_cache_bytes',
    'Payloads of unfinished tasks that are at hand',
    (now) => now.payload_cache_bytes,
  );
  gauge('requests', 'Requests under way', (now) => now.requests);
  gauge('tasks_unfinished', 'Tasks in memory', (now) => now.tasks);
  gauge('executions', 'Executions of unfinished tasks', (now) => now.executions);
  gauge('evaluations_pending', 'Evaluations in the broker', (now) => now.evaluations.pending);
  gauge('evaluations_delayed', 'Evaluations that are not due yet', (now) => now.evaluations.delayed);
  gauge('commands_open', 'Commands under way', (now) => now.commands);
  gauge('timers', 'Deadlines set', (now) => now.timers);
  gauge('event_cursor', 'The newest event', (now) => now.cursor);
  gauge('paused_seconds', 'Time during which the process did not run', (now) => now.paused_ms / 1000);
  gauge('ages_held', 'Whether nothing is removed for its age, since the wall clock has leapt (1)', (now) =>
    now.ages_held ? 1 : 0,
  );
  gauge('control_connections', 'Connections to the control socket', (now) => now.control.connections);
  gauge(
    'control_unregistered',
    'Those among them that have not registered',
    (now) => now.control.unregistered,
  );
  gauge('control_queued_frames', 'Frames that wait for their nodes', (now) => now.control.queued_frames);
  gauge(
    'control_held_bytes',
    'Bytes of frames that have come in part, or wait',
    (now) => now.control.held_bytes,
  );
  gauge('outputs_connections', 'Connections to the outputs socket', (now) => now.outputs.connections);
  gauge(
    'outputs_unregistered',
    'Those among them that no accepted output has come from',
    (now) => now.outputs.unregistered,
  );
  gauge(
    'outputs_held_bytes',
    'Bytes of outputs that have come in part, or wait',
    (now) => now.outputs.held_bytes,
  );
  gauge('events_connections', 'Connections to the events socket', (now) => now.events.connections);
  gauge('events_queued_frames', 'Frames that wait for subscribers', (now) => now.events.queued_frames);
  gauge('events_subscriptions', 'Prefixes that are subscribed to', (now) => now.events.subscriptions);
  gauge('http_connections', 'TCP connections of HTTP and viewers', () => gateway().connections);
  gauge(
    'http_body_bytes',
    'Bytes of requests that are not answered yet, blobs apart',
    () => gateway().bodyBytes,
  );
  gauge('viewers', 'WebSockets', () => gateway().viewers);
  gauge('viewers_behind', 'WebSockets that catch up from the store', () => gateway().behind);
  new Gauge({
    name: 'tutti_nodes',
    help: 'Nodes by liveness',
    labelNames: ['liveness'],
    registers: [registry],
    collect() {
      for (const [liveness, count] of Object.entries(gauges().nodes)) this.set({ liveness }, count);
    },
  });
  const ofQueries = (name: string, help: string, read: (lane: LaneGauges) => number): void => {
    new Gauge({
      name: `tutti_${name}`,
      help,
      labelNames: ['lane'],
      registers: [registry],
      collect() {
        for (const [lane, now] of Object.entries(gauges().queries)) this.set({ lane }, read(now));
      },
    });
  };
  ofQueries('queries_running', 'Queries that a reader works on', (now) => now.running);
  ofQueries('queries_waiting', 'Queries that wait for it', (now) => now.waiting);
  ofQueries('exports', 'Exports under way', (now) => now.exports);
  ofQueries('reader_up', 'Whether it takes queries (1); that of long ones starts with the first', (now) =>
    now.up ? 1 : 0,
  );
  ofQueries('reader_resident_bytes', 'Memory of its process', (now) => now.resident_bytes);
  new Counter({
    name: 'tutti_readers_ended_total',
    help: 'Readers that have ended by themselves, and were started again',
    labelNames: ['lane'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [lane, { ended }] of Object.entries(gauges().queries)) this.inc({ lane }, ended);
    },
  });
  new Gauge({
    name: 'tutti_webhook_lag_events',
    help: 'Committed events that the webhook has not passed',
    labelNames: ['webhook'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [webhook, { lag }] of Object.entries(gauges().webhooks)) this.set({ webhook }, lag);
    },
  });
  const ofWebhooks = (name: string, help: string, count: (now: WebhookGauges) => number): void => {
    new Counter({
      name: `tutti_webhook_${name}_total`,
      help,
      labelNames: ['webhook'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [webhook, now] of Object.entries(gauges().webhooks)) this.inc({ webhook }, count(now));
      },
    });
  };
  ofWebhooks('deliveries', 'Events that the webhook has taken', (now) => now.delivered);
  ofWebhooks('failures', 'Attempts to deliver an event that have failed', (now) => now.failed);
  ofWebhooks('missed_events', 'Events that were removed before the webhook got to them', (now) => now.missed);
  const counter = (name: string, help: string, count: () => number): void => {
    new Counter({
      name: `tutti_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(count());
      },
    });
  };
  counter(
    'events_missed_frames',
    'Frames that subscribers missed, since they did not take those before',
    () => gauges().events.missed_frames,
  );
  counter(
    'log_lines_dropped',
    'Log lines that were dropped because the log could not be written',
    () => log.dropped,
  );
  counter('log_write_errors', 'Writes of the log that the system refused', () => log.failures);
  new Counter({
    name: 'tutti_counts_total',
    help: 'What happened, by name: refused_<code>, outputs_dropped, outputs_early, internal_errors …',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      this.reset();
      for (const name of ALARMING) this.inc({ name }, 0);
      for (const [name, count] of Object.entries(gauges().counters)) this.inc({ name }, count);
    },
  });
  registerWorkMetrics(registry, work, gauges);
  return () => {
    latest = undefined;
    return registry.metrics();
  };
}
