/** The table of what a handler is asked to do, and how the execution has to end. Both languages are asked for what both can do. */

export type Language = 'python' | 'typescript';

export interface Case {
  readonly do: string;
  readonly languages: readonly Language[];
  /** How often, beside the others. */
  readonly weight: number;
  /** Further fields of the input. */
  readonly asked?: Readonly<Record<string, unknown>>;
  /** In the graph with one attempt and a timeout of two seconds. */
  readonly once?: true;
  /** Ends its process: only while others are killed as well. */
  readonly deadly?: true;
  /** The task is stopped by a command while the handler is at work. */
  readonly stop?: true;
  readonly ends: Ending;
}

export type Ending =
  /** `output`, where given, is among the fields of what it gave; with `retried` its first attempt fails. */
  | {
      readonly state: 'succeeded';
      readonly output?: Readonly<Record<string, unknown>>;
      readonly outputs?: number;
      readonly logged?: number;
      readonly retried?: true;
      /** It may as well fail with this code, as long as nothing else comes out. */
      readonly or?: string;
    }
  | { readonly state: 'failed'; readonly codes: readonly string[] }
  | { readonly state: 'cancelled' };

const BOTH: readonly Language[] = ['python', 'typescript'];
const PYTHON: readonly Language[] = ['python'];
const TYPESCRIPT: readonly Language[] = ['typescript'];

function gives(
  languages: readonly Language[],
  name: string,
  output: Readonly<Record<string, unknown>>,
  more: Partial<Case> = {},
): Case {
  return { do: name, languages, weight: 2, ends: { state: 'succeeded', output, outputs: 1 }, ...more };
}

function fails(languages: readonly Language[], name: string, ...codes: readonly string[]): Case {
  return { do: name, languages, weight: 1, ends: { state: 'failed', codes } };
}

const RAISED = 'handler_error';
const REFUSED = 'bad_output';
const squares = { squares: [0, 1, 4, 9] };

export const PLAIN: Case = gives(BOTH, 'plain', {}, { weight: 60 });

