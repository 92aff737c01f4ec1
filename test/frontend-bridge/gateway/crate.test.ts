/**
 * Crates against what the profiles demand of them: RO-Crate 1.1, Workflow RO-Crate 1.0, and of Workflow Run RO-Crate 0.5 the Process, the
 * Workflow and the Provenance Run Crate (https://www.researchobject.org/workflow-run-crate/profiles/0.5/). The rules are those that the
 * official `rocrate-validator` has as REQUIRED in its shapes for these profiles.
 */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { archiveOf } from '../../../frontend-bridge/gateway/crate/archive.js';
import { crateMetadata } from '../../../frontend-bridge/gateway/crate/metadata.js';
import type {
  CrateExecution,
  CrateFile,
  CrateModule,
  CrateRun,
} from '../../../frontend-bridge/gateway/crate/run.js';
import { createFakeCoordinator } from '../../support/fake-coordinator.js';

type Entity = Readonly<Record<string, unknown>> & {
  readonly '@id': string;
  readonly '@type': string | string[];
};

const AT = '2026-01-01T00:00:00.000Z';
const file = (path: string, mediaType = 'application/json'): CrateFile => ({
  path,
  mediaType,
  content: { kind: 'inline', bytes: Buffer.from(`{"of":"${path}"}`) },
});
const module = (name: string, inputs: string[], fields: Partial<CrateModule> = {}): CrateModule => ({
  ...{ inputs, previous: [], overrides: {}, generation: 1, references: [name] },
  ...{
    outputs: {},
    reused_from: undefined,
    version: undefined,
    fed_before: fields.previous ?? [],
    ...fields,
  },
});
const attempt = (id: string, of: string, fields: Partial<CrateExecution> = {}): CrateExecution => ({
  ...{ execution_id: id, module: of, attempt: 1, item: null, generation: 1, node_id: 'n' },
  state: 'succeeded',
  ...{ assigned_at: AT, started_at: AT, finished_at: AT, error: null, ...fields },
});

/** `clean` was taken over, `train` failed once and knows its earlier self, `explain` failed, and `publish` has never run; `plot` has two outputs. */
const RUN: CrateRun = {
  ...{ title: 'A line', task_id: 'p/2', problem_id: 'p', iteration_id: 2, parent_iteration_id: 1 },
  ...{ state: 'failed', reason: null, error: { code: 'handler_error', message: 'no' } },
  ...{ created_at: AT, started_at: AT, finished_at: AT, version: '1.2.3', license: 'https://example.org/l' },
  project: 'default',
  graph: {
    ...{ name: 'fit', version: 3, created_at: AT, source: 'request' },
    modules: {
      clean: module('clean', ['request'], {
        outputs: { clean: { file: file('outputs/clean.json'), execution_id: 'e0' } },
        reused_from: 1,
      }),
      train: module('train', ['request', 'clean'], {
        previous: ['train'],
        outputs: { train: { file: file('outputs/train.json'), execution_id: 'e2' } },
        version: '7',
      }),
      plot: module('plot', ['train'], {
        references: ['plot.picture', 'plot.table'],
        outputs: {
          'plot.picture': { file: file('outputs/plot.png', 'image/png'), execution_id: 'e3' },
          'plot.table': { file: file('outputs/plot.table.csv', 'text/csv'), execution_id: 'e3' },
        },
        overrides: { train: file('overrides/plot/train.json') },
      }),
      explain: module('explain', ['train']),
      publish: module('publish', ['explain']),
    },
  },
  executions: [
    attempt('e0', 'clean'),
    attempt('e1', 'train', { state: 'failed', error: { code: 'x', message: 'ValueError: x' } }),
    attempt('e2', 'train', { attempt: 2 }),
    attempt('e3', 'plot'),
    attempt('e4', 'explain', { state: 'failed', error: { code: 'x', message: 'no' } }),
  ],
  workflow: file('graph.yaml', 'application/yaml'),
  input: file('input/request.json'),
  previous: { train: file('previous/train.json') },
  documents: [file('iteration.json')],
};

class Crate {
  readonly context: unknown;
  readonly #entities: Map<string, Entity>;

