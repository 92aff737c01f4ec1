/**
 * Service steps of deployments: a service is applied or removed, and its step succeeds once that is so.
 *
 * V1. A service of a deployment is that deployment's: one that is called so and is not its own fails the step.
 * V2. A command that is not a node is up once it has lasted a little: one that ends at once is never taken for one that runs.
 */
import { readPlan } from '../../../model/deployment.js';
import { resolveService } from '../../../model/deployment-service.js';
import type { ReportedError } from '../../../model/protocol.js';
import { type ServeSpec, serviceWait } from '../../../model/serve.js';
import { isUp, type Replica, type Service } from '../../../model/service.js';
import { awaitedService, phaseOf, type Task } from '../../../model/task.js';
import type { ServiceStanding } from '../../../scheduling/fleet.js';
import { aboutModule } from '../about.js';
import { emit } from '../emit.js';
import { replicasOf } from '../services/replicas.js';
import { removeService, settleService } from '../services/services.js';
import { lookUpKey, type State } from '../state.js';
import type { Turn } from '../turn.js';

/** V2. Commands that cannot work mostly say so sooner. */
const SETTLED_MS = 1000;

export function standingOf(turn: Turn, task: Task, position: number): ServiceStanding {
  const { state, loaded, nowMs, wallMs } = turn;
  const step = task.graph.modules[position]!.spec.serve!;
  const awaited = awaitedService(phaseOf(task, position));
  const service = ownService(state, task, step);
  if (!awaited) {
    if (step.action === 'remove') return { kind: service ? 'not begun' : 'as asked' };
    return { kind: loaded.lookedUp.has(lookUpKey(task, position)) ? 'not begun' : 'not known' };
  }
  const { left, done, againMs } =
    step.action === 'remove' ? leaving(state, service) : coming(state, service, nowMs);
  if (done) return { kind: 'as asked' };
  const leftMs = Date.parse(awaited.until) - wallMs;
  if (leftMs <= 0) return { kind: 'failed', error: { code: 'not_ready', message: left, retryable: false } };
  // A wall clock that was set back makes no wait longer.
  const dueMs = Math.min(nowMs + Math.min(leftMs, step.withinMs), againMs ?? Number.POSITIVE_INFINITY);
  return { kind: 'under way', wait: serviceWait(step.service, awaited.until, left), dueMs };
}

interface Progress {
  readonly done: boolean;
  /** What there is still to come. */
  readonly left: string;
  /** When to look again, by the monotonic clock. */
  readonly againMs?: number | undefined;
}

function coming(state: State, service: Service | undefined, nowMs: number): Progress {
  if (!service) return { done: false, left: 'the service is no longer there' };
  const { spec, generation, reasons } = service;
  const replicas = replicasOf(state, spec.name).filter(({ desired }) => desired === 'running');
  const moments = replicas.map((one) =>
    one.generation === generation ? asAskedMs(service, one) : Number.POSITIVE_INFINITY,
  );
  const up = moments.filter((moment) => moment <= nowMs);
  const coming = moments.filter((moment) => moment > nowMs && moment < Number.POSITIVE_INFINITY);
  const isPinned = spec.type === 'daemon' || spec.type === 'ops';
  const all = isPinned ? replicas.length : spec.count;
  const word = spec.type === 'batch' || spec.type === 'ops' ? 'completed' : 'up';
  const why = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  return {
    done: up.length === all && replicas.length === all && (all > 0 || !isPinned),
    left: `${up.length} of ${all} replicas of ${spec.name} are ${word}${why}`,
    againMs: coming.length > 0 ? Math.min(...coming) : undefined,
  };
}

/** From when on it counts, by the monotonic clock. */
function asAskedMs({ spec }: Service, replica: Replica): number {
  const { ending, observed, failures, sinceMs } = replica;
  if (spec.type === 'batch' || spec.type === 'ops')
    return observed === 'completed' ? 0 : Number.POSITIVE_INFINITY;
  if (ending || failures > 0 || !isUp(spec, replica)) return Number.POSITIVE_INFINITY;
  return spec.module === undefined ? sinceMs + SETTLED_MS : 0;
}

function leaving(state: State, service: Service | undefined): Progress {
  if (!service) return { done: true, left: '' };
  const { name } = service.spec;
  const running = replicasOf(state, name).filter(({ isOpen }) => isOpen).length;
  const are = running === 1 ? `1 replica of ${name} has` : `${running} replicas of ${name} have`;
  return { done: false, left: running === 0 ? `${name} is being removed` : `${are} not ended` };
}

/** Of this deployment. */
function ownService({ services }: State, { id }: Task, { service }: ServeSpec): Service | undefined {
  const known = services.get(service);
  return known?.spec.deployment === id.problemId ? known : undefined;
}

/** Begins it: from now on the step waits. */
export function serve(turn: Turn, task: Task, position: number): void {
  const step = task.graph.modules[position]!.spec.serve!;
  const { service, withinMs, action } = step;
  const error = action === 'apply' ? applied(turn, task, position, step) : undefined;
  const about = aboutModule(task, position);
  if (error) emit(turn, { type: 'module.failed', ...about, error });
  else {
    if (action === 'remove') removeService(turn, service);
    const until = new Date(turn.wallMs + withinMs).toISOString();
    emit(turn, {
      type: 'module.waiting',
      ...about,
      ...serviceWait(service, until, `waiting for ${service}`),
    });
  }
  turn.state.broker.enqueue(task);
}

function applied(turn: Turn, task: Task, position: number, step: ServeSpec): ReportedError | undefined {
  const { state, loaded } = turn;
  const refused = (code: string, message: string): ReportedError => ({ code, message, retryable: false });
  const known = state.services.get(step.service);
  // V1.
  if (known && !ownService(state, task, step))
    return refused('name_taken', `there is a service ${step.service}, which is not of this deployment`);
  const { key } = task.graph;
  const { yaml, files = {}, types, typesJson } = state.graph(key.name, key.version)!;
  const { deploymentId, plan } = readPlan(yaml)!;
  const { values = new Map() } = loaded.lookedUp.get(lookUpKey(task, position))!;
  const resolved = resolveService(deploymentId, plan, step.component, values);
  if (!resolved.ok) return refused('bad_reference', resolved.message);
  const { spec } = resolved;
  const named = new Set(Object.values(spec.run.files));
  const own = Object.fromEntries(Object.entries(files).filter(([path]) => named.has(path)));
  const answer = settleService(turn, { spec, files: own, types, typesJson, project: task.project });
  return answer.ok ? undefined : refused(answer.code, answer.message);
}
