/** Keeps so many flows of three stages in flight, and counts one done when Redis tells of its last stage's end. */
import { FlowProducer, QueueEvents } from 'bullmq';
import { answer } from '../support/processes.mjs';
import { Window } from '../support/window.mjs';

const connection = { host: '127.0.0.1', port: Number(process.argv[2]), maxRetriesPerRequest: null };
const flows = new FlowProducer({ connection });
const events = new QueueEvents('stage-2', { connection });
await Promise.all([flows.waitUntilReady(), events.waitUntilReady()]);

/** @type {Map<string, (() => void) | 'ended'>} */
const waiting = new Map();
events.on('completed', ({ jobId }) => {
  const task = waiting.get(jobId);
  waiting.delete(jobId);
  if (typeof task === 'function') task();
  else waiting.set(jobId, 'ended');
});

/** A parent runs once its child has: the last stage is the outermost. */
async function submit() {
  const data = 'x'.repeat(200);
  const first = { name: 'first', queueName: 'stage-0', data };
  const second = { name: 'second', queueName: 'stage-1', data: '', children: [first] };
  const { job } = await flows.add({ name: 'third', queueName: 'stage-2', data: '', children: [second] });
  return String(job.id);
}

/** @param {string} id @returns {Promise<void>} */
function end(id) {
  if (waiting.get(id) === 'ended') {
    waiting.delete(id);
    return Promise.resolve();
  }
  return new Promise((resolve) => waiting.set(id, resolve));
}

answer({
  /** @param {{ inFlight: number, warmUpMs: number, forMs: number }} options */
  async load(options) {
    const window = new Window(options);
    const work = async () => {
      while (window.isOpen()) {
        const start = performance.now();
        const id = await submit();
        const submitted = performance.now();
        await end(id);
        window.count(start, submitted);
      }
    };
    await Promise.all(Array.from({ length: options.inFlight }, work));
    return window.result();
  },
});
console.log('ready');
