/**
 * The floor: the three-stage chain in plain zeromq and lmdb, with nothing else. This process coordinates; loop-node.mjs plays a stage.
 * Everything received in one turn of the loop is written in one synced transaction before anything follows from it. With `batched`,
 * what one peer is to get in a turn goes in one frame; without, each message is a frame.
 *
 * A message is a task's number, its stage, and 200 bytes. The tasks are begun here: nobody submits them, and nobody is told.
 */

import { open } from 'lmdb';
import { Router } from 'zeromq';
import { answer } from '../support/processes.mjs';
import { Window } from '../support/window.mjs';

const STAGES = 3;
const BYTES = 200;
const MESSAGE_BYTES = 5 + BYTES;
const isBatched = process.argv[3] === 'batched';
const db = open({
  path: String(process.argv[2]),
  encoding: 'binary',
  overlappingSync: false,
  eventTurnBatching: false,
});
const router = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 0 });
await router.bind('tcp://127.0.0.1:0');
console.log(`ready ${router.lastEndpoint}`);

/** @type {Buffer[]} */
const inbox = [];
let wake = () => {};
/** The routing id of a stage is its number. */
const routes = Array.from({ length: STAGES }, (_, stage) => Buffer.from(`stage ${stage}`));

async function receive() {
  for await (const [, frame] of router) {
    inbox.push(/** @type {Buffer} */ (frame));
    wake();
  }
}
void receive();

/** @param {number} task @param {number} stage @param {Buffer} payload */
function message(task, stage, payload) {
  const bytes = Buffer.allocUnsafe(MESSAGE_BYTES);
  bytes.writeUInt32LE(task, 0);
  bytes[4] = stage;
  payload.copy(bytes, 5);
  return bytes;
}

/** @param {readonly (readonly Buffer[])[]} out by stage */
async function send(out) {
  for (const [stage, messages] of out.entries()) {
    const route = routes[stage];
    if (!route || messages.length === 0) continue;
    if (isBatched) await router.send([route, Buffer.concat(messages)]);
    else for (const one of messages) await router.send([route, one]);
  }
}

let tasks = 0;
answer({
  /** @param {{ inFlight: number, warmUpMs: number, forMs: number }} options */
  async load(options) {
    const window = new Window(options);
    const input = Buffer.alloc(BYTES, 1);
    /** @type {Map<number, number>} */
    const begunAt = new Map();
    let begin = options.inFlight;
    while (begin > 0 || begunAt.size > 0) {
      /** @type {Buffer[][]} */
      const out = Array.from({ length: STAGES }, () => []);
      /** @type {number[]} */
      const ended = [];
      const frames = inbox.splice(0);
      const committed = db.batch(() => {
        for (; begin > 0; begin -= 1) {
          tasks += 1;
          begunAt.set(tasks, performance.now());
          void db.put([tasks, -1], input);
          out[0]?.push(message(tasks, 0, input));
        }
        for (const frame of frames) {
          for (let at = 0; at < frame.length; at += MESSAGE_BYTES) {
            const task = frame.readUInt32LE(at);
            const stage = Number(frame[at + 4]);
            const payload = frame.subarray(at + 5, at + MESSAGE_BYTES);
            void db.put([task, stage], payload);
            if (stage + 1 < STAGES) out[stage + 1]?.push(message(task, stage + 1, payload));
            else ended.push(task);
          }
        }
      });
      await committed;
      await send(out);
      for (const task of ended) {
        window.count(Number(begunAt.get(task)));
        begunAt.delete(task);
        if (window.isOpen()) begin += 1;
      }
      if (begin === 0 && inbox.length === 0 && begunAt.size > 0) {
        await new Promise((resolve) => {
          wake = () => resolve(undefined);
        });
      }
    }
    return window.result();
  },
});