export const CASES: readonly Case[] = [
  PLAIN,
  gives(BOTH, 'sleep', { slept: true }, { weight: 10, asked: { seconds: 0.3 } }),

  gives(PYTHON, 'pool', squares, { weight: 4 }),
  gives(PYTHON, 'spawn', squares, { weight: 1 }),
  gives(PYTHON, 'executor', squares, { weight: 4 }),
  gives(PYTHON, 'fork', { said: 'hello' }, { weight: 4 }),
  gives(PYTHON, 'fork-logs', { said: 'logged' }),
  gives(PYTHON, 'fork-publishes', {}),
  gives(PYTHON, 'fork-returns', { from: 'the parent' }),
  gives(PYTHON, 'fork-raises', { from: 'the parent' }),
  gives(PYTHON, 'fork-exits', { from: 'the parent' }),
  gives(PYTHON, 'asyncio', { ran: true }),
  gives(PYTHON, 'warn', { warned: true }),
  gives(PYTHON, 'compute-c', {}, { weight: 1 }),
  gives(PYTHON, 'terminate', { exit: -15 }),
  // As in a program of its own: the child's KeyboardInterrupt ends it.
  gives(PYTHON, 'interrupt', { exit: 1 }),
  gives(TYPESCRIPT, 'terminate', { exit: 'SIGTERM' }),
  gives(TYPESCRIPT, 'interrupt', { exit: 'SIGINT' }),
  gives(TYPESCRIPT, 'worker', { code: 0, heard: ['hello'] }),
  gives(TYPESCRIPT, 'worker-exits', { code: 3 }),
  gives(TYPESCRIPT, 'worker-throws', { code: 1, heard: ['in the worker'] }),
  gives(BOTH, 'subprocess', { text: 'hello\n' }, { weight: 4 }),

  gives(BOTH, 'print', { printed: true }),
  {
    ...{ do: 'log', languages: BOTH, weight: 2, asked: { lines: 100 } },
    ends: { state: 'succeeded', output: { lines: 100 }, logged: 100 },
  },
  gives(BOTH, 'late', { said: 'in time' }),
  gives(BOTH, 'leak-memory', { kept: true }),
  gives(BOTH, 'leak-files', { kept: true }),
  gives(BOTH, 'leak-threads', { started: true }),
  gives(BOTH, 'compute', { computed: true }, { weight: 1, asked: { seconds: 0.7 } }),
  {
    do: 'partials',
    languages: BOTH,
    weight: 2,
    ends: { state: 'succeeded', output: { parts: 5 }, outputs: 6 },
  },

  fails(BOTH, 'raise-code', RAISED),
  fails(BOTH, 'raise-untold', RAISED),
  fails(BOTH, 'raise-group', RAISED),
  fails(BOTH, 'raise-recursion', RAISED),
  fails(BOTH, 'raise-final', 'for_good'),
  fails(PYTHON, 'raise-base', RAISED),
  fails(PYTHON, 'raise-exit', RAISED),
  fails(PYTHON, 'raise-interrupt', RAISED),
  fails(PYTHON, 'raise-generator-exit', RAISED),
  fails(PYTHON, 'raise-stop', RAISED),
  fails(PYTHON, 'raise-cancelled', RAISED),
  fails(PYTHON, 'raise-key', RAISED),
  fails(PYTHON, 'raise-chained', RAISED),
  fails(TYPESCRIPT, 'raise-null', RAISED),
  fails(TYPESCRIPT, 'raise-undefined', RAISED),
  fails(TYPESCRIPT, 'raise-text', RAISED),
  fails(TYPESCRIPT, 'raise-symbol', RAISED),
  fails(TYPESCRIPT, 'raise-bare', RAISED),
  fails(TYPESCRIPT, 'raise-cyclic', RAISED),
  fails(TYPESCRIPT, 'raise-abort', RAISED),
  {
    ...{ do: 'flaky', languages: BOTH, weight: 3 },
    ends: { state: 'succeeded', output: { came: 'through' }, retried: true },
  },

  gives(BOTH, 'give-nan', { loss: { $number: 'NaN' } }),
  gives(PYTHON, 'give-set', { seen: [1, 2] }),
  fails(TYPESCRIPT, 'give-set', REFUSED),
  fails(BOTH, 'give-deep', REFUSED),
  {
    ...{ do: 'give-surrogate', languages: BOTH, weight: 1 },
    ends: { state: 'succeeded', output: { text: '\ud800' }, outputs: 1, or: REFUSED },
  },
  fails(PYTHON, 'give-object', REFUSED),
  fails(TYPESCRIPT, 'give-bigint', REFUSED),
  fails(TYPESCRIPT, 'give-cyclic', REFUSED),
  fails(TYPESCRIPT, 'give-getter', REFUSED, RAISED),
  gives(PYTHON, 'give-odd', { text: 'text' }),
  gives(BOTH, 'give-huge', {}),

  {
    ...{ do: 'stubborn', languages: BOTH, weight: 1, asked: { seconds: 4 }, once: true },
    ends: { state: 'failed', codes: ['timeout'] },
  },
  {
    ...{ do: 'sleep', languages: BOTH, weight: 2, asked: { seconds: 30 }, stop: true },
    ends: { state: 'cancelled' },
  },
  {
    ...{ do: 'stubborn', languages: BOTH, weight: 1, asked: { seconds: 4 }, stop: true },
    ends: { state: 'cancelled' },
  },

  gives(BOTH, 'kill-self', { died: 'once' }, { deadly: true }),
  gives(PYTHON, 'exit-self', { died: 'once' }, { deadly: true, weight: 1 }),
  gives(BOTH, 'abort-self', { died: 'once' }, { deadly: true, weight: 1 }),
  // The SDK makes a failure of the execution of either.
  ...['exit-self', 'throw-beside'].map(
    (name): Case => ({
      ...{ do: name, languages: TYPESCRIPT, weight: 1 },
      ends: { state: 'succeeded', output: { died: 'once' }, retried: true },
    }),
  ),
];
