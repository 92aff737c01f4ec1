/**
 * The conform node with no SDK, and with faults to choose: `--break CASE…` breaks what each of these conformance cases is about, in the
 * way that `broken` names at its place, and nothing else.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Dealer, Publisher } from 'zeromq';
import { decodeToNode, encodeOutputs, encodeToOrchestrator } from '../../dist/src/wire/codec.js';

const {
  TUTTI_CONTROL: control,
  TUTTI_MODULE: module,
  TUTTI_INSTANCE: instance,
  TUTTI_TOKEN: token,
} = process.env;
const at = process.argv.indexOf('--break');
const chosen = new Set(at < 0 ? [] : process.argv.slice(at + 1));
const broken = (id) => chosen.has(id);

const CAPACITY = 2;
const GOODBYE_MS = 100;
const dealer = new Dealer({ linger: GOODBYE_MS, reconnectInterval: 50 });
dealer.connect(control);
let publisher;
let bootId = randomUUID();
let welcome;
let epoch = 0;
let status = 'INACTIVE';
let runs = 0;
let helloAfterMs = 250;
let helloTimer;
let beatTimer;
let inFlight = 0;
/** executionId → { executionId, lease, phase, outputs, queue, published, acked, report, controller, assign } */
const held = new Map();
const acks = new Map();
const replies = new Map();
const window = [];

let sending = Promise.resolve();
function say(...messages) {
  const { nodeId = '', incarnation = 0 } = welcome ?? {};
  const frame = encodeToOrchestrator({ protocolVersion: 1, nodeId, incarnation, messages });
  sending = sending.then(() => dealer.send(frame)).catch(() => {});
}

function publish(output) {
  if (!publisher || publisher.closed) return;
  const frame = encodeOutputs({ protocolVersion: 1, outputs: [output] });
  publisher.send([`output/${module}/`, frame]).catch(() => {});
}

function hello() {
  const heldNow = [...held.values()].map(({ executionId, lease, phase }) => ({
    executionId,
    lease,
    state: phase === 'published' ? 'SUCCEEDED' : 'RUNNING',
  }));
  const frame = encodeToOrchestrator({
    ...{ protocolVersion: 1, nodeId: '', incarnation: 0 },
    messages: [
      {
        ...{
          kind: 'hello',
          instance,
          bootId,
          version: 'raw',
          capacity: CAPACITY,
          labels: {},
          outputType: '',
          status,
        },
        module: broken('hello.introduces') ? `${module}_of_another_name` : module,
        token: broken('hello.environment') ? '' : (token ?? ''),
        held: heldNow,
      },
    ],
  });
  sending = sending.then(() => dealer.send(frame)).catch(() => {});
  clearTimeout(helloTimer);
  if (broken('hello.repeats')) return;
  helloTimer = setTimeout(hello, helloAfterMs);
  helloAfterMs = Math.min(helloAfterMs * 2, 2_000);
}

function setStatus(next, silently = false) {
  if (status === next) return;
  status = next;
  if (!silently) say({ kind: 'node_report', status });
}

const isBusy = ({ phase }) => phase === 'running' || phase === 'stopping' || phase === 'deaf';
const busy = () => [...held.values()].filter(isBusy).length;

function beat() {
  clearTimeout(beatTimer);
  const isQuiet = broken('heartbeat.busy') && busy() > 0;
  const running = [...held.values()].filter((one) => !broken('heartbeat.holds') || isBusy(one));
  if (!isQuiet) say({ kind: 'heartbeat', status, running: running.map(({ executionId }) => executionId) });
  const isSlow = broken('heartbeat.regular') && held.size === 0;
  beatTimer = setTimeout(beat, isSlow ? 2_300 : welcome.heartbeatIntervalMs);
}

function onWelcome(message, frame) {
  clearTimeout(helloTimer);
  helloAfterMs = 250;
  const isNewReign = welcome !== undefined && frame.epoch > epoch;
  welcome = message;
  epoch = frame.epoch;
  if (!publisher) {
    publisher = new Publisher({ linger: GOODBYE_MS, reconnectInterval: 50, immediate: true });
    publisher.connect(message.outputsEndpoint.replace('*', new URL(control).hostname));
    publisher.events.on('disconnect', () => {
      if (broken('reconnect.mid_output'))
        for (const one of held.values()) if (one.phase === 'published') keepOutputs(one, () => false);
    });
  }
  if (!broken('welcome.drop')) for (const id of message.drop) forget(held.get(id));
  for (const one of [...held.values()]) {
    if (isNewReign && broken('orchestrator.restart')) {
      forget(one);
      onAssign(one.assign);
      continue;
    }
    for (const output of one.outputs) publish(output.message);
    if (one.report) say(one.report);
  }
  beat();
}

