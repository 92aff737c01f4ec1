/** Whether a task and each of its executions ended as the table says. */
import type { Case } from './cases.js';
import type { Death } from './system.js';

export interface Asked {
  readonly slot: string;
  readonly wanted: Case;
  readonly input: Readonly<Record<string, unknown>>;
  readonly task: string;
}

export interface Execution {
  readonly execution_id: string;
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly outputs?: number;
  readonly assigned_at: string;
  readonly finished_at: string | null;
}

export interface Told {
  readonly state: string;
  readonly executions: readonly Execution[];
  readonly output: unknown;
  readonly log: readonly string[];
}

export interface Judgement {
  readonly faults: readonly string[];
  readonly excused: number;
}

/** A process that dies takes these ends with it; a handler whose child is killed may fail in any way. */
const OF_A_DEATH = ['node_lost', 'process_ended', 'network_process_ended', 'node_stopping', 'node_stopped'];
/** Clocks of the machine's processes are one; what is written down a little later still counts. */
const MARGIN_MS = 2_000;
const DROPPED = /dropped|missing/;

export function judge(
  asked: Asked,
  told: Told,
  died: (from: number, to: number) => Death | undefined,
): Judgement {
  const { wanted } = asked;
  const isExcused = ({ state, error, assigned_at, finished_at }: Execution): boolean => {
    const to = finished_at === null ? Date.now() : Date.parse(finished_at);
    const death = died(Date.parse(assigned_at) - MARGIN_MS, to + MARGIN_MS);
    if (death === undefined) return false;
    if (death.what === 'child killed' || state === 'lost' || state === 'preempted') return true;
    return OF_A_DEATH.includes(error?.code ?? '');
  };
  const unlike = told.executions.filter((execution) => !isAsWanted(wanted, execution));
  const excused = unlike.filter(isExcused).length;
  // The first failure of those that are to be tried again is what the table says.
  const allowed = excused + (wanted.ends.state === 'succeeded' && wanted.ends.retried ? 1 : 0);
  const faults: string[] = [];
  const note = (what: string) =>
    faults.push(`${asked.slot} ${wanted.do} ${asked.task}: ${what}: ${JSON.stringify(told).slice(0, 600)}`);
  if (unlike.length > allowed) note('an execution ended otherwise');
  const isLastExcused = told.executions.length > 0 && isExcused(told.executions.at(-1)!);
  const isRefused =
    told.state === 'failed' && wanted.ends.state === 'succeeded' && wanted.ends.or !== undefined;
  if (told.state !== wanted.ends.state && !isLastExcused && !isRefused)
    note(`the task ended as ${told.state}`);
  if (told.state === 'succeeded' && wanted.ends.state === 'succeeded') {
    const expected = wanted.do === 'plain' ? { n: Number(asked.input.n) + 1 } : wanted.ends.output;
    if (expected !== undefined && !includes(told.output, expected)) note('another output');
    const { outputs, logged } = wanted.ends;
    const last = told.executions.at(-1);
    if (outputs !== undefined && last?.outputs !== undefined && last.outputs !== outputs)
      note(`${last.outputs} outputs`);
    if (logged !== undefined && told.log.length < logged && !told.log.some((line) => DROPPED.test(line)))
      note(`${told.log.length} lines in its log`);
  }
  return { faults, excused };
}

function isAsWanted({ ends }: Case, { state, error }: Execution): boolean {
  switch (ends.state) {
    case 'succeeded':
      return state === 'succeeded' || (ends.or !== undefined && error?.code === ends.or);
    case 'failed':
      return state === 'failed' && ends.codes.includes(error?.code ?? '');
    case 'cancelled':
      return state === 'cancelled' || state === 'lost';
    default:
      return ends satisfies never;
  }
}

function includes(output: unknown, expected: Readonly<Record<string, unknown>>): boolean {
  if (typeof output !== 'object' || output === null) return false;
  const given = output as Record<string, unknown>;
  return Object.entries(expected).every(
    ([name, value]) => JSON.stringify(given[name]) === JSON.stringify(value),
  );
}
