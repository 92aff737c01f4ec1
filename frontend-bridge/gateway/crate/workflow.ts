/** The plan: the graph file, its language, its steps and tools, and what goes from one to another. */
import {
  connection,
  describedFile,
  type Entity,
  intoAll,
  intoOf,
  outOf,
  parameter,
  ref,
  resultOf,
  type Step,
  sourceOf,
  stepOf,
  toolOf,
} from './entities.js';
import { type CrateRun, resultsOf } from './run.js';

const COMPUTATIONAL_WORKFLOW = 'https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE';
const LANGUAGE = '#tutti-graph-file';

export function workflow(run: CrateRun, steps: readonly Step[]): Entity[] {
  const { graph } = run;
  const results = resultsOf(run);
  const toResults = results.map((name) => connection(outOf(name), resultOf(name)));
  const toSteps = steps.map(([name, { inputs }]) =>
    inputs
      .filter(
        (input) => input === graph.source || steps.some(([, { references }]) => references.includes(input)),
      )
      .map((input) => connection(input === graph.source ? sourceOf(run) : outOf(input), intoOf(name, input))),
  );
  return [
    {
      ...describedFile(run.workflow),
      '@type': [
        'File',
        'SoftwareSourceCode',
        'ComputationalWorkflow',
        ...(steps.length > 0 ? ['HowTo'] : []),
      ],
      conformsTo: ref(COMPUTATIONAL_WORKFLOW),
      name: graph.name,
      version: String(graph.version),
      dateCreated: graph.created_at,
      programmingLanguage: ref(LANGUAGE),
      input: [ref(sourceOf(run))],
      output: results.map((name) => ref(resultOf(name))),
      ...(steps.length > 0 && {
        hasPart: steps.map(([name]) => ref(toolOf(name))),
        step: steps.map(([name]) => ref(stepOf(name))),
        connection: toResults.map(({ '@id': id }) => ref(id)),
      }),
    },
    { '@id': LANGUAGE, '@type': 'ComputerLanguage', name: 'Tutti graph file', version: run.version },
    parameter(sourceOf(run), graph.source),
    ...results.map((name) => parameter(resultOf(name), name)),
    ...steps.flatMap(([name, module], position): Entity[] => [
      {
        '@id': stepOf(name),
        '@type': 'HowToStep',
        name,
        position: String(position),
        workExample: ref(toolOf(name)),
        connection: toSteps[position]!.map(({ '@id': id }) => ref(id)),
      },
      {
        '@id': toolOf(name),
        '@type': 'SoftwareApplication',
        name,
        ...(module.version !== undefined && { softwareVersion: module.version }),
        input: intoAll(name, module).map(ref),
        output: module.references.map((reference) => ref(outOf(reference))),
      },
      ...intoAll(name, module).map((id) => parameter(id, id.slice(id.lastIndexOf('/') + 1))),
      ...module.references.map((reference) => parameter(outOf(reference), reference)),
    ]),
    ...toResults,
    ...toSteps.flat(),
  ];
}
