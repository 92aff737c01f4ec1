/**
 * Metrics of the work: tasks, attempts, durations, slots. Counters and histograms begin at 0 with the process, as Prometheus expects.
 *
 * M1. The number of series is bounded, whatever graphs are stored and whatever nodes report: of each label, the first so many values are
 *     kept, and all further ones are counted together as `other`.
 */

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { EXECUTION_ENDS, type ExecutionEnd } from '../model/execution.js';
import { TASK_ENDS } from '../model/task-state.js';
import type { ServiceGauges } from '../orchestrator/core/services/service-gauges.js';
import type { Gauges } from '../orchestrator/gauges.js';
import { unfinishedTasks, waitingForApproval, waitingForSlot } from '../orchestrator/work/counts.js';
import {
  secondsBetween,
  UNFINISHED_STATES,
  type WorkExecution,
  type WorkInView,
  type WorkTask,
} from '../orchestrator/work/work-in-view.js';

/** So many graphs, services, as many pairs of graph and project, and as many of graph and module. A pair of graph and module has two histograms of 15 series each: 6,000 for all of them. */
const LABEL_VALUES = 200;
const OTHER = 'other';

/** Seconds: from a call of a function to a night of training. */
const BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

/** The first values are themselves, all further ones are `other` (M1). */
export class Labels {
  readonly #known = new Set<string>();
  readonly #limit: number;

  constructor(limit: number = LABEL_VALUES) {
    this.#limit = limit;
  }

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#limit) return OTHER;
    this.#known.add(value);
    return value;
  }
}

/**
 * Begins series at 0, once for each key: Prometheus does not see the first step of a counter that appears with it. Later calls cost a look
 * at a set, since every submission and every assignment comes by here.
 */
class Begun {
  readonly #keys = new Set<string>();

  once(key: string, begin: () => void): void {
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    begin();
  }
}

export function registerWorkMetrics(registry: Registry, work: WorkInView, gauges: () => Gauges): void {
  const labels = new WorkLabels();
  const registers = [registry];
  countWork(workSeries(registers), work, labels);
  registerUnfinished(registers, work, labels);
  registerSlots(registers, gauges);
  registerServices(registers, gauges);
}

/** Of graphs and modules, those that have series of their own (M1). */
class WorkLabels {
  readonly #graphs = new Labels();
  readonly #ofProjects = new Labels();
  readonly #pairs = new Labels();

  graph(name: string): string {
    return this.#graphs.of(name);
  }

