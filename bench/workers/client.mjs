/**
 * A client in a process of its own: submits over HTTP, keeps so many tasks in flight, and counts one done when the WebSocket stream
 * says so. A frame is searched for what counts instead of being parsed: the client shares the machine with what it measures.
 *
 * 1. A task is done once: one that ends twice, otherwise than succeeded, or unasked, fails the run.
 * 2. Times are from the call of the submission; those of the submission itself are kept apart.
 */
import { Pool } from 'undici';
import WebSocket from 'ws';
import { answer } from '../support/processes.mjs';
import { percentile } from '../support/statistics.mjs';
import { Window } from '../support/window.mjs';

const base = String(process.argv[2]);
const ENDED = Buffer.from('"type":"iteration.');
const OUTPUT = Buffer.from('"type":"output.recorded"');
const SUCCEEDED = /^"type":"iteration\.succeeded","problem_id":"([^"]+)","iteration_id":(\d+)/;
const FAILED = /^"type":"iteration\.(failed|cancelled|aborted)"/;
const RECORDED = /^"type":"output\.recorded","problem_id":"([^"]+)","iteration_id":(\d+),"module":"([^"]+)"/;
/** Longer than what the expressions above look at. */
const HEAD_BYTES = 220;
/** Requests on a connection that may be under way. */
const PIPELINING = 16;
/** Problems in one request. */
const BATCH_MAX = 1000;

/** @type {Map<string, { resolve: () => void } | 'ended'>} */
const waiting = new Map();
/** Outputs of tasks that are under way, where they are counted. @type {Map<string, Set<string>> | undefined} */
let outputs;
/** @type {Error | undefined} */
let failure;
let fail = (/** @type {Error} */ error) => {
  failure = error;
};

const socket = new WebSocket(`${base.replace('http', 'ws')}/v1/stream`, {
  perMessageDeflate: false,
  skipUTF8Validation: true,
  maxPayload: 1024 ** 3,
});
await new Promise((resolve, reject) => {
  socket.once('open', resolve);
  socket.once('error', reject);
});
socket.on('message', (/** @type {Buffer} */ frame) => {
  scan(frame, ENDED, ended);
  if (outputs) scan(frame, OUTPUT, recorded);
  if (frame.includes('{"type":"gap"')) fail(new Error('the stream has a gap'));
});
socket.on('close', () => fail(new Error('the stream was closed')));
socket.send('{"type":"subscribe"}');

/** @param {Buffer} frame @param {Buffer} mark @param {(head: string) => void} found */
function scan(frame, mark, found) {
  for (let at = frame.indexOf(mark); at >= 0; at = frame.indexOf(mark, at + mark.length)) {
    found(frame.toString('latin1', at, at + HEAD_BYTES));
  }
}

/** @param {string} head */
function ended(head) {
  const match = SUCCEEDED.exec(head);
  if (!match) {
    if (FAILED.test(head)) fail(new Error(`a task did not succeed: ${head}`));
    return;
  }
  const key = `${match[1]}/${match[2]}`;
  const task = waiting.get(key);
  if (task === 'ended') fail(new Error(`${key} has ended twice`));
  else if (task) {
    waiting.delete(key);
    task.resolve();
  } else waiting.set(key, 'ended');
}

/** @param {string} head */
function recorded(head) {
  const [, problem, iteration, module] = RECORDED.exec(head) ?? [];
  const key = `${problem}/${iteration}`;
  const seen = outputs?.get(key) ?? new Set();
  if (seen.has(String(module))) fail(new Error(`an output of ${module} of ${key} was recorded twice`));
  outputs?.set(key, seen.add(String(module)));
}

/** Settles once the task has ended, which may be before the answer to its submission. @param {string} key @returns {Promise<void>} */
function end(key) {
  if (waiting.get(key) === 'ended') {
    waiting.delete(key);
    return Promise.resolve();
  }
  return new Promise((resolve) => waiting.set(key, { resolve }));
}

/** @param {number} inFlight */
function poolFor(inFlight) {
  const connections = Math.min(16, inFlight);
  return new Pool(base, { connections, pipelining: Math.min(PIPELINING, Math.ceil(inFlight / connections)) });
}

/**
 * @param {Pool} pool @param {string} path @param {string} body @param {number} [expected] status
 * @returns {Promise<{ problem_id: string, task_id: string }>}
 */
async function post(pool, path, body, expected = 201) {
  const headers = { 'content-type': 'application/json' };
  // `idempotent` lets undici pipeline it; nothing is sent twice, since a failure ends the run.
  const response = await pool.request({ path, method: 'POST', headers, body, idempotent: true });
  const text = await response.body.text();
  if (response.statusCode !== expected) throw new Error(`HTTP ${response.statusCode} ${text}`);
  return JSON.parse(text);
}

/**
 * Submits to a graph: what is to be submitted in one turn of this process goes in one request.
 * @param {Pool} pool @param {string} body of one submission
 * @returns {() => Promise<{ problem_id: string, task_id: string }>}
 */
function submitter(pool, body) {
  /** @type {{ resolve: (answer: any) => void, reject: (error: unknown) => void }[]} */
  let waiting = [];
  const flush = () => {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    const [only] = batch;
    if (only && batch.length === 1) {
      post(pool, '/v1/problems', body).then(only.resolve, only.reject);
      return;
    }
    post(pool, '/v1/problems:batch', `{"problems":[${batch.map(() => body).join(',')}]}`, 200).then(
      (/** @type {any} */ { items }) => {
        for (const [position, { resolve, reject }] of batch.entries()) {
          if (items[position].error) reject(new Error(items[position].error.message));
          else resolve(items[position]);
        }
      },
      (error) => {
        for (const { reject } of batch) reject(error);
      },
    );
  };
  return () =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ resolve, reject });
      if (waiting.length === BATCH_MAX) flush();
    });
}

