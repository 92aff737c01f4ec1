/** Campaigns made ready: every field looked at, every name looked up, every value tried in its place; all faults at once, each with its path. */

import { parseDuration } from '../../base/duration.js';
import { type Fault, summaryOf } from '../../base/errors.js';
import { printJson } from '../../base/json/json-text.js';
import { pointer } from '../../base/json/pointer.js';
import { projectFor } from '../../model/access.js';
import type { CampaignSpec, Objective, Schedule } from '../../model/campaign.js';
import { MAX_INPUT_BYTES, MAX_ITERATIONS, MAX_PARALLEL } from '../../model/campaign-limits.js';
import { BadPointer, pointAt, pointsIn, withPoint } from '../../model/campaign-points.js';
import { isPrivateGraph } from '../../model/private-graph.js';
import { MAX_TITLE_CHARACTERS } from '../../model/problem.js';
import { scheduleFault } from '../../scheduling/cron.js';
import type { LoadedGraph } from '../core/state.js';
import type { PreparedRequest } from '../core/turn.js';
import type { AskedPolicy, AskedSchedule, Refusal, Request } from '../port.js';
import { refusal } from '../refusal.js';
import { type AddFault, expressionFaults, fieldFault } from './expressions.js';
import { type PreparedProposer, type ProposalDeps, proposalsOf } from './proposals.js';

export interface PrepareCampaignDeps extends ProposalDeps {
  readonly bound: string;
  readonly wallMs: () => number;
}

type Asked = Extract<Request, { kind: 'run_campaign' }>;

const INITIALIZING_MS = 5 * 60_000;
const DAY_MS = 24 * 3_600_000;

export function prepareCampaign(
  deps: PrepareCampaignDeps,
  { name, graph: graphName, input, policy, schedule, client }: Asked,
): Extract<PreparedRequest, { kind: 'run_campaign' }> | Refusal {
  const faults: Fault[] = [];
  const add: AddFault = (path, code, message) => {
    faults.push({ path, code, message });
  };
  if (name.trim() === '' || name.length > MAX_TITLE_CHARACTERS)
    add('/name', 'bad_name', `give 1 to ${MAX_TITLE_CHARACTERS} characters`);
  const text = printJson(input);
  if (Buffer.byteLength(text) > MAX_INPUT_BYTES)
    add('/input', 'too_large', `an input has at most ${MAX_INPUT_BYTES} bytes`);
  const graph = isPrivateGraph(graphName) ? undefined : deps.state.graph(graphName);
  if (!graph) {
    const known = [...deps.state.graphs.keys()].filter((one) => !isPrivateGraph(one));
    add('/graph', 'unknown_graph', known.length === 0 ? 'there is none' : `one of ${known.join(', ')}`);
    return badCampaign(faults);
  }
  const made = proposalsOf(deps, policy.propose, add);
  const propose = made?.propose;
  const points = propose ? pointsIn(propose) : Number.POSITIVE_INFINITY;
  const spec: CampaignSpec | undefined = propose && {
    ...{
      graph: graphName,
      graphVersion: graph.compiled.key.version,
      input: text,
      mode: policy.mode,
      propose,
    },
    ...(policy.until !== undefined && { until: policy.until }),
    ...limitsOf(policy, points, add),
    ...timesOf(policy, deps.wallMs(), add),
    ...objectiveOf(policy, graph, add),
    ...scheduleOf(schedule, policy, deps.wallMs(), add),
    stopOnFailure: policy.stop_on_failure ?? false,
    ...(client !== undefined && { client }),
  };
  if (policy.until !== undefined) expressionFaults(policy.until, graph, add);
  if (spec && faults.length === 0) inputFaults(spec, graph, input, add);
  if (!spec || faults.length > 0) return badCampaign(faults);
  const project = projectFor(deps.bound);
  const proposer: PreparedProposer | undefined = made?.proposer;
  return { kind: 'run_campaign', name, project, spec, ...(proposer && { proposer }) };
}

function limitsOf(
  { max_iterations, max_parallel = 1 }: AskedPolicy,
  points: number,
  add: AddFault,
): Pick<CampaignSpec, 'maxIterations' | 'maxParallel'> {
  const path = '/policy/max_iterations';
  if (max_iterations === undefined && !Number.isFinite(points))
    add(path, 'needed', 'is needed: without it, the campaign may have no end');
  const maxIterations = Math.min(max_iterations ?? points, points);
  if (max_iterations !== undefined && !isWhole(max_iterations, MAX_ITERATIONS))
    add(path, 'out_of_range', `a whole number from 1 to ${MAX_ITERATIONS}`);
  if (!isWhole(max_parallel, MAX_PARALLEL))
    add('/policy/max_parallel', 'out_of_range', `a whole number from 1 to ${MAX_PARALLEL}`);
  return { maxIterations, maxParallel: max_parallel };
}

function isWhole(value: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= most;
}

