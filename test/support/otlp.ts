/** A collector of traces that keeps them, decoded as its protocol says (opentelemetry-proto, `trace/v1`). */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'protobufjs';
import type { Scene } from './processes.js';

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
    repeated Event events = 11; Status status = 15;
  }
  message Event { fixed64 time_unix_nano = 1; string name = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
`);
const Request = root.lookupType('Request');

export interface ReceivedSpan {
  readonly service: unknown;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it is the root of its trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly seconds: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  /** 2: an error. */
  readonly status: { readonly code: number; readonly message: string };
}

export class Collector {
  readonly url: string;
  readonly spans: ReceivedSpan[] = [];

  private constructor(url: string) {
    this.url = url;
  }

  static async start(scene: Scene): Promise<Collector> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const isTraces =
          request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
        if (isTraces) collector.spans.push(...spansOf(Buffer.concat(chunks)));
        response.writeHead(isTraces ? 200 : 404).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    scene.atEnd(() => server.close());
    const collector = new Collector(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return collector;
  }
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

function spansOf(bytes: Buffer): ReceivedSpan[] {
  // biome-ignore lint/suspicious/noExplicitAny: as the definition above says.
  const request: any = Request.toObject(Request.decode(bytes), { longs: Number, defaults: true });
  const hex = (id: Uint8Array): string => Buffer.from(id).toString('hex');
  return request.resourceSpans.flatMap(({ resource, scopeSpans }: typeof request) =>
    scopeSpans
      .flatMap(({ spans }: typeof request) => spans)
      .map((span: typeof request) => ({
        service: valuesOf(resource.attributes)['service.name'],
        ...{ traceId: hex(span.traceId), spanId: hex(span.spanId), parentSpanId: hex(span.parentSpanId) },
        name: span.name,
        seconds: (span.endTimeUnixNano - span.startTimeUnixNano) / 1e9,
        attributes: valuesOf(span.attributes),
        events: span.events.map(({ name }: { readonly name: string }) => name),
        status: { code: span.status?.code ?? 0, message: span.status?.message ?? '' },
      })),
  );
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value: { value: kind, ...value } }) => [key, Object.values(value)[0]]),
  );
}
