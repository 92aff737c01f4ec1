/** How a command ends: its exit code, and what the person reads when it is not 0. */
import { CommanderError } from 'commander';
import { type Fault, messageOf, TuttiError, type TuttiErrorOptions } from '../base/errors.js';
import { ClientError } from '../client/errors.js';
import { InputError } from '../node-kit/input-error.js';
import { type Io, writeJson, writeMessage } from './io.js';

export const EXIT = { done: 0, failed: 1, badInput: 2, unreachable: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface CliErrorOptions extends TuttiErrorOptions {
  /** The JSON document is already on stdout. @default false */
  readonly answered?: boolean;
}

/** An error of a command, with the exit code that it leads to. */
export class CliError extends TuttiError {
  override readonly name: string = 'CliError';
  readonly exit: ExitCode;
  readonly answered: boolean;

  constructor(exit: ExitCode, code: string, message: string, options: CliErrorOptions = {}) {
    super(code, message, options);
    this.exit = exit;
    this.answered = options.answered ?? false;
  }
}

/** A single fault, or the first of several, may be all that the message is. */
function saysAlready(said: string, { path, message }: Fault): boolean {
  return said.includes(message) && said.includes(path);
}

/** `line 5, column 3: modules.fit.timeot: …` */
function faultLine({ path, code, message, line, column }: Fault): string {
  const place = line === undefined ? '' : `line ${line}, column ${column}: `;
  return `${place}${path === '' ? '' : `${path}: `}${message} (${code})`;
}

/** Says what went wrong, on stderr, and with `json` as a document on stdout as well; gives the exit code. */
export function report(thrown: unknown, json: boolean, io: Io): ExitCode {
  // Commander has already said it: help and version are not errors, everything else is bad usage.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.badInput;
  const error = thrown instanceof TuttiError ? thrown : new TuttiError('internal', messageOf(thrown));
  writeMessage(io.stderr, `error: ${error.message} (${error.code})`);
  for (const fault of error.details)
    if (!saysAlready(error.message, fault)) writeMessage(io.stderr, `  ${faultLine(fault)}`);
  if (error.hint !== undefined) writeMessage(io.stderr, `hint: ${error.hint}`);
  const answered = error instanceof CliError && error.answered;
  if (json && !answered) {
    const { code, message, hint, details } = error;
    const document = {
      error: { code, message, ...(hint && { hint }), ...(details.length > 0 && { details }) },
    };
    writeJson(io.stdout, document);
  }
  return exitOf(error);
}

function exitOf(error: TuttiError): ExitCode {
  if (error instanceof CliError) return error.exit;
  if (error instanceof InputError) return EXIT.badInput;
  if (!(error instanceof ClientError)) return EXIT.failed;
  if (error.code === 'unreachable') return EXIT.unreachable;
  const { code, status = 0 } = error;
  // 409 and 429 are about the state of things, other 4xx about what was asked.
  const isBadInput = status >= 400 && status < 500 && status !== 409 && status !== 429;
  return isBadInput || code === 'bad_url' ? EXIT.badInput : EXIT.failed;
}
