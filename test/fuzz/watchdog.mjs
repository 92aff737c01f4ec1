/**
 * Watches the thread that tries inputs from another one, so that an input which never ends or which takes all memory is found as well: it
 * writes the input down, and ends the process.
 */
import { writeFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const { state, input, deadlineMs, growthMib, file } = workerData;
const LOOK_MS = 20;
/** What `state` holds: the number of the input, its length; the input before is done when both numbers agree. */
const [STARTED, DONE, LENGTH] = [0, 1, 2];

const residentMib = () => process.memoryUsage.rss() / 2 ** 20;
let watched = 0;
let since = performance.now();
let before = residentMib();

setInterval(() => {
  const started = Atomics.load(state, STARTED);
  if (started === Atomics.load(state, DONE) || started !== watched) {
    watched = started;
    since = performance.now();
    before = residentMib();
    return;
  }
  const ms = Math.round(performance.now() - since);
  const grownMib = Math.round(residentMib() - before);
  if (ms <= deadlineMs && grownMib <= growthMib) return;
  const what = ms > deadlineMs ? `an input takes more than ${ms} ms` : `an input takes ${grownMib} MiB`;
  const bytes = Buffer.from(input.slice(0, Atomics.load(state, LENGTH)));
  writeFileSync(file, JSON.stringify({ what, input: bytes.toString('base64') }));
  process.kill(process.pid, 'SIGKILL');
}, LOOK_MS);
