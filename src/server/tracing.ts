/**
 * The work as OpenTelemetry traces: a span for each task and, below it, one for each execution, sent to a collector (OTLP over HTTP).
 *
 * O1. Spans are made when what they are about has ended, from committed facts, with the ids of `trace-context.ts`: a restart leaves no gap in
 *     a trace, and changes no id that a node was told.
 * O2. A collector that is slow or away holds nothing up: spans wait in a queue of bounded size, and are dropped where it is full.
 *
 * Only imported where an endpoint is configured: without one, nothing of it is loaded. The SDK's own variables apply beside it:
 * `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_EXPORTER_OTLP_HEADERS`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Attributes,
  type DiagLogger,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type IdGenerator,
  ParentBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../base/logger.js';
import type { ExecutionEnd } from '../model/execution.js';
import { formatTaskId } from '../model/task-id.js';
import type { TaskState } from '../model/task-state.js';
import { spanIdOfExecution, spanOfTask, type TraceParent } from '../model/trace-context.js';
import {
  secondsBetween,
  type WorkError,
  type WorkExecution,
  type WorkInView,
  type WorkListener,
  type WorkTask,
} from '../orchestrator/work/work-in-view.js';

/** O2. Some seconds of the most that an orchestrator gets done. */
const QUEUE_SPANS = 16_384;
/** A person who watches a trace waits for it no longer than for the next look. */
const SEND_AFTER_MS = 1000;
const SEND_TIMEOUT_MS = 5000;
/** The process ends within five seconds, whether or not there is a collector. */
const LAST_SPANS_MS = 1500;
/** A collector that is away is told of so often. */
const TROUBLE_EVERY_MS = 60_000;

export interface TracingDeps {
  /** The collector's base address, as `OTEL_EXPORTER_OTLP_ENDPOINT` names it: spans go to `/v1/traces` below. */
  readonly endpoint: string;
  readonly version: string;
  readonly work: WorkInView;
  readonly logger: Logger;
}

export interface Tracing {
  /** Sends what waits, for a moment. */
  stop(): Promise<void>;
}

export function startTracing({ endpoint, version, work, logger }: TracingDeps): Tracing {
  diag.setLogger(troubleOf(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const ids = new GivenIds();
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'tutti', 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    idGenerator: ids,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({
          url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
          timeoutMillis: SEND_TIMEOUT_MS,
        }),
        maxQueueSize: QUEUE_SPANS,
        scheduledDelayMillis: SEND_AFTER_MS,
      }),
    ],
  });
  work.follow(new Spans(provider.getTracer('tutti', version), ids));
  return {
    stop: async () => {
      await Promise.race([provider.shutdown(), delay(LAST_SPANS_MS, undefined, { ref: false })]);
      diag.disable();
    },
  };
}

/** Gives spans the ids that the work has already. */
class GivenIds implements IdGenerator {
  next: TraceParent = { traceId: '', spanId: '', flags: 0 };

  generateTraceId(): string {
    return this.next.traceId;
  }

  generateSpanId(): string {
    return this.next.spanId;
  }
}

/** O1. */
class Spans implements WorkListener {
  readonly #tracer: Tracer;
  readonly #ids: GivenIds;

  constructor(tracer: Tracer, ids: GivenIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  taskEnded(task: WorkTask, end: TaskState, at: number, error: WorkError | undefined): void {
    const { parent, ...own } = spanOfTask(task);
    const span = this.#begin(`task ${task.graph}`, own, parent, task.submittedAt, {
      ...aboutTask(task),
      'tutti.state': end,
    });
    finish(span, end, error, { from: task.submittedAt, to: at });
  }

  executionEnded(
    task: WorkTask,
    execution: WorkExecution,
    end: ExecutionEnd,
    at: number,
    error: WorkError | undefined,
  ): void {
    const { parent: _, ...above } = spanOfTask(task);
    const own = { ...above, spanId: spanIdOfExecution(execution.id) };
    const span = this.#begin(execution.module, own, above, execution.assignedAt, {
      ...aboutTask(task),
      'tutti.module': execution.module,
      'tutti.execution_id': execution.id,
      'tutti.attempt': execution.attempt,
      'tutti.node_id': execution.nodeId,
      'tutti.queue_seconds': secondsBetween(execution.queuedAt, execution.assignedAt),
      'tutti.state': end,
    });
    if (execution.startedAt !== undefined) span.addEvent('running', execution.startedAt);
    finish(span, end, error, { from: execution.assignedAt, to: at });
  }

  #begin(
    name: string,
    own: TraceParent,
    parent: TraceParent | undefined,
    startTime: number,
    attributes: Attributes,
  ): Span {
    this.#ids.next = own;
    const above =
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: parent.flags,
            isRemote: true,
          });
    return this.#tracer.startSpan(name, { startTime, attributes }, above);
  }
}

function finish(
  span: Span,
  end: string,
  error: WorkError | undefined,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  if (error !== undefined) span.setAttribute('error.type', error.code);
  if (end !== 'succeeded') span.setStatus({ code: SpanStatusCode.ERROR, message: error?.message ?? end });
  // The wall clock may have stepped back meanwhile.
  span.end(Math.max(from, to));
}

function aboutTask({ id, graph }: WorkTask): Attributes {
  return {
    'tutti.graph': graph,
    'tutti.task_id': formatTaskId(id),
    'tutti.problem_id': id.problemId,
    'tutti.iteration_id': id.iterationId,
  };
}

/** Warnings of the SDK, mostly that the collector does not answer. */
function troubleOf(logger: Logger): DiagLogger {
  let saidAt = Number.NEGATIVE_INFINITY;
  const say = (message: string): void => {
    const now = performance.now();
    if (now - saidAt < TROUBLE_EVERY_MS) return;
    saidAt = now;
    logger.warn({ reason: reasonOf(message) }, 'traces cannot be delivered');
  };
  const quiet = (): void => {};
  return { error: say, warn: say, info: quiet, debug: quiet, verbose: quiet };
}

/** The SDK writes an error as JSON, with its stack. */
function reasonOf(message: string): string {
  try {
    return String((JSON.parse(message) as { readonly message?: unknown }).message ?? message);
  } catch {
    return message;
  }
}
