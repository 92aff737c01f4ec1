/** The options of `tutti up`: one table for flags, environment and file. */

import type { PublicPage } from '../model/access.js';
import type { DeclaredCluster } from './forms/cluster-schema.js';
import type { JobTypes } from './forms/job-types.js';
import type { DeclaredWebhook } from './forms/webhook-schema.js';
import {
  bindAddress,
  duration,
  flag,
  hostName,
  httpUrl,
  oneOf,
  origins,
  paths,
  port,
  portOrSwitch,
  publicPages,
  type ReadOption,
  secret,
  size,
  storeUrl,
  text,
  wholeNumber,
} from './option-values.js';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Settings that only the file can have. */
export interface Sections {
  /** Clusters that are added or changed at the start. @default [] */
  readonly clusters: readonly DeclaredCluster[];
  /** Webhooks that are added or changed at the start. @default [] */
  readonly webhooks: readonly DeclaredWebhook[];
  /** How the results of jobs are read from their logs. @default none are */
  readonly jobTypes: JobTypes;
}

/** The options of `tutti up`: validated, complete and frozen. Paths are absolute. */
export interface Config extends Sections {
  /** The data directory. @default '.tutti' in the working directory */
  readonly data: string;
  /** The PostgreSQL database that has the store in place of the data directory. @default the data directory has it */
  readonly store: string | undefined;
  /** Where blobs are. @default `blobs` in the data directory */
  readonly blobs: string | undefined;
  /** How long a leader of a store in PostgreSQL leads without a sign of life, by the database's clock. @default 5000 */
  readonly leaseMs: number;
  /** The address that all sockets are bound to. @default '127.0.0.1' */
  readonly host: string;
  /** The host that nodes dial for outputs and blobs. @default the one that they dialled */
  readonly advertise: string | undefined;
  /** The port of the facade for SustainML's front ends; 0: a free one, `false`: there is none. @default false */
  readonly sustainml: number | false;
  /** 0: a free one. @default 7480 */
  readonly httpPort: number;
  /** @default 7400 */
  readonly controlPort: number;
  /** @default 7401 */
  readonly outputsPort: number;
  /** @default 7402 */
  readonly eventsPort: number;
  /** Graph files to store at the start. @default [] */
  readonly graphs: readonly string[];
  /** Service files that are applied at the start. @default [] */
  readonly services: readonly string[];
  /** Folders of `.proto` files, beside those that Tutti brings. @default [] */
  readonly protoPaths: readonly string[];
  /** End the process that holds the data directory. @default false */
  readonly takeover: boolean;
  readonly trustClock: boolean;
  /** The token for HTTP, WebSocket and nodes; required beyond loopback. @default none */
  readonly token: string | undefined;
  /** A file whose only line is the token, which is then not seen in the list of processes. @default none */
  readonly tokenFile: string | undefined;
  /** Pages that callers can read without the required token. @default [] */
  readonly publicPages: readonly PublicPage[];
  /** Whether the sockets of nodes and events speak CURVE. @default on where other machines can reach them */
  readonly curve: 'on' | 'off' | undefined;
  /** The certificate of HTTPS and WSS, in PEM; with `tlsKey`. @default HTTP is not encrypted */
  readonly tlsCert: string | undefined;
  /** The key of that certificate, in PEM. */
  readonly tlsKey: string | undefined;
  /** The file with the key that seals secrets at rest. @default `secrets.key` in the data directory */
  readonly secretsKey: string | undefined;
  /** Web origins that may call, beside the orchestrator's own. @default [] */
  readonly origins: readonly string[];
  /** How often a node says that it is alive. @default 1000 */
  readonly heartbeatIntervalMs: number;
  /** How long a stopped execution may take to end. @default 10000 */
  readonly graceMs: number;
  /** Outputs of a node that may be un-acknowledged at a time. @default 256 */
  readonly outputWindow: number;
  /** A larger payload goes by blob. @default 65536 */
  readonly inlineMaxBytes: number;
  /** A larger frame is refused. @default 8388608 */
  readonly maxFrameBytes: number;
  /** A larger HTTP body is refused, blobs apart. @default 8388608 */
  readonly maxBodyBytes: number;
  /** A larger blob is refused. @default 4294967296 */
  readonly maxBlobBytes: number;
  /** Events that may wait to be decided before sockets are read no further. @default 10000 */
  readonly mailboxLimit: number;
  /** Unfinished tasks; further ones are refused with 429. @default 250000 */
  readonly maxTasks: number;
  /** The newest events that the stream keeps; 0: all. @default 0 */
  readonly keepEvents: number;
  /** After so many days finished commands, replaced boots and dead nodes are forgotten. @default 30 */
  readonly forgetDays: number;
  /** WebSockets at a time. @default 1000 */
  readonly maxViewers: number;
  /** A viewer that is so far behind is told of a gap. @default 1048576 */
  readonly viewerBufferBytes: number;
  /** The OpenTelemetry collector that gets a trace of each task. @default none */
  readonly otlpEndpoint: string | undefined;
  /** @default 'info' */
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export interface Option<T = unknown> {
  /** In the file; in capitals after `TUTTI_`, in the environment. */
  readonly name: string;
  /** On the command line; a repeatable one is called by its singular there. */
  readonly flag: string;
  /** The placeholder of the flag's value in the help; absent for a switch. */
  readonly value?: string;
  /** The flag may stand without its value. */
  readonly isOptional?: true;
  readonly help: string;
  readonly read: ReadOption<T>;
  readonly preset: T;
  /** Paths are resolved, from the file's folder or the working directory. */
  readonly isPath?: true;
  /** Its value is shown nowhere. */
  readonly isSecret?: true;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

function option<T>(
  name: string,
  value: string | undefined,
  read: ReadOption<NonNullable<T>>,
  preset: T,
  help: string,
  more: Partial<Option> = {},
): Option<T> {
  const named = { name, flag: `--${name.replaceAll('_', '-')}`, help, ...(value !== undefined && { value }) };
  return { ...named, read: read as ReadOption<T>, preset, ...(more as Partial<Option<T>>) };
}

const noPaths: readonly string[] = Object.freeze([]);

/** By their names in `Config`. */
export const OPTIONS: { readonly [K in Exclude<keyof Config, keyof Sections>]: Option<Config[K]> } = {
  data: option('data', 'DIR', text, '.tutti', 'the data directory', { isPath: true }),
  store: option<string | undefined>(
    'store',
    'URL',
    storeUrl,
    undefined,
    'keep the store in this PostgreSQL database; others see the password of a flag in the list of processes',
    { isSecret: true },
  ),
  blobs: option<string | undefined>(
    'blobs',
    'DIR',
    text,
    undefined,
    'where blobs are; by default blobs in the data directory',
    { isPath: true },
  ),
  leaseMs: option(
    'lease',
    'T',
    duration(1000),
    5000,
    'with --store: how long without a sign of life before a standby takes over',
  ),
  host: option('host', 'ADDRESS', bindAddress, '127.0.0.1', 'the address to bind all sockets to'),
  advertise: option<string | undefined>(
    'advertise',
    'HOST',
    hostName,
    undefined,
    'the host that nodes connect to for outputs and blobs',
  ),
  httpPort: option('http_port', 'N', port, 7480, 'the port for HTTP and WebSocket'),
  controlPort: option('control_port', 'N', port, 7400, 'the port where nodes register'),
  outputsPort: option('outputs_port', 'N', port, 7401, 'the port where nodes publish'),
  eventsPort: option('events_port', 'N', port, 7402, 'the port where committed events are published'),
  sustainml: option<number | false>(
    'sustainml',
    'PORT',
    portOrSwitch(5001),
    false,
    "SustainML's front ends, on this machine only; 5001 without a port",
    { isOptional: true },
  ),
  graphs: option('graphs', 'FILE', paths, noPaths, 'a graph to store at the start; repeatable', {
    flag: '--graph',
    isPath: true,
  }),
  services: option('services', 'FILE', paths, noPaths, 'services to apply at the start; repeatable', {
    flag: '--service',
    isPath: true,
  }),
  protoPaths: option('proto_paths', 'DIR', paths, noPaths, 'a folder of .proto files; repeatable', {
    flag: '--proto-path',
    isPath: true,
  }),
  takeover: option<boolean>(
    'takeover',
    undefined,
    flag,
    false,
    'end the process that holds the data directory',
  ),
  trustClock: option<boolean>(
    'trust_clock',
    undefined,
    flag,
    false,
    'remove old data although the wall clock has jumped',
  ),
  token: option<string | undefined>(
    'token',
    'TOKEN',
    secret,
    undefined,
    'the token that clients and nodes must present; other users can see a flag in the process list',
    { isSecret: true },
  ),
  tokenFile: option<string | undefined>(
    'token_file',
    'FILE',
    text,
    undefined,
    'a file with the token, which other users cannot see in the process list',
    { isPath: true },
  ),
  curve: option<'on' | 'off' | undefined>(
    'curve',
    'on|off',
    oneOf('on', 'off'),
    undefined,
    'encrypt the sockets of nodes and events; on by default if other machines can reach them',
  ),
  tlsCert: option<string | undefined>(
    'tls_cert',
    'FILE',
    text,
    undefined,
    'serve HTTPS and WSS with this certificate (PEM, with its chain); read again on SIGHUP',
    { isPath: true },
  ),
  tlsKey: option<string | undefined>('tls_key', 'FILE', text, undefined, 'the key of --tls-cert (PEM)', {
    isPath: true,
  }),
  secretsKey: option<string | undefined>(
    'secrets_key',
    'FILE',
    text,
    undefined,
    'the key that encrypts secrets at rest; by default secrets.key in the data directory, created at the first start',
    { isPath: true },
  ),
  publicPages: option<readonly PublicPage[]>(
    'public',
    'PAGES',
    publicPages,
    Object.freeze([]),
    'pages that can be read without a token: metrics, openapi or both; repeatable',
  ),
  origins: option('origins', 'ORIGIN', origins, noPaths, 'a web origin that may call the API; repeatable', {
    flag: '--origin',
  }),
  heartbeatIntervalMs: option(
    'heartbeat_interval',
    'T',
    duration(50),
    1000,
    'how often nodes send heartbeats',
  ),
  graceMs: option('grace', 'T', duration(1), 10_000, 'how long a stopped execution has to end'),
  outputWindow: option(
    'output_window',
    'N',
    wholeNumber(1, 100_000),
    256,
    'unacknowledged outputs per node at a time',
  ),
  inlineMaxBytes: option(
    'inline_max',
    'SIZE',
    size(0, 16 * MIB),
    65_536,
    'larger payloads are sent as blobs',
  ),
  maxFrameBytes: option('max_frame', 'SIZE', size(65_536, GIB), 8 * MIB, 'larger frames are refused'),
  maxBodyBytes: option('max_body', 'SIZE', size(1024, GIB), 8 * MIB, 'larger HTTP bodies are refused'),
  maxBlobBytes: option('max_blob', 'SIZE', size(1024, 1024 * GIB), 4 * GIB, 'larger blobs are refused'),
  mailboxLimit: option(
    'mailbox_limit',
    'N',
    wholeNumber(100, 10_000_000),
    10_000,
    'queued events that wait for the event loop',
  ),
  maxTasks: option('max_tasks', 'N', wholeNumber(1, 100_000_000), 250_000, 'unfinished tasks at a time'),
  keepEvents: option(
    'keep_events',
    'N',
    wholeNumber(0, Number.MAX_SAFE_INTEGER),
    1_000_000,
    'the number of events that the stream keeps; 0: all',
  ),
  forgetDays: option(
    'forget_days',
    'N',
    wholeNumber(1, 100_000),
    30,
    'days until finished commands and replaced boots are removed, and dead nodes if there are very many',
  ),
  maxViewers: option('max_viewers', 'N', wholeNumber(1, 1_000_000), 1000, 'open WebSockets at a time'),
  viewerBufferBytes: option(
    'viewer_buffer',
    'SIZE',
    size(65_536, GIB),
    MIB,
    'a viewer that falls further behind gets a gap',
  ),
  otlpEndpoint: option<string | undefined>(
    'otlp_endpoint',
    'URL',
    httpUrl,
    undefined,
    'send a trace of each task to this OpenTelemetry collector (OTLP over HTTP)',
  ),
  logFormat: option<LogFormat>(
    'log_format',
    'FORMAT',
    oneOf(...LOG_FORMATS),
    'auto',
    'json, pretty, or auto: pretty if stderr is a terminal',
  ),
  logLevel: option<LogLevel>('log_level', 'LEVEL', oneOf(...LOG_LEVELS), 'info', LOG_LEVELS.join(', ')),
};