function timesOf(
  { deadline, initializing_deadline }: AskedPolicy,
  wallMs: number,
  add: AddFault,
): Pick<CampaignSpec, 'initializingMs' | 'deadlineAt'> {
  const initializing = initializing_deadline === undefined ? undefined : durationOf(initializing_deadline);
  if (typeof initializing === 'string') add('/policy/initializing_deadline', 'bad_duration', initializing);
  const deadlineAt = deadline === undefined ? undefined : momentOf(deadline, wallMs);
  if (typeof deadlineAt === 'string') add('/policy/deadline', 'bad_deadline', deadlineAt);
  return {
    initializingMs: typeof initializing === 'number' ? initializing : INITIALIZING_MS,
    ...(typeof deadlineAt === 'number' && { deadlineAt }),
  };
}

function scheduleOf(
  asked: AskedSchedule | undefined,
  { mode }: AskedPolicy,
  wallMs: number,
  add: AddFault,
): Pick<CampaignSpec, 'schedule'> {
  if (!asked) return {};
  const schedule: Schedule = { cron: asked.cron.trim(), timeZone: asked.time_zone ?? 'UTC' };
  if (mode === 'interactive')
    add(
      '/schedule',
      'not_automated',
      'iterations of an interactive campaign begin when a person asks for them',
    );
  const fault = scheduleFault(schedule, wallMs);
  if (fault) add(`/schedule/${fault.field}`, fault.code, fault.message);
  return { schedule };
}

/** Milliseconds, or the fault. */
function durationOf(text: string): number | string {
  const days = /^(\d{1,4}(?:\.\d+)?)\s?d$/.exec(text);
  if (days) return Number(days[1]) * DAY_MS;
  const parsed = parseDuration(text, 1);
  return parsed.ok ? parsed.ms : parsed.message;
}

/** A duration from now on, or a time; Unix milliseconds, or the fault. */
function momentOf(text: string, wallMs: number): number | string {
  if (!/^\d{4}-\d\d-\d\dT/.test(text)) {
    const ms = durationOf(text);
    return typeof ms === 'number' ? wallMs + ms : ms;
  }
  const at = Date.parse(text);
  if (Number.isNaN(at) || !/(?:Z|[+-]\d\d:\d\d)$/.test(text))
    return `${JSON.stringify(text)} is not a time: write one like 2026-01-31T12:00:00Z`;
  return at > wallMs ? at : `${text} has passed`;
}

function objectiveOf(
  { objective }: AskedPolicy,
  graph: LoadedGraph,
  add: AddFault,
): { readonly objective?: Objective } {
  if (!objective) return {};
  const { field, goal, min_improvement: minImprovement } = objective;
  const fault = fieldFault(field, graph);
  if (fault) add('/policy/objective/field', fault.code, fault.message);
  if (minImprovement !== undefined && !(minImprovement > 0 && minImprovement < 1))
    add('/policy/objective/min_improvement', 'out_of_range', 'a share of the best so far: above 0, below 1');
  return { objective: { field, goal, ...(minImprovement !== undefined && { minImprovement }) } };
}

/** The first point, and then each other value in its place. */
function inputFaults(spec: CampaignSpec, graph: LoadedGraph, input: unknown, add: AddFault): void {
  const { propose } = spec;
  if (propose.kind === 'module') return;
  const { type } = graph.compiled.graph.source;
  const tryWith = (point: ReadonlyMap<string, unknown>): readonly Fault[] => {
    try {
      const encoded = graph.types.encode(type, withPoint(input, point));
      return encoded.ok ? [] : encoded.faults;
    } catch (thrown) {
      if (!(thrown instanceof BadPointer)) throw thrown;
      return [{ path: '', code: 'bad_pointer', message: thrown.message }];
    }
  };
  const first = pointAt(propose, 1) ?? new Map<string, unknown>();
  const wrong = tryWith(first);
  for (const { path, code, message } of wrong) add(`/input${path}`, code, message);
  if (wrong.length > 0 || propose.kind === 'repeat') return;
  for (const axis of propose.axes)
    for (const [value, where] of valuesOf(axis)) {
      const [fault] = tryWith(new Map([...first, [axis.at, value]]));
      if (fault) add(pointer('policy', 'propose', propose.kind, axis.at, where), fault.code, fault.message);
    }
}

type Axis = Extract<CampaignSpec['propose'], { axes: unknown }>['axes'][number];

function valuesOf(axis: Axis): [unknown, string | number][] {
  if (!('values' in axis)) {
    return [
      [axis.min, 'min'],
      [axis.max, 'max'],
    ];
  }
  return axis.values.map((text, index) => [JSON.parse(text) as unknown, index]);
}

function badCampaign(faults: readonly Fault[]): Refusal {
  const message = `the campaign has faults: ${summaryOf(faults)}`;
  const code = faults.length === 1 ? faults[0]!.code : 'bad_campaign';
  return refusal('invalid', CODES.has(code) ? code : 'bad_campaign', message, { details: faults });
}

/** Faults that are codes of their own where nothing else is wrong. */
const CODES: ReadonlySet<string> = new Set(['unknown_graph', 'unknown_module', 'grid_too_large']);
