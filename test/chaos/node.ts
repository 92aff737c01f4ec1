/**
 * A module node without the SDK that writes down what it says and hears: what it published, which of it was acknowledged, what it
 * works on. It follows the protocol, except that it is slow to obey now and then, and that it speaks up under leases that it has lost.
 */
import { createHash, randomUUID } from 'node:crypto';
import { Dealer, Publisher } from 'zeromq';
import type {
  Assign,
  HeldState,
  NodeMessage,
  OrchestratorMessage,
  Output,
  ReportedError,
  ReportState,
  Welcome,
} from '../../src/model/protocol.js';
import { PROTOCOL_VERSION } from '../../src/model/protocol.js';
import { curvesOf } from '../../src/sdk/keys.js';
import { decodeToNode, encodeOutputs, encodeToOrchestrator } from '../../src/wire/codec.js';
import { outputTopic } from '../../src/wire/topics.js';
import { type Behaviour, behaviourOf, type Content } from './behaviour.js';
import { Journal } from './journal.js';

const {
  TUTTI_CONTROL,
  TUTTI_MODULE = '',
  TUTTI_INSTANCE = '',
  TUTTI_JOIN = '',
  TUTTI_KEYS = '',
  CHAOS_JOURNALS = '.',
  CHAOS_SEED,
} = process.env;
const seed = Number(CHAOS_SEED);
const capacity = 4;
const bootId = randomUUID();
const journal = new Journal(CHAOS_JOURNALS, `node-${TUTTI_INSTANCE}-${bootId.slice(0, 8)}`);
const topic = Buffer.from(outputTopic(TUTTI_MODULE));
const BEAT_MS = 300;
const AGAIN_MS = 700;

interface Work {
  readonly assign: Assign;
  readonly behaviour: Behaviour;
  state: HeldState;
  /** Published and not acknowledged. */
  readonly unacked: Map<number, Output>;
  final:
    | { readonly state: ReportState; readonly lastSeq: number; readonly error?: ReportedError }
    | undefined;
  seq: number;
  stopped: ReportState | undefined;
  readonly timers: Set<NodeJS.Timeout>;
}

const [curve] = curvesOf({
  ...{ module: TUTTI_MODULE, controls: [TUTTI_CONTROL!], join: TUTTI_JOIN, keys: TUTTI_KEYS },
});
const encrypted = curve && {
  ...{ curveServerKey: curve.serverKey, curvePublicKey: curve.publicKey, curveSecretKey: curve.secretKey },
};
const dealer = new Dealer({
  ...encrypted,
  linger: 0,
  reconnectInterval: 100,
  heartbeatInterval: 2000,
  heartbeatTimeout: 6000,
});
let publisher: Publisher | undefined;
let outputsEndpoint = '';
let nodeId = '';
let incarnation = 0;
let blobUrl = '';
let registered = false;
let started = false;
let saidHelloAt = 0;
let replaced = false;
const works = new Map<string, Work>();
/** Messages that wait for the end of this turn. */
let outbox: NodeMessage[] = [];
let sending: Promise<unknown> = Promise.resolve();
let publishing: Promise<unknown> = Promise.resolve();

dealer.connect(TUTTI_CONTROL!);
setInterval(tick, BEAT_MS);
process.once('SIGTERM', leave);
sayHello();
void read();

async function read(): Promise<void> {
  for await (const [bytes] of dealer) {
    const decoded = decodeToNode(bytes!);
    if (!decoded.ok) throw new Error(decoded.message);
    const frame = decoded.value;
    const addressed =
      frame.incarnation === incarnation ||
      frame.messages.some(({ kind }) => kind === 'welcome' || kind === 'refused');
    if (addressed) for (const message of frame.messages) receive(message, frame.incarnation);
    flush();
  }
}

