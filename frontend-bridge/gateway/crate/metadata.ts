/**
 * `ro-crate-metadata.json` of a run, after RO-Crate 1.1 and the profiles of Workflow Run RO-Crate 0.5 (Process, Workflow and Provenance Run
 * Crate: https://www.researchobject.org/workflow-run-crate/profiles/0.5/).
 *
 * M1. The graph file is the workflow; each module that has run is a step and a tool; each attempt is an action of its tool.
 * M2. A module that has never run is in the graph file only: the profile wants an action for each tool. Where none has run, the crate does
 *     not claim to be a Provenance Run Crate.
 * M3. Two exports of the same iteration differ in nothing but what has become unknown in between (the version that a node told).
 */
import { DEFAULT_PROJECT } from '../../../src/model/access.js';
import { actions, inputsOf, ORCHESTRATION, RUN } from './actions.js';
import { describedFile, type Entity, outOf, ref, resultOf, type Step, sourceOf } from './entities.js';
import { type CrateFile, type CrateRun, filesOf, outputFile, resultsOf } from './run.js';
import { workflow } from './workflow.js';

const WORKFLOW_RO_CRATE = 'https://w3id.org/workflowhub/workflow-ro-crate/1.0';
const PROJECT = '#project';
const WORKFLOW_RUN = 'https://w3id.org/ro/wfrun';

/** M3. */
export function crateMetadata(run: CrateRun): object {
  const steps = stepsOf(run);
  const profiles = profilesOf(steps.length > 0);
  const files = filesOf(run);
  return {
    '@context': ['https://w3id.org/ro/crate/1.1/context', 'https://w3id.org/ro/terms/workflow-run/context'],
    '@graph': [
      {
        '@id': 'ro-crate-metadata.json',
        '@type': 'CreativeWork',
        about: ref('./'),
        conformsTo: [ref('https://w3id.org/ro/crate/1.1'), ref(WORKFLOW_RO_CRATE)],
      },
      {
        '@id': './',
        '@type': 'Dataset',
        name: run.title ?? `${run.graph.name}, iteration ${run.iteration_id}`,
        description:
          `Iteration ${run.iteration_id} of problem ${run.problem_id}: a run of the graph ${run.graph.name} in version ` +
          `${run.graph.version}, ${run.state}, with its input, its outputs and every attempt`,
        identifier: run.task_id,
        datePublished: run.finished_at,
        license: ref(run.license),
        conformsTo: profiles.map(({ '@id': id }) => ref(id)),
        mainEntity: ref(run.workflow.path),
        ...(hasProject(run) && { sourceOrganization: ref(PROJECT) }),
        hasPart: files.map(({ path }) => ref(path)),
        mentions: [ref(RUN), ...(steps.length > 0 ? [ref(ORCHESTRATION)] : [])],
      },
      ...(hasProject(run) ? [{ '@id': PROJECT, '@type': 'Project', name: run.project }] : []),
      ...profiles,
      { '@id': run.license, '@type': 'CreativeWork', name: run.license },
      ...workflow(run, steps),
      ...files.filter((file) => file !== run.workflow).map((file) => fileEntity(file, run, steps)),
      ...actions(run, steps),
    ],
  };
}

function hasProject({ project }: CrateRun): boolean {
  return project !== DEFAULT_PROJECT;
}

/** M2. The modules that have run, in the order of the graph file. */
function stepsOf({ graph, executions }: CrateRun): Step[] {
  const ran = new Set(executions.map(({ module }) => module));
  return Object.entries(graph.modules).filter(([name]) => ran.has(name));
}

function profilesOf(hasSteps: boolean): Entity[] {
  const names: [string, string, string][] = [
    [`${WORKFLOW_RUN}/process/0.5`, 'Process Run Crate', '0.5'],
    [`${WORKFLOW_RUN}/workflow/0.5`, 'Workflow Run Crate', '0.5'],
    ...(hasSteps
      ? [[`${WORKFLOW_RUN}/provenance/0.5`, 'Provenance Run Crate', '0.5'] as [string, string, string]]
      : []),
    [WORKFLOW_RO_CRATE, 'Workflow RO-Crate', '1.0'],
  ];
  return names.map(([id, name, version]) => ({ '@id': id, '@type': 'CreativeWork', name, version }));
}

/** M1. */
function fileEntity(file: CrateFile, run: CrateRun, steps: readonly Step[]): Entity {
  const parameters = [
    ...(file === run.input ? [sourceOf(run)] : []),
    ...resultsOf(run)
      .filter((reference) => outputFile(run, reference) === file)
      .map(resultOf),
    ...steps.flatMap(([name, { outputs }]) => [
      ...Object.entries(outputs).flatMap(([reference, output]) =>
        output.file === file ? [outOf(reference)] : [],
      ),
      ...inputsOf(name, run).flatMap((given) => (given.file === file ? [given.parameter] : [])),
    ]),
  ];
  return {
    ...describedFile(file),
    ...(parameters.length > 0 && { exampleOfWork: parameters.map(ref) }),
  };
}
