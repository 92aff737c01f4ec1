/**
 * SIGTERM and SIGINT, also while the main thread computes: there, Node.js calls no listener until it is free again.
 *
 * 1. The first signal is told to every listener, and again by the watching thread where the author's code has removed all listeners.
 * 2. The second ends the process at once; so does the first, where nothing has ended it within its grace.
 *
 * A thread of its own (`signal-watch-thread.ts`) sees the signals. Where it cannot be had, they are seen as soon as the main thread is free.
 */
import { isMainThread, Worker } from 'node:worker_threads';

export const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
export type TerminatingSignal = (typeof SIGNALS)[number];

/** From the first signal on. */
export interface Grace {
  /** How long a main thread that does not answer is left alone. */
  readonly graceMs: number;
  /** How long the process may take in all. */
  readonly totalMs: number;
}

type Listener = (signal: string) => void;

const listeners = new Map<Listener, Grace>();
let thread: Worker | undefined;
let watching: Promise<void> = Promise.resolve();
let hasSeen = false;

/**
 * Settles when the thread sees signals, or cannot be had. Before that, a handler that removes all listeners would take a signal away
 * from the main thread while nothing else looks for it.
 */
export function signalsWatched(): Promise<void> {
  return watching;
}

/** Calls back once, at the first signal; the answer takes it back. */
export function listenForSignals(listener: Listener, grace: Grace): () => void {
  if (listeners.size === 0) begin();
  listeners.set(listener, grace);
  thread?.postMessage(longest());
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0 || hasSeen) return;
    for (const signal of SIGNALS) process.off(signal, onSignal);
    void thread?.terminate();
    thread = undefined;
  };
}

function begin(): void {
  for (const signal of SIGNALS) process.on(signal, onSignal);
  if (!isMainThread || thread) return;
  try {
    const worker = new Worker(new URL('./signal-watch-thread.js', import.meta.url), {
      // Nothing of what the author has loaded into the main thread (loaders, hooks) belongs there.
      ...{ execArgv: [], env: {}, stdin: false },
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    });
    thread = worker;
    watching = new Promise((resolve) => {
      worker.on('message', (message: TerminatingSignal | 'watching') => {
        if (message !== 'watching') {
          onSignal(message);
          return;
        }
        worker.unref();
        resolve();
      });
      worker.on('error', () => {
        thread = undefined;
      });
      worker.once('exit', () => resolve());
    });
  } catch {
    // No threads here, as under the permission model: the listeners above remain.
    thread = undefined;
  }
}

function longest(): Grace {
  const all = [...listeners.values()];
  return {
    graceMs: Math.max(...all.map(({ graceMs }) => graceMs)),
    totalMs: Math.max(...all.map(({ totalMs }) => totalMs)),
  };
}

function onSignal(signal: string): void {
  if (hasSeen) return;
  hasSeen = true;
  // From here on the thread decides; without it, the second signal does what it does by default.
  for (const each of SIGNALS) process.off(each, onSignal);
  thread?.postMessage('heard');
  for (const listener of [...listeners.keys()]) listener(signal);
}