function receive(message: OrchestratorMessage, frameIncarnation: number): void {
  switch (message.kind) {
    case 'welcome':
      welcome(message, frameIncarnation);
      return;
    case 'refused':
      refused(message);
      return;
    case 'node_command':
      say({ kind: 'command_ack', commandId: message.commandId, executionId: '', accepted: true });
      if (message.cmd === 'TERMINATE') {
        leave();
        return;
      }
      if (message.cmd === 'STOP') for (const work of works.values()) stop(work, 'PREEMPTED');
      // Not `drop`: until its heartbeats say so, what it publishes of them rightly counts.
      if (message.cmd === 'RESET') for (const work of [...works.values()]) end(work);
      started = message.cmd !== 'STOP';
      if (message.cmd !== 'STOP') say({ kind: 'node_report', status: 'INITIALIZING' });
      say({ kind: 'node_report', status: status() });
      return;
    case 'task_command': {
      const { commandId, executionId } = message;
      say({ kind: 'command_ack', commandId, executionId, accepted: true });
      const work = works.get(executionId);
      if (work) stop(work, message.cmd === 'PREEMPT' ? 'PREEMPTED' : 'CANCELLED');
      return;
    }
    case 'assign':
      take(message);
      return;
    case 'output_acks':
      for (const { executionId, seq, ended } of message.acks) {
        journal.write({ op: 'acked', execution: executionId, seq, ended });
        const work = works.get(executionId);
        if (!work) continue;
        for (const published of work.unacked.keys()) if (published <= seq) work.unacked.delete(published);
        if (ended) over(work);
      }
      return;
    case 'forget':
    case 'heartbeat_reply':
      return;
    case 'config_request':
      say({ kind: 'config_reply', transactionId: message.transactionId, success: true, configuration: '' });
      return;
    default:
      message satisfies never;
  }
}

function welcome(message: Welcome, its: number): void {
  journal.write({ op: 'welcome', node_id: message.nodeId, incarnation: its });
  nodeId = message.nodeId;
  incarnation = its;
  blobUrl = message.blobUrl;
  registered = true;
  const host = new URL(TUTTI_CONTROL!).hostname;
  connectOutputs(message.outputsEndpoint.replace('*', host));
  blobUrl = message.blobUrl.replace('*', host);
  for (const executionId of message.drop) {
    const work = works.get(executionId);
    if (work) drop(work);
  }
}

function connectOutputs(endpoint: string): void {
  if (endpoint === outputsEndpoint) return;
  outputsEndpoint = endpoint;
  publisher?.close();
  publisher = new Publisher({
    ...encrypted,
    linger: 0,
    reconnectInterval: 100,
    heartbeatInterval: 2000,
    heartbeatTimeout: 6000,
  });
  publisher.connect(endpoint);
}

function refused(message: Extract<OrchestratorMessage, { kind: 'refused' }>): void {
  const { code, executionId } = message;
  journal.write({ op: 'refused', code, ...(executionId && { execution: executionId }) });
  switch (code) {
    case 'say_hello':
      sayHello();
      return;
    case 'stale_incarnation':
      if ((message.incarnation ?? 0) >= incarnation) sayHello();
      return;
    case 'too_many':
    case 'unknown_module':
      return;
    case 'blob_missing':
      upload(works.get(executionId ?? ''));
      return;
    case 'replaced':
    case 'unauthorized':
    case 'wrong_output_type':
    case 'protocol_version':
    case 'schema_mismatch':
      haunt();
      return;
    default: {
      const work = works.get(executionId ?? '');
      if (work) drop(work);
    }
  }
}

/** A newer process has taken its place: it tries to interfere once more, and ends. */
function haunt(): void {
  if (replaced) return;
  replaced = true;
  for (const work of [...works.values()]) drop(work, true);
  flush();
  setTimeout(() => process.exit(0), 500);
}

function status(): 'INACTIVE' | 'IDLE' | 'RUNNING' {
  return started ? (works.size > 0 ? 'RUNNING' : 'IDLE') : 'INACTIVE';
}

function tick(): void {
  if (replaced) return;
  if (!registered) {
    if (performance.now() - saidHelloAt > AGAIN_MS) sayHello();
    return;
  }
  const running = [...works.keys()];
  const working = [...works.values()].filter(({ state }) => state === 'ACCEPTED');
  journal.write({ op: 'beat', working: working.map(({ assign }) => assign.executionId) });
  say({ kind: 'heartbeat', status: status(), running });
  flush();
}

