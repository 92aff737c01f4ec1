/**
 * The thread behind `signal-watch.ts`. It sees each signal that the process gets, whatever the main thread does, and ends the process by
 * SIGKILL: nothing less is certain while the main thread computes.
 */
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { Grace, TerminatingSignal } from './signal-watch.js';

/** Node's own handle of a signal, on the loop of the thread that makes it. `process.on` works in the main thread only. */
interface SignalHandle {
  onsignal: () => void;
  start(signum: number): number;
  unref(): void;
}

const STDERR = 2;
/** The time in which a free main thread answers, on a busy machine. */
const ANSWER_MS = 1_000;
/** The time that the end takes beside all grace: the last frames, and the author's own listeners of `exit`. */
const END_MS = 3_000;

const port = parentPort!;
let grace: Grace = { graceMs: 0, totalMs: 0 };
let seen = 0;
let heard = false;

let isEnding = false;

port.on('message', (message: Grace | 'heard') => {
  if (message !== 'heard') {
    grace = message;
    return;
  }
  heard = true;
  // This thread may have begun after the signal that the main thread has seen.
  endInTime('a signal');
});

function endInTime(signal: string): void {
  if (isEnding) return;
  isEnding = true;
  setTimeout(() => kill(`${signal}, and the node has not ended in time`), grace.totalMs + END_MS);
}

function kill(why: string): void {
  try {
    writeSync(STDERR, `tutti-node: ${why}; the process is killed\n`);
  } catch {
    // Nobody reads it.
  }
  process.kill(process.pid, 'SIGKILL');
}

function onSignal(signal: TerminatingSignal): void {
  seen += 1;
  if (seen > 1) {
    kill(`a second signal (${signal})`);
    return;
  }
  port.postMessage(signal);
  setTimeout(() => {
    if (!heard) kill(`${signal}, and the main thread does not answer`);
  }, grace.graceMs + ANSWER_MS);
  endInTime(signal);
}

// The binding is deprecated in the documentation, and there in every version from 20 on.
process.noDeprecation = true;
const { binding } = process as unknown as {
  binding(name: string): { readonly Signal: new () => SignalHandle };
};
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  const handle = new (binding.call(process, 'signal_wrap').Signal)();
  handle.onsignal = () => onSignal(signal);
  handle.start(constants.signals[signal]);
}
port.postMessage('watching');
