/**
 * Viewers of the stream, all in one process: each counts what it is sent, and how old a stamped output is when its frame arrives.
 *
 * What a viewer should have seen is what the stream itself replays afterwards to one who reads all of it: a viewer has lost nothing
 * when it has seen exactly the events of its problem between its own beginning and the end.
 */
import WebSocket from 'ws';
import { answer } from '../support/processes.mjs';
import { percentile } from '../support/statistics.mjs';

const base = String(process.argv[2]);
const SEQ = Buffer.from('{"seq":');
const STAMP = Buffer.from('"output":{"at":"');
const QUOTE = 0x22;
/** Sockets that connect at once. */
const CONNECTING = 50;

/**
 * @typedef {object} Viewer
 * @property {WebSocket} socket
 * @property {string | undefined} problem that it watches
 * @property {number} from the cursor at which its stream began
 * @property {number} cursor up to where it has seen everything
 * @property {number} count
 * @property {number} sum of the numbers of its events
 * @property {number} last
 * @property {number} disorder events that came out of turn
 * @property {number} gaps events that it was told are not there for it
 * @property {(() => void) | undefined} moved
 */

/** @type {Viewer[]} */
let viewers = [];
/** @type {number[]} */
let agesMs = [];
let isMeasuring = false;

/** @param {Buffer} frame @param {number} from */
function numberAt(frame, from) {
  let value = 0;
  for (let at = from; ; at += 1) {
    const digit = Number(frame[at]) - 48;
    if (!(digit >= 0 && digit <= 9)) return value;
    value = value * 10 + digit;
  }
}

/** @param {Viewer} viewer @param {Buffer} frame */
function see(viewer, frame) {
  if (frame.toString('latin1', 0, 16) === '{"type":"events"') {
    const now = process.hrtime.bigint();
    for (let at = frame.indexOf(SEQ); at >= 0; at = frame.indexOf(SEQ, at + SEQ.length)) {
      const seq = numberAt(frame, at + SEQ.length);
      if (seq <= viewer.last) viewer.disorder += 1;
      viewer.last = seq;
      viewer.count += 1;
      viewer.sum += seq;
    }
    if (isMeasuring) {
      for (let at = frame.indexOf(STAMP); at >= 0; at = frame.indexOf(STAMP, at + STAMP.length)) {
        const from = at + STAMP.length;
        const stamp = BigInt(frame.toString('latin1', from, frame.indexOf(QUOTE, from)));
        agesMs.push(Number(now - stamp) / 1e6);
      }
    }
    viewer.cursor = viewer.last;
  } else {
    const message = JSON.parse(frame.toString());
    if (message.type === 'gap') viewer.gaps += message.to - message.from + 1;
    if (message.type === 'subscribed') viewer.from = message.cursor;
    if (message.type === 'error') throw new Error(`a viewer was refused: ${frame}`);
    if (message.type !== 'hello' && 'cursor' in message) viewer.cursor = message.cursor;
  }
  viewer.moved?.();
}

/** @param {string | undefined} problem @param {number} [cursor] @returns {Promise<Viewer>} */
async function connect(problem, cursor) {
  const socket = new WebSocket(`${base.replace('http', 'ws')}/v1/stream`, {
    perMessageDeflate: false,
    skipUTF8Validation: true,
    maxPayload: 1024 ** 3,
  });
  /** @type {Viewer} */
  const viewer = {
    socket,
    problem,
    from: -1,
    cursor: -1,
    count: 0,
    sum: 0,
    last: 0,
    disorder: 0,
    gaps: 0,
    moved: undefined,
  };
  socket.on('message', (/** @type {Buffer} */ frame) => see(viewer, frame));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  const filter = {
    ...(problem !== undefined && { problem_id: problem }),
    ...(cursor !== undefined && { cursor }),
  };
  socket.send(JSON.stringify({ type: 'subscribe', ...filter }));
  await until(viewer, () => viewer.from >= 0);
  return viewer;
}

/** @param {Viewer} viewer @param {() => boolean} holds @returns {Promise<void>} */
function until(viewer, holds) {
  if (holds()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    viewer.socket.once('close', () => reject(new Error('a viewer was cut off')));
    viewer.moved = () => {
      if (!holds()) return;
      viewer.moved = undefined;
      resolve();
    };
  });
}

/** Every event after `from` up to `to`, by its problem. @param {number} from @param {number} to */
async function replay(from, to) {
  /** @type {{ seq: number, problem: string | undefined }[]} */
  const events = [];
  const reader = await connect(undefined, from);
  reader.socket.on('message', (/** @type {Buffer} */ frame) => {
    const message = JSON.parse(frame.toString());
    for (const { seq, problem_id } of message.events ?? []) events.push({ seq, problem: problem_id });
  });
  // The first page may have come before the listener was there: ask for all of it again.
  events.length = 0;
  reader.cursor = -1;
  reader.from = -1;
  reader.socket.send(JSON.stringify({ type: 'subscribe', cursor: from }));
  await until(reader, () => reader.from >= 0 && reader.cursor >= to);
  reader.socket.terminate();
  const all = new Map(events.map((event) => [event.seq, event]));
  return [...all.values()].filter(({ seq }) => seq <= to);
}

answer({
  /** Connects a viewer for each entry; `null` is one that sees everything. @param {{ problems: readonly (string | null)[] }} options */
  async watch({ problems }) {
    for (let at = 0; at < problems.length; at += CONNECTING) {
      const some = problems.slice(at, at + CONNECTING);
      viewers.push(...(await Promise.all(some.map((problem) => connect(problem ?? undefined)))));
    }
  },
  measure() {
    agesMs = [];
    isMeasuring = true;
  },
  /** The first so many no longer read. @param {{ count: number }} options */
  pause({ count }) {
    for (const { socket } of viewers.slice(0, count)) socket.pause();
  },
  resume() {
    isMeasuring = false;
    for (const { socket } of viewers) socket.resume();
  },
  /** Waits until everybody is at `cursor`, and says what was lost on the way. @param {{ cursor: number }} options */
  async check({ cursor }) {
    isMeasuring = false;
    await Promise.all(viewers.map((viewer) => until(viewer, () => viewer.cursor >= cursor)));
    const events = await replay(Math.min(...viewers.map(({ from }) => from)), cursor);
    const result = { seen: 0, lost: 0, told: 0, disorder: 0 };
    for (const { problem, from, count, sum, disorder, gaps } of viewers) {
      let due = 0;
      let dueSum = 0;
      for (const event of events) {
        if (event.seq <= from || (problem !== undefined && event.problem !== problem)) continue;
        due += 1;
        dueSum += event.seq;
      }
      result.seen += count;
      result.told += gaps;
      result.disorder += disorder;
      result.lost +=
        gaps > 0 ? Math.max(0, due - count - gaps) : Math.abs(due - count) || Number(dueSum !== sum);
    }
    return {
      ...result,
      viewers: viewers.length,
      samples: agesMs.length,
      p50: percentile(agesMs, 0.5),
      p99: percentile(agesMs, 0.99),
      max: percentile(agesMs, 1),
    };
  },
  leave() {
    for (const { socket } of viewers) socket.terminate();
    viewers = [];
  },
});
console.log('ready');
