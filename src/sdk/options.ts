import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type Fault, TuttiError } from '../base/errors.js';
import { defaultKeys, JOIN_TOKEN } from './keys.js';

/** The logger of the SDK's own messages; a pino logger fits. */
export interface NodeLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface NodeOptions {
  /** Executions at once. @default 1 */
  readonly capacity?: number;
  /**
   * The node's own stable name, unique among the nodes of its module. Set it (or `TUTTI_INSTANCE`) wherever the node is to keep its
   * identity over restarts. @default `TUTTI_INSTANCE`, else one of its own, `<module>@<hostname>:<pid>-<random>`
   */
  readonly instance?: string;
  /** The labels that a graph's `require` is compared with. @default {} */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the node's code; results of another version are not taken again (`cache`). @default '' */
  readonly version?: string;
  /**
   * The orchestrator's control endpoint; of several orchestrators of one store, theirs, with commas between them.
   * @default `TUTTI_CONTROL`, else `tcp://127.0.0.1:7400`
   */
  readonly control?: string;
  /** @default `TUTTI_TOKEN`, else none */
  readonly token?: string;
  /**
   * A join token of `tutti node enroll`, with which the node enrols its key. It is needed once; from then on, the key is enough.
   * @default `TUTTI_JOIN`, else none
   */
  readonly join?: string;
  /** The folder of the node's keys. @default `TUTTI_KEYS`, else `~/.config/tutti/keys` */
  readonly keys?: string;
  /** The type that the node publishes; it has to be what the graph declares. @default whatever the graph declares */
  readonly outputType?: string;
  /**
   * Folders with the `.proto` and `.schema.json` files that the node was written against. With its hello it says what it knows of them, and
   * it is refused (`schema_mismatch`) where the graph means something else by one of its module's types. @default the graph is believed
   */
  readonly protoPath?: string | readonly string[];
  /** Which of the types in `protoPath` count. @default all */
  readonly types?: readonly string[];
  /** Runs when the node is started, before it takes work. A throw leads to the status ERROR. */
  readonly onStart?: () => void | Promise<void>;
  /** Runs when the node is stopped, after its last execution, and before its process ends. */
  readonly onStop?: () => void | Promise<void>;
  /** Takes a configuration; gives back the one that now holds, if it is another. A throw refuses it. */
  readonly onConfigure?: (configuration: string) => string | undefined | Promise<string | undefined>;
  /** @default pino, to stderr, from `info` on */
  readonly logger?: NodeLogger;
  /**
   * Whether the node owns its process: SIGTERM and SIGINT end it cleanly, and once it has ended (a signal, a `TERMINATE`, a final
   * refusal) the process exits. With `false` the caller does that, by `stop()` and `stopped`. @default true
   */
  readonly exitOnTerminate?: boolean;
  /** Whether what a handler writes to stdout and stderr (`console.log`) goes into its task's log, too. @default true */
  readonly captureOutput?: boolean;
  /**
   * A folder in which the node keeps its boot and what it works on. A process that ends, however it ends, leaves its work to the next
   * one that is started with this folder: the handler is called again for each execution, with `task.isResumed`. The orchestrator
   * waits for it as for any silent node (`dead_after`). @default `TUTTI_STATE`, else none: work goes elsewhere when the process ends
   */
  readonly stateDir?: string;
  /** How long handlers get to end after SIGTERM or `stop()`, in ms. @default 5000 */
  readonly shutdownGraceMs?: number;
  /** How long a node that ends waits for what is not acknowledged yet, in ms. @default 5000 */
  readonly flushMs?: number;
}

/** The options with every default filled in. */
export interface NodeSettings {
  /** `tutti.agent` for an agent. */
  readonly module: string;
  readonly capacity: number;
  readonly instance: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  /** In the order in which they are tried; at least one. */
  readonly controls: readonly string[];
  readonly token: string;
  readonly join: string;
  readonly keys: string;
  readonly outputType: string;
  readonly protoPaths: readonly string[];
  /** Empty: all. */
  readonly types: readonly string[];
  readonly onStart: (() => void | Promise<void>) | undefined;
  readonly onStop: (() => void | Promise<void>) | undefined;
  readonly onConfigure: NodeOptions['onConfigure'] | undefined;
  readonly exitOnTerminate: boolean;
  readonly captureOutput: boolean;
  /** Empty: none. */
  readonly stateDir: string;
  readonly shutdownGraceMs: number;
  readonly flushMs: number;
}

