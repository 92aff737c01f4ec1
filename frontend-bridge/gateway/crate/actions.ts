/** What happened: the run as a whole, and within it what Tutti did, an action for each attempt. */
import {
  actionOf,
  beforeOf,
  controlOf,
  type Entity,
  intoOf,
  ref,
  type Step,
  stepOf,
  toolOf,
} from './entities.js';
import { type CrateExecution, type CrateFile, type CrateRun, outputFile, resultsOf } from './run.js';

const ENGINE = '#tutti';
export const RUN = '#run';
export const ORCHESTRATION = '#orchestration';

export function actions(run: CrateRun, steps: readonly Step[]): Entity[] {
  const { graph } = run;
  const overrides = Object.values(graph.modules).flatMap((module) => Object.values(module.overrides));
  const whole: Entity = {
    '@id': RUN,
    '@type': 'CreateAction',
    name: `Run of ${graph.name}, iteration ${run.iteration_id}`,
    description: [
      `Task ${run.task_id}`,
      ...(run.parent_iteration_id === null ? [] : [`after iteration ${run.parent_iteration_id}`]),
      ...(run.reason === null ? [] : [`ended because: ${run.reason}`]),
    ].join(', '),
    identifier: run.task_id,
    instrument: ref(run.workflow.path),
    object: [run.input, ...overrides, ...Object.values(run.previous)].map(({ path }) => ref(path)),
    result: resultsOf(run).map((reference) => ref(outputFile(run, reference)!.path)),
    startTime: time(run.started_at ?? run.created_at),
    endTime: time(run.finished_at),
    ...status(run.state, run.error),
  };
  if (steps.length === 0) return [whole];
  return [
    whole,
    { '@id': ENGINE, '@type': 'SoftwareApplication', name: 'Tutti', softwareVersion: run.version },
    {
      '@id': ORCHESTRATION,
      '@type': 'OrganizeAction',
      name: `Orchestration of iteration ${run.iteration_id}`,
      instrument: ref(ENGINE),
      object: run.executions.map((one) => ref(controlOf(one))),
      result: ref(RUN),
      startTime: time(run.created_at),
      endTime: time(run.finished_at),
      ...status(run.state, run.error),
    },
    ...run.executions.flatMap((one) => attempt(one, run)),
  ];
}

function attempt(one: CrateExecution, run: CrateRun): Entity[] {
  const module = run.graph.modules[one.module]!;
  const isReused = module.reused_from !== undefined;
  const knowsInputs = !isReused && one.generation === module.generation;
  const results = Object.values(module.outputs).filter(
    ({ execution_id }) => execution_id === one.execution_id,
  );
  return [
    {
      '@id': controlOf(one),
      '@type': 'ControlAction',
      name: `Orchestration of ${nameOf(one)}`,
      instrument: ref(stepOf(one.module)),
      object: ref(actionOf(one)),
      ...status(one.state, one.error),
    },
    {
      '@id': actionOf(one),
      '@type': 'CreateAction',
      name: `Run of ${nameOf(one)}`,
      description: `On node ${one.node_id}${isReused ? `, in iteration ${module.reused_from}, whose output was taken over` : ''}`,
      identifier: one.execution_id,
      instrument: ref(toolOf(one.module)),
      ...(knowsInputs && { object: inputsOf(one.module, run).map(({ file }) => ref(file.path)) }),
      ...(results.length > 0 && { result: results.map(({ file }) => ref(file.path)) }),
      startTime: time(one.started_at ?? one.assigned_at),
      ...(one.finished_at !== null && { endTime: time(one.finished_at) }),
      ...status(one.state, one.error),
    },
  ];
}

/** `train, item 17, attempt 1` */
function nameOf({ module, item, attempt }: CrateExecution): string {
  return [module, ...(item === null ? [] : [`item ${item}`]), `attempt ${attempt}`].join(', ');
}

/** The files that a module was given, each with the parameter that it stood for. */
export function inputsOf(
  name: string,
  run: CrateRun,
): { readonly file: CrateFile; readonly parameter: string }[] {
  const { inputs, fed_before: previous, overrides } = run.graph.modules[name]!;
  const given = inputs.map((input) => ({
    parameter: intoOf(name, input),
    file: overrides[input] ?? (input === run.graph.source ? run.input : outputFile(run, input)),
  }));
  const earlier = previous.map((input) => ({
    parameter: beforeOf(name, input),
    file: run.previous[input],
  }));
  return [...given, ...earlier].flatMap(({ file, parameter: id }) =>
    file === undefined ? [] : [{ file, parameter: id }],
  );
}

function status(
  state: string,
  error: { readonly message: string } | null,
): Readonly<Record<string, unknown>> {
  if (state === 'succeeded') return { actionStatus: ref('http://schema.org/CompletedActionStatus') };
  return {
    actionStatus: ref('http://schema.org/FailedActionStatus'),
    error: error?.message ?? state,
  };
}

/** The profile writes times with an offset. */
function time(at: string): string {
  return at.replace(/Z$/, '+00:00');
}
