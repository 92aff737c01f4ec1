/** Readers in this process, of a store that other processes cannot open: the messages are the same, as JSON too. */
import type { StartReader } from './lane.js';
import type { FromReader, ToReader } from './messages.js';
import { QuestionReader, type ReaderDeps } from './reader.js';

export function inProcessReaders(deps: Omit<ReaderDeps, 'send'>): StartReader {
  return (_lane, { onMessage, onEnd }) => {
    let isOver = false;
    const later = (work: () => void): void =>
      queueMicrotask(() => {
        if (!isOver) work();
      });
    const reader = new QuestionReader({
      ...deps,
      send: (message, body) => later(() => onMessage(copyOf<FromReader>(message), body ?? new Uint8Array())),
    });
    later(() => onMessage({ kind: 'ready' }, new Uint8Array()));
    return {
      send: (message) => later(() => reader.take(copyOf<ToReader>(message))),
      kill() {
        if (isOver) return;
        isOver = true;
        reader.stop();
        queueMicrotask(() => onEnd('it was ended'));
      },
    };
  };
}

function copyOf<T>(message: T): T {
  return JSON.parse(JSON.stringify(message)) as T;
}
