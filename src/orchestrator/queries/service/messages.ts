/** The messages between the coordinating process and a reader. A body of bytes follows some messages. */
import type { BlobRef } from '../../../model/payload.js';
import type { Refusal, StoredOutput } from '../../port.js';
import type { JsonQuestion } from '../questions.js';

export interface Question {
  readonly name: JsonQuestion | 'output' | 'executionOutput' | 'events' | 'exportOf';
  /** Plain values, as JSON has them. */
  readonly args: readonly unknown[];
  /** The project that the asker is bound to; `ALL_PROJECTS`: none. */
  readonly bound: string;
}

export type ToReader =
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  /** The next piece of an export. */
  | { readonly kind: 'more'; readonly id: number }
  /** Nobody wants the answer any longer, or the rest of it. */
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'ping' };

export type Reply =
  /** The body is the JSON. */
  | { readonly kind: 'json'; readonly id: number; readonly cursor: number }
  /** The body is `jsonBytes` of JSON, then the payload's own bytes where it has no blob. */
  | {
      readonly kind: 'output';
      readonly id: number;
      readonly cursor: number;
      readonly jsonBytes: number;
      readonly type: string;
      readonly name?: string;
      readonly blob?: BlobRef;
      readonly reusedFrom?: NonNullable<StoredOutput['reusedFrom']>;
    }
  /** The body is one event a line; their numbers follow each other. */
  | {
      readonly kind: 'events';
      readonly id: number;
      readonly first: number;
      readonly problems: readonly string[];
      /** Of the problems. */
      readonly projects: readonly string[];
    }
  /** The export begins: its pieces come when they are asked for. */
  | { readonly kind: 'export'; readonly id: number; readonly cursor: number }
  /** The body is a piece of text. */
  | { readonly kind: 'piece'; readonly id: number }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'refused'; readonly id: number; readonly refusal: Refusal }
  /** It could not be answered: the disk, or a fault of ours. */
  | { readonly kind: 'failed'; readonly id: number; readonly code?: string; readonly message: string };

export type FromReader =
  | Reply
  /** It has opened the store and takes questions. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'pong'; readonly residentBytes: number };

export type Send<Message> = (message: Message, body?: Uint8Array) => void;