const DEFAULT_CONTROL = 'tcp://127.0.0.1:7400';
const MODULE = /^[a-z][a-z0-9_]{0,62}$/;
const CONTROL = /^tcp:\/\/(\[[0-9A-Fa-f:.]+\]|[^\s:/*]+):[0-9]{1,5}$/;

/** Options and environment to settings. Throws `TuttiError` `bad_option`, with every fault in `details`. */
export function readOptions(
  module: string,
  options: NodeOptions,
  env: Readonly<Record<string, string | undefined>>,
  isModule: (name: string) => boolean = (name) => MODULE.test(name),
): NodeSettings {
  const faults: Fault[] = [];
  const expect = (ok: boolean, path: string, value: unknown, right: string) => {
    if (!ok) {
      faults.push({ path, code: 'bad_option', message: `${path}: ${JSON.stringify(value)} is not ${right}` });
    }
  };
  const name = module || env.TUTTI_MODULE || '';
  const settings: NodeSettings = {
    module: name,
    capacity: options.capacity ?? 1,
    instance: options.instance ?? (env.TUTTI_INSTANCE || ownName(name)),
    labels: Object.freeze({ ...options.labels }),
    version: options.version ?? '',
    controls: (options.control ?? (env.TUTTI_CONTROL || DEFAULT_CONTROL)).split(','),
    token: options.token ?? env.TUTTI_TOKEN ?? '',
    join: options.join ?? env.TUTTI_JOIN ?? '',
    keys: options.keys ?? defaultKeys(env),
    outputType: options.outputType ?? '',
    protoPaths: typeof options.protoPath === 'string' ? [options.protoPath] : (options.protoPath ?? []),
    types: options.types ?? [],
    onStart: options.onStart,
    onStop: options.onStop,
    onConfigure: options.onConfigure,
    exitOnTerminate: options.exitOnTerminate ?? true,
    captureOutput: options.captureOutput ?? true,
    stateDir: options.stateDir ?? env.TUTTI_STATE ?? '',
    shutdownGraceMs: options.shutdownGraceMs ?? 5_000,
    flushMs: options.flushMs ?? 5_000,
  };
  const duration = 'a number of milliseconds from 0 on';
  const { capacity, instance, controls, labels, shutdownGraceMs, flushMs } = settings;
  expect(isModule(name), 'module', name, 'a name such as "ml_model" (a-z, 0-9, _; at most 63)');
  expect(Number.isInteger(capacity) && capacity >= 1, 'capacity', capacity, 'a whole number from 1 on');
  expect(
    instance.length > 0 && instance.length <= 255,
    'instance',
    instance,
    'a name of 1 to 255 characters',
  );
  for (const control of controls)
    expect(CONTROL.test(control), 'control', control, `an endpoint such as "${DEFAULT_CONTROL}"`);
  // A token is a secret: a fault does not show it.
  expect(
    settings.join === '' || JOIN_TOKEN.test(settings.join),
    'join',
    `${settings.join.slice(0, 11)}…`,
    'a join token of `tutti node enroll`',
  );
  for (const [label, value] of Object.entries(labels)) {
    expect(typeof value === 'string', `labels.${label}`, value, 'a text');
  }
  expect(shutdownGraceMs >= 0, 'shutdownGraceMs', shutdownGraceMs, duration);
  expect(flushMs >= 0, 'flushMs', flushMs, duration);
  if (faults.length > 0) {
    throw new TuttiError('bad_option', faults.map(({ message }) => message).join('; '), { details: faults });
  }
  return Object.freeze(settings);
}

/** In containers, neither the host's name nor the pid, which is 1, tells two processes apart. */
function ownName(module: string): string {
  return `${module}@${hostname()}:${process.pid}-${randomBytes(3).toString('hex')}`;
}