function forget(one) {
  if (!one) return;
  one.controller.abort();
  one.isForgotten = true;
  clearTimeout(one.timer);
  clearTimeout(one.graceTimer);
  keepOutputs(one, () => false);
  held.delete(one.executionId);
  for (let i = window.length - 1; i >= 0; i -= 1) if (window[i].one === one) window.splice(i, 1);
  settle();
}

function keepOutputs(one, keep) {
  inFlight -= one.outputs.filter((output) => output.sent && !keep(output)).length;
  one.outputs = one.outputs.filter(keep);
}

/** Sends what has a place in the window, and the status that follows. */
function settle() {
  while (window.length > 0 && (inFlight < welcome.outputWindow || broken('output.window'))) {
    const { one, output } = window.shift();
    if (one.isForgotten) continue;
    inFlight += 1;
    output.sent = true;
    publish(output.message);
    repeat(one, 1_000);
    output.admitted();
  }
  if (status === 'RUNNING' && busy() === 0) setStatus('IDLE');
  if (stopWanted && busy() === 0 && status !== 'TERMINATING') setStatus('INACTIVE');
  if (ending && held.size === 0) void end();
}

function repeat(one, afterMs) {
  clearTimeout(one.timer);
  one.timer = setTimeout(() => {
    const again = broken('output.repeated') ? { type: 'bytes' } : {};
    for (const output of one.outputs) if (output.sent) publish({ ...output.message, ...again });
    if (one.report && !broken('failure.repeated')) say(one.report);
    repeat(one, Math.min(afterMs * 2, 30_000));
  }, afterMs);
}

async function output(one, value, last, name) {
  const bytes = Buffer.from(JSON.stringify(value));
  let payload = { kind: 'inline', bytes };
  if (bytes.byteLength > welcome.inlineMaxBytes) {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await fetch(`${welcome.blobUrl}/${sha256}`, { method: 'PUT', body: bytes });
    payload = { kind: 'blob', blob: { sha256, size: bytes.byteLength - (broken('blob.output') ? 1 : 0) } };
    one.blob = { sha256, bytes };
  }
  if (one.isForgotten || one.phase === 'stopping') return;
  one.published += 1;
  const { executionId } = one;
  const lease = broken('output.published') ? 'a lease of its own' : one.lease;
  if (last) one.phase = 'published';
  await new Promise((admitted) => {
    const named = name !== undefined && !broken('output.named') && { name };
    const message = { executionId, lease, seq: one.published, last, ...named, type: 'json', payload };
    const entry = { message, sent: false, admitted };
    one.outputs.push(entry);
    window.push({ one, output: entry });
    settle();
  });
}

async function wishOf({ assign }) {
  const { value } = assign.inputs[0];
  if (value.kind === 'inline') return JSON.parse(Buffer.from(value.bytes).toString());
  return broken('blob.input') ? {} : await (await fetch(value.url)).json();
}

async function work(one) {
  runs += 1;
  const run = runs;
  try {
    const { echo = null, partials = 0, names, sleep_ms, deaf_ms, fail, size } = await wishOf(one);
    for (let part = 1; part <= partials; part += 1) await output(one, { part }, false);
    if (sleep_ms) await delay(sleep_ms, undefined, { signal: one.controller.signal });
    if (deaf_ms) await delay(deaf_ms);
    if (one.phase === 'stopping') return stopped(one);
    if (one.isForgotten) return undefined;
    if (fail) throw Object.assign(new Error(fail.message), fail);
    const answer = { echo, runs: run, ...(size && { filler: 'x'.repeat(size) }) };
    for (const name of names?.slice(0, -1) ?? []) void output(one, answer, false, name);
    void output(one, answer, true, names?.at(-1));
  } catch (error) {
    if (one.phase === 'stopping') return stopped(one);
    const code = broken('failure.reported') ? 'it_failed' : (error.code ?? 'handler_error');
    const { message, retryable = true } = error;
    one.phase = 'ended';
    one.report = report(one, 'FAILED', { lastSeq: one.published, error: { code, message, retryable } });
    say(one.report);
    repeat(one, 1_000);
  }
  settle();
  return undefined;
}