function sayHello(): void {
  registered = false;
  saidHelloAt = performance.now();
  outbox = [];
  const held = [...works.values()].map(({ assign, state }) => ({
    executionId: assign.executionId,
    lease: assign.lease,
    state,
  }));
  const who = {
    module: TUTTI_MODULE,
    instance: TUTTI_INSTANCE,
    bootId,
    version: 'chaos',
    capacity,
    labels: {},
  };
  say({ kind: 'hello', ...who, outputType: '', status: status(), held, token: TUTTI_JOIN });
  flush();
}

function say(message: NodeMessage): void {
  outbox.push(message);
}

function flush(): void {
  if (outbox.length === 0) return;
  const messages = registered || outbox[0]!.kind === 'hello' ? outbox : [];
  outbox = [];
  if (messages.length === 0) return;
  const frame = encodeToOrchestrator({ protocolVersion: PROTOCOL_VERSION, nodeId, incarnation, messages });
  sending = sending.then(() => dealer.send(frame)).catch(() => {});
}

function publish(outputs: readonly Output[]): void {
  const to = publisher;
  if (!to || outputs.length === 0) return;
  const frame = encodeOutputs({ protocolVersion: PROTOCOL_VERSION, outputs });
  publishing = publishing.then(() => to.send([topic, frame])).catch(() => {});
}

function report(work: Work, state: ReportState, lastSeq = 0, error?: ReportedError): void {
  const { executionId, lease } = work.assign;
  say({
    kind: 'execution_report',
    ...{ executionId, lease, state, lastSeq, progress: 0.5, message: '' },
    ...(error && { error }),
  });
}

function take(assign: Assign): void {
  const known = works.get(assign.executionId);
  if (known) {
    report(known, 'ACCEPTED');
    return;
  }
  const behaviour = behaviourOf(seed, assign.executionId);
  const work: Work = {
    ...{ assign, behaviour, state: 'ACCEPTED', unacked: new Map(), final: undefined },
    ...{ seq: 0, stopped: undefined, timers: new Set() },
  };
  if (works.size >= capacity || behaviour.reject || !started) {
    const message = works.size >= capacity ? 'it has no free slot' : 'it does not feel like it';
    report(work, 'REJECTED', 0, { code: 'busy', message, retryable: true });
    return;
  }
  works.set(assign.executionId, work);
  const { problemId, iterationId } = assign.taskId;
  journal.write({ op: 'begin', execution: assign.executionId, task: `${problemId}/${iterationId}` });
  report(work, 'ACCEPTED');
  report(work, 'RUNNING');
  if (behaviour.hang) return;
  const steps = behaviour.partials + 1;
  for (let step = 1; step <= steps; step += 1) {
    later(work, (behaviour.durationMs * step) / steps, () => advance(work, step === steps));
  }
}

function later(work: Work, ms: number, act: () => void): void {
  const timer = setTimeout(() => {
    work.timers.delete(timer);
    act();
    flush();
  }, ms);
  work.timers.add(timer);
}

function advance(work: Work, last: boolean): void {
  const { behaviour } = work;
  if (last && behaviour.crash) process.kill(process.pid, 'SIGKILL');
  if (last && behaviour.fail !== 'no') {
    const retryable = behaviour.fail === 'retryable';
    finish(work, 'FAILED', { code: 'mishap', message: 'it went wrong', retryable });
    return;
  }
  report(work, 'PROGRESS');
  if (last && behaviour.largeBytes > 0) {
    upload(work);
    return;
  }
  put(work, last, contentOf(work, work.seq + 1));
}

