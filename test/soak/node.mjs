/** A node whose handler does by its input what authors do in a handler: it starts processes and threads, computes, throws, returns and leaks odd things. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { NonRetryableError, node } from 'tutti/sdk';

const SCRATCH = process.env.SOAK_SCRATCH ?? '.';

/** Whether this task comes for the first time, over the deaths of processes. */
function firstTime(task) {
  try {
    writeFileSync(join(SCRATCH, task.id.replace('/', '-')), '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

async function endProcess(task, how) {
  if (firstTime(task)) {
    appendFileSync(join(SCRATCH, 'deaths'), `${Date.now()} ${process.env.SOAK_SLOT}\n`);
    how();
    await delay(60_000, undefined, { signal: task.signal });
  }
  return { died: 'once' };
}

async function childSignalled(signal) {
  const child = spawn('sleep', ['60']);
  child.kill(signal);
  const [, ended] = await once(child, 'exit');
  return { exit: ended };
}

async function inWorker(source) {
  const worker = new Worker(source, { eval: true });
  const heard = [];
  worker.on('message', (message) => heard.push(message));
  worker.on('error', (error) => heard.push(error.message));
  const code = await new Promise((resolve) => worker.once('exit', resolve));
  return { code, heard };
}

function compute(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return { computed: true };
}

const leaked = { memory: [], files: [] };

function leak(kind, value, most, drop = () => {}) {
  leaked[kind].push(value);
  if (leaked[kind].length > most) drop(leaked[kind].shift());
  return { kept: true };
}

function logLots(task, lines) {
  for (let line = 0; line < lines; line += 1) task.log.info(`line ${line}`);
  return { lines };
}

function printLots() {
  for (let line = 0; line < 200; line += 1) {
    console.log(`prints line ${line}`);
    console.error(`warns in line ${line}`);
  }
  return { printed: true };
}

function deep(levels) {
  let value = [];
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}

function throws(thrown) {
  throw thrown;
}

function hostileError() {
  const error = new Error('x');
  for (const name of ['code', 'message', 'stack', 'name', 'cause']) {
    Object.defineProperty(error, name, {
      get() {
        throw new Error(`${name} is not there yet`);
      },
    });
  }
  return error;
}

function cyclicError() {
  const error = new Error(`\ud800 ${'x'.repeat(1_000_000)}`);
  error.cause = error;
  return error;
}

const untold = new Proxy(
  {},
  {
    get: () => throws(new Error('do not ask')),
    getPrototypeOf: () => throws(new Error('do not ask')),
    has: () => throws(new Error('do not ask')),
    ownKeys: () => throws(new Error('do not ask')),
  },
);

async function stubborn(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end) await delay(20);
  return { ended: 'by itself' };
}

async function lateSpeech(task) {
  setTimeout(() => {
    try {
      task.log.info('too late');
      Promise.resolve(task.publish({ too: 'late' })).catch(() => {});
    } catch {}
  }, 500);
  return { said: 'in time' };
}

function leakTimers() {
  for (let timer = 0; timer < 20; timer += 1) setTimeout(() => {}, 2000);
  new Worker('setTimeout(() => {}, 1000)', { eval: true }).unref();
  return { started: true };
}

async function partials(task) {
  for (let part = 0; part < 5; part += 1) await task.publish({ part });
  return { parts: 5 };
}

const cyclic = {};
cyclic.itself = cyclic;

const DEEDS = {
  plain: (_, asked) => ({ n: asked.n + 1 }),
  sleep: async (task, asked) => {
    await delay(asked.seconds * 1000, undefined, { signal: task.signal });
    return { slept: true };
  },
  hold: async (_, asked) => {
    await delay(asked.seconds * 1000);
    return { held: true };
  },
  subprocess: () => ({ text: execFileSync('echo', ['hello']).toString() }),
  terminate: () => childSignalled('SIGTERM'),
  interrupt: () => childSignalled('SIGINT'),
  worker: () => inWorker('require("node:worker_threads").parentPort.postMessage("hello")'),
  'worker-exits': () => inWorker('process.exit(3)'),
  'worker-throws': () => inWorker('throw new Error("in the worker")'),
  print: printLots,
  log: (task, asked) => logLots(task, asked.lines),
  'leak-memory': () => leak('memory', Buffer.alloc(131_072, 1), 64),
  'leak-files': () => leak('files', openSync('/dev/null'), 40, closeSync),
  'leak-threads': leakTimers,
  compute: (_, asked) => compute(asked.seconds * 1000),
  late: lateSpeech,
  stubborn: (_, asked) => stubborn(asked.seconds * 1000),
  'raise-code': () => throws(hostileError()),
  'raise-untold': () => throws(untold),
  'raise-null': () => throws(null),
  'raise-undefined': () => throws(undefined),
  'raise-text': () => throws('only a text'),
  'raise-symbol': () => throws(Symbol('odd')),
  'raise-bare': () => throws(Object.create(null)),
  'raise-cyclic': () => throws(cyclicError()),
  'raise-group': () => throws(new AggregateError([new Error('one'), null], 'two')),
  'raise-abort': () => throws(new DOMException('stopped by somebody else', 'AbortError')),
  'raise-recursion': function recurse() {
    return recurse() + 1;
  },
  'raise-final': () => throws(new NonRetryableError('for_good', 'no other attempt would help')),
  flaky: (task) => (firstTime(task) ? throws(new Error('once')) : { came: 'through' }),
  'give-nan': () => ({ loss: Number.NaN }),
  'give-set': () => ({ seen: new Set([1]), by: new Map([[1, 2]]) }),
  'give-deep': () => ({ deep: deep(5000) }),
  'give-surrogate': () => ({ text: '\ud800' }),
  'give-bigint': () => ({ count: 2n ** 64n }),
  'give-cyclic': () => cyclic,
  'give-getter': () => ({
    get value() {
      throw new Error('not yet');
    },
  }),
  'give-huge': () => ({ text: 'x'.repeat(3_000_000) }),
  partials,
  'kill-self': (task) => endProcess(task, () => process.kill(process.pid, 'SIGKILL')),
  'exit-self': (task) => endProcess(task, () => process.exit(1)),
  'abort-self': (task) => endProcess(task, () => process.abort()),
  'throw-beside': (task) =>
    endProcess(task, () =>
      setTimeout(() => {
        throw new Error('from a timer');
      }),
    ),
};

await node('', (task) => DEEDS[task.inputs.asked.do](task, task.inputs.asked), { capacity: 4 }).start();