function report({ executionId, lease }, state, more = {}) {
  return {
    kind: 'execution_report',
    executionId,
    lease,
    state,
    lastSeq: 0,
    progress: 0,
    message: '',
    ...more,
  };
}

function stop(one, state, graceMs) {
  if (one.phase === 'running' && one.published > 0 && broken('stop.cancels')) return;
  one.stopState = state;
  if (one.phase !== 'running') return stopped(one);
  one.phase = 'stopping';
  one.controller.abort();
  if (!broken('stop.in_time')) one.graceTimer = setTimeout(() => stopped(one), graceMs);
}

function stopped(one) {
  if (one.report || one.isForgotten) return;
  clearTimeout(one.graceTimer);
  one.phase = 'ended';
  keepOutputs(one, () => false);
  one.report = report(one, one.stopState, { lastSeq: one.acked });
  say(one.report);
  repeat(one, 1_000);
  settle();
}

function onAssign(assign) {
  const { executionId, lease } = assign;
  const known = held.get(executionId);
  if (known) {
    if (broken('assign.started_once') && known.phase === 'running') void work(known);
    if (!broken('assign.answered_again')) say(report(known, 'ACCEPTED'));
    return;
  }
  if (acks.has(executionId)) return;
  const isOpen = status === 'IDLE' || status === 'RUNNING' || broken('command.stop_node');
  if (!isOpen || (busy() >= CAPACITY && !broken('assign.capacity'))) {
    const error = { code: 'no_free_slot', message: 'no slot is free', retryable: true };
    say(report({ executionId, lease }, 'REJECTED', { error }));
    return;
  }
  const fresh = { executionId, lease, assign, phase: 'running', outputs: [], published: 0, acked: 0 };
  fresh.controller = new AbortController();
  held.set(executionId, fresh);
  say(report(fresh, broken('assign.accepted') ? 'RUNNING' : 'ACCEPTED'));
  setStatus('RUNNING');
  void work(fresh);
}

function onAck({ executionId, seq, ended }) {
  const one = held.get(executionId);
  if (!one) return;
  one.acked = Math.max(one.acked, Math.min(seq, one.published));
  if (ended && broken('output.acknowledged') && one.outputs.length > 0) {
    const { message } = one.outputs.at(-1);
    setInterval(() => publish(message), 1_000).unref();
  }
  keepOutputs(one, ({ message }) => message.seq > seq);
  if (!ended) return settle();
  acks.set(executionId, 'ended');
  forget(one);
}

let stopWanted = false;
let ending = false;

function doNodeCommand({ cmd, graceMs }, withWelcome) {
  switch (cmd) {
    case 'START':
      stopWanted = false;
      if (status !== 'INACTIVE') return;
      status = 'INITIALIZING';
      setStatus('IDLE', withWelcome && broken('start.reports_idle'));
      return;
    case 'STOP':
      stopWanted = true;
      settle();
      return;
    case 'RESET':
      stopWanted = false;
      for (const one of held.values()) {
        if (isBusy(one)) stop(one, broken('command.reset_node') ? 'CANCELLED' : 'PREEMPTED', graceMs);
      }
      setStatus('INITIALIZING');
      setStatus('IDLE');
      return;
    case 'TERMINATE':
      terminate(graceMs, 'command.terminate_node');
  }
}

function terminate(graceMs, fault) {
  setStatus('TERMINATING');
  ending = fault;
  for (const one of held.values()) if (isBusy(one)) stop(one, 'PREEMPTED', graceMs);
  setTimeout(end, graceMs + 5_000).unref();
  settle();
}

let hasEnded = false;
async function end() {
  if (hasEnded) return;
  hasEnded = true;
  clearTimeout(beatTimer);
  if (!broken(ending)) say({ kind: 'goodbye' });
  await sending;
  dealer.close();
  publisher?.close();
  setTimeout(() => process.exit(0), GOODBYE_MS);
}