  constructor(run: CrateRun) {
    const metadata = crateMetadata(run) as { '@context': unknown; '@graph': Entity[] };
    this.context = metadata['@context'];
    this.#entities = new Map(metadata['@graph'].map((entity) => [entity['@id'], entity]));
    expect(this.#entities.size).toBe(metadata['@graph'].length);
  }

  all(type: string): Entity[] {
    return [...this.#entities.values()].filter((entity) => [entity['@type']].flat().includes(type));
  }

  get(id: string): Entity {
    const entity = this.#entities.get(id);
    expect(entity, `${id} is described`).toBeDefined();
    return entity!;
  }

  /** The entities that a property refers to, of one of these types each, at least `least` of them. */
  refs(entity: Entity, property: string, types: readonly string[], least = 1): Entity[] {
    const found = [entity[property] ?? []].flat() as { '@id': string }[];
    expect(found.length, `${entity['@id']}: ${property}`).toBeGreaterThanOrEqual(least);
    return found.map((reference) => {
      const target = this.get(reference['@id']);
      expect(
        types.some((type) => [target['@type']].flat().includes(type)),
        `${property} ${target['@id']}`,
      ).toBe(true);
      return target;
    });
  }

  ids(entity: Entity, property: string): string[] {
    return ([entity[property] ?? []].flat() as { '@id': string }[]).map((one) => one['@id']);
  }
}

const TOOLS = ['SoftwareApplication', 'SoftwareSourceCode', 'ComputationalWorkflow'];

function demandWorkflowRun(crate: Crate): Entity {
  expect(crate.context).toEqual([
    'https://w3id.org/ro/crate/1.1/context',
    'https://w3id.org/ro/terms/workflow-run/context',
  ]);
  const descriptor = crate.get('ro-crate-metadata.json');
  expect(descriptor['@type']).toBe('CreativeWork');
  expect(crate.ids(descriptor, 'conformsTo')).toContain('https://w3id.org/ro/crate/1.1');
  const [root] = crate.refs(descriptor, 'about', ['Dataset']);
  for (const property of ['name', 'description']) expect(root![property]).toEqual(expect.any(String));
  expect(root!.datePublished).toMatch(/^\d{4}-\d\d-\d\d/);
  crate.refs(root!, 'license', ['CreativeWork']);
  const parts = crate.refs(root!, 'hasPart', ['File']);
  expect(new Set(parts)).toEqual(new Set(crate.all('File')));
  const profiles = crate.refs(root!, 'conformsTo', ['CreativeWork']).map((one) => one['@id']);
  for (const profile of ['process/0.5', 'workflow/0.5'])
    expect(profiles).toContain(`https://w3id.org/ro/wfrun/${profile}`);
  const [workflow] = crate.refs(root!, 'mainEntity', ['ComputationalWorkflow']);
  expect(workflow!['@type']).toEqual(
    expect.arrayContaining(['File', 'SoftwareSourceCode', 'ComputationalWorkflow']),
  );
  crate.refs(workflow!, 'programmingLanguage', ['ComputerLanguage']);
  for (const property of ['input', 'output']) crate.refs(workflow!, property, ['FormalParameter'], 0);
  for (const parameter of crate.all('FormalParameter')) expect(parameter.additionalType).toBe('File');
  for (const entity of crate.all('File')) crate.refs(entity, 'exampleOfWork', ['FormalParameter'], 0);
  for (const action of crate.all('CreateAction')) {
    crate.refs(action, 'instrument', TOOLS);
    crate.refs(action, 'object', ['File'], 0);
    crate.refs(action, 'result', ['File'], 0);
    expect(action.startTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
    const [status] = crate.ids(action, 'actionStatus');
    expect(action.error === undefined).toBe(status === 'http://schema.org/CompletedActionStatus');
  }
  return workflow!;
}

function demandProvenance(crate: Crate, workflow: Entity): void {
  expect(workflow['@type']).toContain('HowTo');
  const tools = crate.refs(workflow, 'hasPart', TOOLS);
  const instruments = crate.all('CreateAction').flatMap((action) => crate.ids(action, 'instrument'));
  for (const tool of tools) {
    expect(instruments).toContain(tool['@id']);
    for (const property of ['input', 'output']) crate.refs(tool, property, ['FormalParameter'], 0);
  }
  const steps = crate.refs(workflow, 'step', ['HowToStep']);
  expect(new Set(steps)).toEqual(new Set(crate.all('HowToStep')));
  for (const step of steps) crate.refs(step, 'workExample', TOOLS);
  for (const step of [...steps, workflow]) crate.refs(step, 'connection', ['ParameterConnection'], 0);
  for (const one of crate.all('ParameterConnection'))
    for (const property of ['sourceParameter', 'targetParameter'])
      crate.refs(one, property, ['FormalParameter']);
  for (const control of crate.all('ControlAction')) {
    crate.refs(control, 'instrument', ['HowToStep']);
    crate.refs(control, 'object', ['CreateAction']);
  }
  const [organize] = crate.all('OrganizeAction');
  crate.refs(organize!, 'instrument', ['SoftwareApplication']);
  crate.refs(organize!, 'result', ['CreateAction']);
  expect(crate.refs(organize!, 'object', ['ControlAction'])).toHaveLength(crate.all('ControlAction').length);
}

describe('the crate of an iteration', () => {
  it('has what the profiles require, also where modules failed, were taken over or never ran', () => {
    const crate = new Crate(RUN);
    demandProvenance(crate, demandWorkflowRun(crate));
    expect(crate.ids(crate.get('./'), 'conformsTo')).toContain('https://w3id.org/ro/wfrun/provenance/0.5');
    const { graph, ...rest } = RUN;
    const cancelled = {
      ...rest,
      executions: [],
      graph: { ...graph, modules: { train: module('train', ['request']) } },
    };
    const empty = new Crate(cancelled);
    demandWorkflowRun(empty);
    expect(empty.ids(empty.get('./'), 'conformsTo')).not.toContain(
      'https://w3id.org/ro/wfrun/provenance/0.5',
    );
  });

  it('names the project that its problem belongs to, where there is one', () => {
    const crate = new Crate({ ...RUN, project: 'steel' });
    const [project] = crate.refs(crate.get('./'), 'sourceOrganization', ['Project']);
    expect(project).toMatchObject({ name: 'steel' });
    expect(new Crate(RUN).all('Project')).toEqual([]);
  });

  it('says of each attempt what went in and came out', () => {
    const crate = new Crate(RUN);
    const used = (id: string, property: string): string[] =>
      crate.ids(crate.get(`#execution-${id}`), property);
    expect(used('e1', 'object')).toEqual(['input/request.json', 'outputs/clean.json', 'previous/train.json']);
    expect([used('e1', 'result'), used('e2', 'result')]).toEqual([[], ['outputs/train.json']]);
    expect(used('e3', 'object')).toEqual(['overrides/plot/train.json']);
    expect([used('e0', 'object'), used('e0', 'result')]).toEqual([[], ['outputs/clean.json']]);
    expect(crate.get('#execution-e1')).toMatchObject({ error: 'ValueError: x' });
    expect(crate.ids(crate.get('#run'), 'result')).toEqual(['outputs/plot.png', 'outputs/plot.table.csv']);
    expect(crate.get('graph.yaml#train')).toMatchObject({ softwareVersion: '7' });
  });

  it('says for which item of a map an attempt was', () => {
    const executions = [attempt('e0', 'plot', { item: 17, attempt: 2 })];
    const names = new Crate({ ...RUN, executions }).all('CreateAction').map(({ name }) => name);
    expect(names).toEqual(['Run of fit, iteration 2', 'Run of plot, item 17, attempt 2']);
  });

  it('is as long as it says, and leaves no blob open when it is given up', async () => {
    const { blobs } = createFakeCoordinator();
    const whole = archiveOf(RUN, blobs);
    expect(await buffer(whole.content)).toHaveLength(whole.size);
    const blob = new Readable({ read() {} });
    blob.push('the beginning');
    const input: CrateFile = { ...RUN.input, content: { kind: 'blob', blob: { sha256: 'x', size: 1e9 } } };
    const open = async () => ({ size: 1e9, read: () => blob, close: async () => {} });
    const { content } = archiveOf({ ...RUN, input }, { ...blobs, open });
    for await (const piece of content) if (String(piece).includes('the beginning')) break;
    expect(blob.destroyed).toBe(true);
  });
});
