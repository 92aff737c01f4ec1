/**
 * Uncaught errors of the author's code: in a promise that is not awaited, a timer, an emitter, a stream.
 *
 * 1. It belongs to the execution whose handler has started that code, as `AsyncLocalStorage` tells: that one fails, and nothing else.
 * 2. An error outside all executions concerns the process: the listeners that the author has set for it get it as without us; where there are
 *    none, the nodes of this process are told, and end.
 *
 * 3. `process.exit` in such code is a failure of its execution, and reported before the process is gone.
 * 4. Nothing that the author's code removes from `process` ends this.
 *
 * The state is the process's: its events have no other owner.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Takes an error of an execution's code; false where the execution has ended. */
export type Blame = (thrown: unknown) => boolean;

export interface UncaughtListener {
  /** Of an execution that has ended already. */
  late(thrown: unknown): void;
  /** Of no execution. */
  unowned(thrown: unknown): void;
  /** Whatever is to be said leaves now: nothing happens after this. */
  exiting(): void;
}

/** As it was before any code of an author's. */
const soon = queueMicrotask;
const blames = new AsyncLocalStorage<Blame>();
const listeners = new Set<UncaughtListener>();

/** Runs a handler: uncaught errors of the code that it starts go to `blame`. */
export function runBlaming<T>(blame: Blame, run: () => T): T {
  return blames.run(blame, run);
}

/** Listens until the answer is called. */
export function listenForUncaught(listener: UncaughtListener): () => void {
  listeners.add(listener);
  listen();
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    process.off('removeListener', onRemoved);
    process.off('uncaughtException', onException);
    process.off('unhandledRejection', onRejection);
    process.off('exit', onExit);
  };
}

/** Does nothing where it listens already, or is no longer needed. */
function listen(): void {
  if (listeners.size === 0) return;
  const isMissing = (event: string, listener: unknown) =>
    !process.rawListeners(event).includes(listener as () => void);
  if (isMissing('uncaughtException', onException)) process.on('uncaughtException', onException);
  if (isMissing('unhandledRejection', onRejection)) process.on('unhandledRejection', onRejection);
  // Before those that write the last lines of a log.
  if (isMissing('exit', onExit)) process.prependListener('exit', onExit);
  if (isMissing('removeListener', onRemoved)) process.on('removeListener', onRemoved);
}

function onRemoved(_event: string | symbol, listener: unknown): void {
  // Not before all are removed that are to be removed now.
  if (OWN.has(listener)) soon(listen);
}

function onException(thrown: unknown): void {
  onUncaught(thrown, 'uncaughtException');
}

function onRejection(thrown: unknown): void {
  onUncaught(thrown, 'unhandledRejection');
}

const OWN = new Set<unknown>([onException, onRejection, onExit]);

function onExit(code: number): void {
  const blame = blames.getStore();
  if (!blame?.(new ProcessExit(code))) return;
  for (const each of [...listeners]) each.exiting();
}

/** An execution has ended the process. */
class ProcessExit extends Error {
  override readonly name = 'ProcessExit';
  readonly code = 'process_exit';

  constructor(code: number) {
    super(`code of the handler ended the node's process: process.exit(${code})`);
  }
}

function onUncaught(thrown: unknown, event: 'uncaughtException' | 'unhandledRejection'): void {
  const blame = blames.getStore();
  if (blame) {
    if (!blame(thrown)) for (const each of [...listeners].slice(0, 1)) each.late(thrown);
  } else if (process.listenerCount(event) === 1) {
    for (const each of [...listeners]) each.unowned(thrown);
  }
}