function onNodeCommand(command, withWelcome) {
  const { commandId, cmd } = command;
  const known = acks.get(commandId);
  if (known && broken('command.done_once')) doNodeCommand(command, withWelcome);
  if (known) {
    if (!broken('command.acked_again')) say(known);
    return;
  }
  const isPossible = status !== 'TERMINATING' || cmd === 'TERMINATE' || broken('command.every_state');
  const error = { code: 'not_in_this_state', message: `${cmd} in ${status}`, retryable: false };
  const ack = {
    kind: 'command_ack',
    commandId,
    executionId: '',
    accepted: isPossible,
    ...(!isPossible && { error }),
  };
  acks.set(commandId, ack);
  if (!(cmd === 'START' && withWelcome && broken('start.acked'))) say(ack);
  if (isPossible && status !== 'TERMINATING') doNodeCommand(command, withWelcome);
}

function onTaskCommand({ commandId, cmd, executionId, graceMs }) {
  const known = acks.get(commandId);
  if (known) {
    if (!broken('command.acked_again')) say(known);
    return;
  }
  const one = held.get(executionId);
  const isKnown = one !== undefined || acks.has(executionId) || broken('command.unknown_execution');
  const error = { code: 'unknown_execution', message: executionId, retryable: false };
  const ack = { kind: 'command_ack', commandId, executionId, accepted: isKnown, ...(!isKnown && { error }) };
  acks.set(commandId, ack);
  if (!(one?.phase === 'published' && broken('command.task_acked'))) say(ack);
  if (one) stop(one, cmd === 'PREEMPT' && !broken('preempt.reports') ? 'PREEMPTED' : 'CANCELLED', graceMs);
}

function onConfigure({ transactionId, configuration }) {
  if (replies.has(transactionId) && broken('configuration.replied')) return;
  replies.set(transactionId, { kind: 'config_reply', transactionId, success: true, configuration });
  say(replies.get(transactionId));
}

async function onRefused({ code, executionId, seq }) {
  const one = held.get(executionId);
  if (code === 'say_hello') {
    if (broken('hello.again')) bootId = randomUUID();
    hello();
  } else if (code === 'instance_in_use') {
    if (broken('hello.in_use')) process.exit(1);
    clearTimeout(helloTimer);
    helloTimer = setTimeout(hello, helloAfterMs);
  } else if (code === 'schema_mismatch' && !broken('hello.refused_for_good')) {
    process.exit(1);
  } else if (one && code === 'stale_execution' && !broken('execution.refused')) {
    forget(one);
  } else if (one && code === 'bad_payload' && !broken('output.refused')) {
    keepOutputs(one, ({ message }) => message.seq !== seq);
  } else if (one?.blob && code === 'blob_missing' && !broken('blob.missing')) {
    await fetch(`${welcome.blobUrl}/${one.blob.sha256}`, { method: 'PUT', body: one.blob.bytes });
    for (const each of one.outputs) publish(each.message);
  }
}

function receive(bytes) {
  const decoded = decodeToNode(bytes);
  if (!decoded.ok || decoded.faults.length > 0) {
    if (broken('frames.malformed')) process.exit(1);
    if (!decoded.ok) return;
  }
  const frame = decoded.value;
  const withWelcome = frame.messages.some(({ kind }) => kind === 'welcome');
  for (const message of frame.messages) {
    if (message.kind === 'welcome') onWelcome(message, frame);
    else if (message.kind === 'refused') void onRefused(message);
    else if (!welcome) continue;
    else if (frame.incarnation !== welcome.incarnation && !broken('incarnation.other')) continue;
    else if (frame.epoch < epoch && !broken('epoch.stale')) continue;
    else if (message.kind === 'assign') onAssign(message);
    else if (message.kind === 'output_acks') for (const ack of message.acks) onAck(ack);
    else if (message.kind === 'node_command') onNodeCommand(message, withWelcome);
    else if (message.kind === 'task_command') onTaskCommand(message);
    else if (message.kind === 'config_request') onConfigure(message);
  }
}

process.on('SIGTERM', () => {
  if (broken('sigterm.clean')) process.exit(0);
  terminate(2_000, 'sigterm.clean');
});
hello();
while (!dealer.closed) {
  try {
    const [frame] = await dealer.receive();
    receive(frame);
  } catch (error) {
    if (!dealer.closed) throw error;
  }
}
