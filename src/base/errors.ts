/** One fault in some input, at its place. */
export interface Fault {
  /** Where in the input: `modules.ml_model.retry.attempts`, `/input/minimum_samples`; empty for the whole. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
  /** Of a text that was read from a file, both from 1. @default not known */
  readonly line?: number;
  readonly column?: number;
}

const PATH_CHARACTERS = 500;
const MESSAGE_CHARACTERS = 1000;

/** The same fault with long quotations cut: an answer with many faults stays readable, whatever the input held. */
export function brief({ path, code, message }: Fault): Fault {
  return { path: cutAt(path, PATH_CHARACTERS), code, message: cutAt(message, MESSAGE_CHARACTERS) };
}

function cutAt(text: string, length: number): string {
  // Half of a surrogate pair would be left of a character that is cut in two.
  return text.length > length ? `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

export interface TuttiErrorOptions {
  /** A remedy for the person. */
  readonly hint?: string;
  /** All faults of the input at once. */
  readonly details?: readonly Fault[];
  readonly cause?: unknown;
}

/**
 * Every error that leaves Tutti: a stable `code` (snake_case; all of them are listed in `docs/errors.md`), a message that names the
 * offending field and value, and a hint where there is something to do.
 */
export class TuttiError extends Error {
  override readonly name: string = 'TuttiError';
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: readonly Fault[];

  constructor(code: string, message: string, options: TuttiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? [];
  }
}

/** Several faults as one sentence: the first, at its place, and how many more there are. */
export function summaryOf(faults: readonly Fault[]): string {
  const [first] = faults;
  if (!first) return 'no fault';
  const at = first.path === '' ? '' : `${first.path}: `;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return `${at}${first.message}${more}`;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