  task({ graph, project }: Pick<WorkTask, 'graph' | 'project'>): { graph: string; project: string } {
    const label = this.graph(graph);
    return { graph: label, project: this.#ofProjects.of(`${project} ${label}`) === OTHER ? OTHER : project };
  }

  place(graph: string, module: string): { graph: string; module: string } {
    return this.#pairs.of(`${graph} ${module}`) === OTHER
      ? { graph: OTHER, module: OTHER }
      : { graph, module };
  }
}

type Series = ReturnType<typeof workSeries>;

function workSeries(registers: Registry[]) {
  return {
    ended: new Counter({
      name: 'tutti_tasks_ended_total',
      help: 'Tasks that have ended, by the state they ended in',
      labelNames: ['graph', 'project', 'state'],
      registers,
    }),
    submitted: new Counter({
      name: 'tutti_tasks_submitted_total',
      help: 'Tasks that were submitted: problems and further iterations',
      labelNames: ['graph', 'project'],
      registers,
    }),
    taskSeconds: new Histogram({
      name: 'tutti_task_duration_seconds',
      help: 'From the submission of a task to its end',
      labelNames: ['graph', 'state'],
      buckets: BUCKETS,
      registers,
    }),
    attempts: new Counter({
      name: 'tutti_attempts_total',
      help: 'Executions that have ended, by outcome',
      labelNames: ['graph', 'module', 'outcome'],
      registers,
    }),
    failures: new Counter({
      name: 'tutti_failures_total',
      help: 'Executions that have failed, by the code of their error',
      labelNames: ['graph', 'module', 'code'],
      registers,
    }),
    queueSeconds: new Histogram({
      name: 'tutti_execution_queue_seconds',
      help: 'How long an execution waited for a slot once its inputs were there',
      labelNames: ['graph', 'module'],
      buckets: BUCKETS,
      registers,
    }),
    runSeconds: new Histogram({
      name: 'tutti_execution_run_seconds',
      help: 'From the start of an execution on its node to its end, with any outcome',
      labelNames: ['graph', 'module'],
      buckets: BUCKETS,
      registers,
    }),
  };
}

/** Counts what happens to tasks and executions, as it happens. */
function countWork(series: Series, work: WorkInView, labels: WorkLabels): void {
  const codes = new Labels();
  const begunTasks = new Begun();
  const begunPlaces = new Begun();
  work.follow({
    taskSubmitted(task) {
      const label = labels.task(task);
      series.submitted.inc(label);
      begunTasks.once(`${label.project} ${label.graph}`, () => {
        for (const state of TASK_ENDS) series.ended.inc({ ...label, state }, 0);
      });
    },
    taskEnded(task, state, at) {
      const label = labels.task(task);
      series.ended.inc({ ...label, state });
      series.taskSeconds.observe({ graph: label.graph, state }, secondsBetween(task.submittedAt, at));
    },
    executionAssigned({ graph }, { module, queuedAt, assignedAt }) {
      const place = labels.place(graph, module);
      series.queueSeconds.observe(place, secondsBetween(queuedAt, assignedAt));
      begunPlaces.once(`${place.graph} ${place.module}`, () => {
        for (const outcome of EXECUTION_ENDS) series.attempts.inc({ ...place, outcome }, 0);
      });
    },
    executionEnded({ graph }: WorkTask, execution: WorkExecution, outcome: ExecutionEnd, at, error) {
      const place = labels.place(graph, execution.module);
      series.attempts.inc({ outcome, ...place });
      if (outcome === 'failed') series.failures.inc({ ...place, code: codes.of(error?.code ?? 'unknown') });
      if (execution.startedAt !== undefined)
        series.runSeconds.observe(place, secondsBetween(execution.startedAt, at));
    },
  });
}

function registerUnfinished(registers: Registry[], work: WorkInView, labels: WorkLabels): void {
  new Gauge({
    name: 'tutti_tasks',
    help: 'Unfinished tasks',
    labelNames: ['graph', 'project', 'state'],
    registers,
    collect() {
      this.reset();
      for (const [project, tasks] of byProject(work))
        for (const [graph, counts] of unfinishedTasks({ tasks })) {
          const label = labels.task({ graph, project });
          for (const state of UNFINISHED_STATES) this.inc({ ...label, state }, counts[state]);
        }
    },
  });
  new Gauge({
    name: 'tutti_waiting_for_slot',
    help: 'Modules of unfinished tasks whose inputs are there and that wait for a free slot of a node',
    labelNames: ['graph', 'module'],
    registers,
    collect() {
      this.reset();
      for (const [graph, counts] of waitingForSlot(work))
        for (const [module, count] of counts) this.inc(labels.place(graph, module), count);
    },
  });
  new Gauge({
    name: 'tutti_approvals_waiting',
    help: "Modules of unfinished tasks that wait for a person's decision",
    labelNames: ['graph', 'project'],
    registers,
    collect() {
      this.reset();
      for (const [project, tasks] of byProject(work))
        for (const [graph, count] of waitingForApproval({ tasks }))
          this.inc(labels.task({ graph, project }), count);
    },
  });
}

function byProject({ tasks }: Pick<WorkInView, 'tasks'>): Map<string, WorkTask[]> {
  const found = new Map<string, WorkTask[]>();
  for (const task of tasks) {
    const ofProject = found.get(task.project);
    if (ofProject) ofProject.push(task);
    else found.set(task.project, [task]);
  }
  return found;
}

function registerSlots(registers: Registry[], gauges: () => Gauges): void {
  const modules = new Labels();
  const slots = (
    name: string,
    help: string,
    read: (slots: { total: number; used: number }) => number,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames: ['module'],
      registers,
      collect() {
        this.reset();
        for (const [module, ofModule] of Object.entries(gauges().slots))
          this.inc({ module: modules.of(module) }, read(ofModule));
      },
    });
  };
  slots('tutti_slots', 'Executions that the nodes of a module can run at once', ({ total }) => total);
  slots('tutti_slots_used', 'Executions that run on the nodes of a module', ({ used }) => used);
}

function registerServices(registers: Registry[], gauges: () => Gauges): void {
  const services = new Labels();
  const figure = (name: string, help: string, read: (service: ServiceGauges) => number): void => {
    new Gauge({
      name: `tutti_service_${name}`,
      help,
      labelNames: ['service'],
      registers,
      collect() {
        this.reset();
        for (const [service, figures] of Object.entries(gauges().services))
          this.inc({ service: services.of(service) }, read(figures));
      },
    });
  };
  figure('replicas_wanted', 'Replicas of a service that are to be up now', ({ wanted }) => wanted);
  figure('replicas_up', 'Replicas that are ready, or run where they are not nodes', ({ up }) => up);
  figure('degraded', '1 while something is wrong with a service', ({ isDegraded }) => Number(isDegraded));
  figure('restarts', 'Restarts of the current replicas', ({ restarts }) => restarts);
}