/** @param {{ graph: string, input?: unknown, priority?: number }} options */
function bodyOf({ graph, input, priority }) {
  const given = input ?? Buffer.alloc(200, 1).toString('base64');
  return JSON.stringify({ graph, input: given, ...(priority !== undefined && { priority }) });
}

/** A promise that rejects when the run has failed. */
function failing() {
  return new Promise((_, reject) => {
    fail = (error) => {
      failure ??= error;
      reject(failure);
    };
    if (failure) reject(failure);
  });
}

answer({
  /**
   * Keeps `inFlight` tasks in flight for `warmUpMs` and then for `forMs`, or until `tasks` are done; waits for the rest. With
   * `countOutputs`, every task must have exactly so many outputs.
   * @param {{ graph: string, input?: unknown, priority?: number, inFlight: number, warmUpMs?: number, forMs?: number,
   *   tasks?: number, countOutputs?: number }} options
   */
  async load(options) {
    const { inFlight, tasks = Number.POSITIVE_INFINITY } = options;
    const pool = poolFor(inFlight);
    const body = bodyOf(options);
    outputs = options.countOutputs ? new Map() : undefined;
    const failed = failing();
    const window = new Window(options);
    const submit = submitter(pool, body);
    let begun = 0;
    const work = async () => {
      while (begun < tasks && window.isOpen()) {
        begun += 1;
        const start = performance.now();
        const { task_id: key } = await submit();
        const submitted = performance.now();
        await end(key);
        window.count(start, submitted);
        if (outputs) {
          const count = outputs.get(key)?.size;
          if (count !== options.countOutputs) throw new Error(`${key} has ${count} outputs`);
          outputs.delete(key);
        }
      }
    };
    await Promise.race([failed, Promise.all(Array.from({ length: inFlight }, work))]);
    await pool.close();
    return window.result();
  },

  /**
   * Submits `tasks` and waits for none of them.
   * @param {{ graph: string, input?: unknown, priority?: number, tasks: number, inFlight: number }} options
   */
  async submit(options) {
    const pool = poolFor(options.inFlight);
    const body = bodyOf(options);
    let begun = 0;
    const submit = submitter(pool, body);
    const before = performance.now();
    const work = async () => {
      while (begun < options.tasks) {
        begun += 1;
        await submit();
      }
    };
    await Promise.all(Array.from({ length: options.inFlight }, work));
    const seconds = (performance.now() - before) / 1000;
    await pool.close();
    return { seconds, perSecond: options.tasks / seconds };
  },

  /** New problems whose first iteration has succeeded, for `pace`. @param {{ graph: string, input: unknown, problems: number }} options */
  async problems(options) {
    const pool = poolFor(1);
    const ids = [];
    for (let i = 0; i < options.problems; i += 1) {
      const { problem_id, task_id } = await post(pool, '/v1/problems', bodyOf(options));
      await end(task_id);
      ids.push(problem_id);
    }
    await pool.close();
    return ids;
  },

  /**
   * Begins `perSecond` iterations a second of these problems, in turn, for `forMs`, however long each takes; waits for the rest.
   * @param {{ problems: readonly string[], perSecond: number, forMs: number }} options
   */
  async pace({ problems, perSecond, forMs }) {
    const pool = poolFor(256);
    const failed = failing();
    /** @type {number[]} */
    const taskMs = [];
    /** @type {Promise<void>[]} */
    const all = [];
    const one = async (/** @type {string} */ problem) => {
      const start = performance.now();
      const { task_id } = await post(pool, `/v1/problems/${problem}/iterations`, '{}');
      await end(task_id);
      taskMs.push(performance.now() - start);
    };
    const from = performance.now();
    const total = Math.round((perSecond * forMs) / 1000);
    while (all.length < total) {
      const due = Math.min(total, Math.floor(((performance.now() - from) * perSecond) / 1000));
      while (all.length < due) all.push(one(String(problems[all.length % problems.length])));
      await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 2))]);
    }
    await Promise.race([failed, Promise.all(all)]);
    const seconds = (performance.now() - from) / 1000;
    await pool.close();
    return {
      done: total,
      seconds,
      perSecond: total / seconds,
      p50: percentile(taskMs, 0.5),
      p99: percentile(taskMs, 0.99),
    };
  },
});
console.log('ready');
