/**
 * The log parsers of job types: `job_types` of the configuration file. A pattern is matched against each line of a job's output by RE2,
 * whose time grows with the length of the line only: no pattern and no output can hold the orchestrator up.
 */
import { RE2JS } from 're2js';
import { z } from 'zod';
import { strict } from '../strict.js';

export type JobType =
  | { readonly kind: 'pattern'; readonly pattern: RE2JS; readonly all: boolean }
  | { readonly kind: 'last line' };

/** By the names of the types. */
export type JobTypes = ReadonlyMap<string, JobType>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
export const JobTypeName: z.ZodString = z.string().regex(NAME, {
  error: 'give a name of letters, digits, _, . and -, at most 64 long',
});

const PATTERN = 'give a regular expression in the syntax of RE2, with named groups like (?P<loss>[0-9.]+)';
const RULE = 'give { pattern: <regular expression>, all: true } or { json: last-line }';
/** The maximum number of matches for `all`; further ones are not searched. */
const MATCHES = 10_000;

export const JobTypeSchema: z.ZodType<JobType> = strict(
  {
    pattern: z.string({ error: PATTERN }).max(10_000, { error: PATTERN }).optional(),
    all: z.boolean({ error: 'give true or false' }).optional(),
    json: z.literal('last-line', { error: 'give last-line' }).optional(),
  },
  RULE,
).transform(({ pattern, all = false, json }, context): JobType => {
  const fault = (message: string, path: string[]): never => {
    context.addIssue({ code: 'custom', message, path });
    return z.NEVER;
  };
  if ((pattern === undefined) === (json === undefined)) return fault(RULE, []);
  if (pattern === undefined) return all ? fault('goes with a pattern only', ['all']) : { kind: 'last line' };
  try {
    const compiled = RE2JS.compile(pattern);
    if (Object.keys(compiled.namedGroups()).length > 0) return { kind: 'pattern', pattern: compiled, all };
    return fault(`${JSON.stringify(pattern)} has no named group: ${PATTERN}`, ['pattern']);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return fault(`${JSON.stringify(pattern)} is not right (${why}): ${PATTERN}`, ['pattern']);
  }
});

/** Reads the lines of one job. */
export class LogParser {
  readonly #type: JobType;
  readonly #found: Record<string, string | null>[] = [];
  #lastLine = '';

  constructor(type: JobType) {
    this.#type = type;
  }

  take(stream: string, line: string): void {
    if (this.#type.kind === 'pattern') this.#match(this.#type.pattern, this.#type.all, line);
    else if (stream === 'stdout' && line.trim() !== '') this.#lastLine = line;
  }

  /** The groups of the first match, with `all` of every match; the last line's value; null where there is none. */
  result(): unknown {
    if (this.#type.kind === 'pattern') return this.#type.all ? this.#found : (this.#found[0] ?? null);
    try {
      return JSON.parse(this.#lastLine) as unknown;
    } catch {
      return null;
    }
  }

  #match(pattern: RE2JS, all: boolean, line: string): void {
    const most = all ? MATCHES : 1;
    if (this.#found.length >= most) return;
    const matcher = pattern.matcher(line);
    while (this.#found.length < most && matcher.find()) {
      const names = Object.keys(pattern.namedGroups());
      this.#found.push(Object.fromEntries(names.map((name) => [name, matcher.group(name)])));
    }
  }
}
