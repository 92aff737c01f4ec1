/**
 * A check in a process of its own: a damaged store can make LMDB end the process that reads it, which is then reported as a fault.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Fault, TuttiError } from '../../base/errors.js';
import type { StoreVerdict } from '../../orchestrator/check/check.js';

/** The single message of the process. */
export type CheckAnswer =
  | { readonly kind: 'verdict'; readonly verdict: StoreVerdict }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
      readonly details: readonly Fault[];
    };

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
/** The end of its stderr, which says why it ended. */
const TAIL_CHARACTERS = 500;

/** Errors about the store itself are faults of it; others are thrown. */
const FAULTS = ['store_damaged', 'store_unusable', 'store_missing'];

export interface CheckedPlace {
  /** The data directory. */
  readonly data: string;
  /** The URL of the database that has the store. @default the data directory has it */
  readonly store?: string;
  /** @default `blobs` in the data directory */
  readonly blobDir?: string;
}

export async function checkApart(place: CheckedPlace, hashBlobs: boolean): Promise<StoreVerdict> {
  const child = fork(
    CHILD,
    [JSON.stringify({ ...place, store: place.store !== undefined }), String(hashBlobs)],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Not among the arguments, which others see.
      env: { ...process.env, ...(place.store !== undefined && { TUTTI_STORE: place.store }) },
    },
  );
  let answer: CheckAnswer | undefined;
  let said = '';
  child.on('message', (message) => {
    answer = message as CheckAnswer;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-TAIL_CHARACTERS);
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...end) => resolve(end));
  });
  if (answer === undefined) {
    const why = said.trim() === '' ? '' : `: ${said.trim().split('\n').at(-1)}`;
    return oneFault(
      `cannot be read: it ended the process that read it (${signal ?? `exit code ${code}`})${why}`,
    );
  }
  if (answer.kind === 'verdict') return answer.verdict;
  const { message, hint, details } = answer;
  if (FAULTS.includes(answer.code)) return oneFault(message);
  throw new TuttiError(answer.code, message, { details, ...(hint !== undefined && { hint }) });
}

function oneFault(what: string): StoreVerdict {
  return { faults: [{ where: 'store', what }], more: false, counts: {} };
}