function contentOf({ assign, behaviour }: Work, seq: number, forged = false): Buffer {
  const { problemId, iterationId } = assign.taskId;
  const inputs = assign.inputs.map(({ name, previous, value }) => [
    previous ? `previous.${name}` : name,
    value.kind === 'blob' ? value.blob.sha256 : sha256(value.bytes),
  ]);
  const content: Content = {
    execution: assign.executionId,
    seq,
    task: `${problemId}/${iterationId}`,
    module: assign.module,
    inputs: Object.fromEntries(inputs),
    ...(forged && { forged }),
    ...(behaviour.largeBytes > 0 &&
      seq > behaviour.partials && { padding: 'x'.repeat(behaviour.largeBytes) }),
  };
  return Buffer.from(JSON.stringify(content));
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function put(work: Work, last: boolean, bytes: Buffer, blob?: { sha256: string; size: number }): void {
  const { executionId, lease } = work.assign;
  work.seq += 1;
  const output: Output = {
    ...{ executionId, lease, seq: work.seq, last, type: 'json' },
    payload: blob ? { kind: 'blob', blob } : { kind: 'inline', bytes },
  };
  work.unacked.set(work.seq, output);
  journal.write({ op: 'published', execution: executionId, seq: work.seq, last, sha256: sha256(bytes) });
  if (last) work.state = 'SUCCEEDED';
  publish([output]);
  repeat(work);
}

/** Until it is acknowledged or refused. */
function repeat(work: Work): void {
  later(work, AGAIN_MS, () => {
    if (!works.has(work.assign.executionId)) return;
    publish([...work.unacked.values()]);
    if (work.final) report(work, work.final.state, work.final.lastSeq, work.final.error);
    if (work.unacked.size > 0 || work.final) repeat(work);
  });
}

/** The last output by way of a blob; again and again until it is there. */
function upload(work: Work | undefined): void {
  if (!work || !works.has(work.assign.executionId) || work.stopped) return;
  const published = work.unacked.get(work.behaviour.partials + 1);
  const bytes = contentOf(work, work.behaviour.partials + 1);
  const digest = sha256(bytes);
  fetch(`${blobUrl}/${digest}`, {
    method: 'PUT',
    body: new Uint8Array(bytes),
    signal: AbortSignal.timeout(5000),
  })
    .then(async (response) => {
      await response.arrayBuffer();
      if (!response.ok) throw new Error(String(response.status));
      if (!works.has(work.assign.executionId) || work.stopped) return;
      if (published) publish([published]);
      else put(work, true, bytes, { sha256: digest, size: bytes.length });
      flush();
    })
    .catch(() => later(work, AGAIN_MS, () => upload(work)));
}

function stop(work: Work, state: 'CANCELLED' | 'PREEMPTED'): void {
  if (work.stopped) return;
  work.stopped = state;
  later(work, work.behaviour.stubbornMs, () => {
    for (const timer of work.timers) clearTimeout(timer);
    work.timers.clear();
    if (works.has(work.assign.executionId)) finish(work, state);
  });
}

function finish(work: Work, state: 'FAILED' | 'CANCELLED' | 'PREEMPTED', error?: ReportedError): void {
  // What was published last has made it a success, whatever is said now.
  if (work.state === 'SUCCEEDED' && state !== 'FAILED') {
    repeat(work);
    return;
  }
  work.final = { state, lastSeq: work.seq, ...(error && { error }) };
  work.state = state;
  report(work, state, work.seq, error);
  repeat(work);
}

/** Its end is known. */
function over(work: Work): void {
  end(work);
  if (work.behaviour.forges) later(work, 50, () => forge(work));
}

/** It no longer belongs to this node. */
function drop(work: Work, now = false): void {
  end(work);
  if (!work.behaviour.forges) return;
  if (now) forge(work);
  else later(work, 50, () => forge(work));
}

function end(work: Work): void {
  for (const timer of work.timers) clearTimeout(timer);
  work.timers.clear();
  works.delete(work.assign.executionId);
}

/** Outputs and an end of an execution that it does not have, and a word of an incarnation before its own. */
function forge(work: Work): void {
  const { executionId, lease } = work.assign;
  const seq = work.seq + 1;
  journal.write({ op: 'forged', execution: executionId, seq });
  const payload = { kind: 'inline', bytes: contentOf(work, seq, true) } as const;
  publish([{ executionId, lease, seq, last: true, type: 'json', payload }]);
  report(work, 'FAILED', 0, { code: 'forged', message: 'forged', retryable: false });
  flush();
  if (incarnation <= 1) return;
  const heartbeat: NodeMessage = { kind: 'heartbeat', status: 'ERROR', running: [] };
  const frame = {
    protocolVersion: PROTOCOL_VERSION,
    nodeId,
    incarnation: incarnation - 1,
    messages: [heartbeat],
  };
  sending = sending.then(() => dealer.send(encodeToOrchestrator(frame))).catch(() => {});
}

function leave(): void {
  outbox = [{ kind: 'goodbye' }];
  flush();
  setTimeout(() => process.exit(0), 100);
}
