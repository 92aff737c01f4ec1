/**
 * Requests before they enter the mailbox: what needs no state is worked out here, so that the loop does not: inputs are
 * encoded in the type of their graph, large ones become blobs, graph files are parsed.
 */

import { Readable } from 'node:stream';
import { type Fault, summaryOf } from '../base/errors.js';
import type { IdSource } from '../base/ids.js';
import { SHA256, sha256Of } from '../base/sha256.js';
import { ALL_PROJECTS, maySee, projectFor } from '../model/access.js';
import type { Blueprint } from '../model/blueprint.js';
import { isDeploymentGraph, planInput } from '../model/deployment.js';
import {
  filesOfGraph,
  type Graph,
  type Requirements,
  splitReference,
  typeOf,
  typesOfGraph,
} from '../model/graph.js';
import { JOB_GRAPH_NAME, JOB_GRAPH_TEXT } from '../model/job.js';
import { isPrivateGraph } from '../model/private-graph.js';
import { pathWithin } from '../model/run.js';
import { isServiceGraph } from '../model/service.js';
import type { Reader } from '../store/store.js';
import type { TypeRegistry } from '../wire/types.js';
import type { Vault } from './access/vault.js';
import { deploymentNamed } from './core/deployments/deployment-view.js';
import { unknownDeployment } from './core/deployments/deployments.js';
import type { LoadedGraph, State } from './core/state.js';
import { missingFile, missingFiles } from './core/tasks/graph-files.js';
import type { PreparedInput, PreparedOverride, PreparedRequest, WebhookAttempt } from './core/turn.js';
import { unknownWebhook } from './core/webhooks/webhooks.js';
import { readProblem, readTask } from './load.js';
import type { Blobs, Queries, Refusal, Request } from './port.js';
import { blueprintFaults, deploymentInputs } from './prepare-deployment.js';
import { prepareGrant } from './prepare-grant.js';
import { jobAsSubmission } from './prepare-job.js';
import { unfitFiles, unknownClusterOf } from './prepare-service.js';
import { prepareWebhook } from './prepare-webhook.js';
import { plannedBy } from './queries/deployments.js';
import { Payloads } from './queries/payloads.js';
import { projectOfRow } from './records.js';

export type ParsedGraph =
  | { readonly ok: true; readonly graph: Graph }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Graph files as they come from outside, of any size and form: reading one keeps the loop waiting for some milliseconds at most. */
export type GraphParser = (
  yaml: string,
  types: TypeRegistry,
  others: readonly Graph[],
) => Promise<ParsedGraph>;

export type ParsedBlueprint =
  | { readonly ok: true; readonly blueprint: Blueprint }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** As for graphs. */
export type BlueprintParser = (yaml: string) => Promise<ParsedBlueprint>;

export interface PrepareDeps {
  readonly store: Reader;
  readonly state: Pick<State, 'graph' | 'graphs' | 'clusters' | 'webhooks' | 'deployments'>;
  readonly vault: Pick<Vault, 'open' | 'seal'>;
  readonly queries: Pick<Queries, 'problemFits'>;
  /** The project that the caller is bound to; `ALL_PROJECTS`: none. */
  readonly bound: string;
  /** Whether the caller may refer to a blob. */
  readonly sees: (sha256: string) => Promise<boolean>;
  /** Nothing where there is no such webhook. */
  readonly testWebhook: (name: string) => Promise<WebhookAttempt | undefined>;
  readonly ids: Pick<IdSource, 'uuid'>;
  readonly blobs: Pick<Blobs, 'put'>;
  readonly inlineMaxBytes: number;
  /** The types that new graph versions may name. */
  readonly types: TypeRegistry;
  readonly parseGraph: GraphParser;
  readonly parseBlueprint: BlueprintParser;
}

/** The request made ready for the loop, or why it can never be done. */
export async function prepare(deps: PrepareDeps, request: Request): Promise<PreparedRequest | Refusal> {
  switch (request.kind) {
    case 'submit': {
      const graph = deps.state.graph(request.graph);
      if (!graph || isPrivateGraph(request.graph)) return unknownGraph(deps, request.graph);
      const unmet = requireRefusal(graph, request.require);
      if (unmet) return unmet;
      const prepared = await prepareInput(deps, graph, request.input);
      if ('ok' in prepared) return prepared;
      const project = projectFor(deps.bound);
      return { ...request, project, graphVersion: graph.compiled.key.version, prepared };
    }
    case 'submit_job': {
      const submission = jobAsSubmission(deps.state, request);
      return 'ok' in submission ? submission : prepare(deps, submission);
    }
    case 'iterate':
      return prepareIteration(deps, request);
    case 'put_graph':
      return prepareGraph(deps, request);
    case 'deploy':
      return prepareDeploy(deps, request);
    case 'operate_deployment':
      return prepareOperation(deps, request);
    case 'cancel_deployment': {
      const deployment = deploymentNamed(deps.state, deps.bound, request.deploymentId);
      if (!deployment) return unknownDeployment(request.deploymentId);
      return { ...request, deploymentId: deployment.id };
    }
    case 'apply_service': {
      const unknown = unknownClusterOf(deps.state, request.spec);
      if (unknown) return unknown;
      const unfit = unfitFiles(request);
      if (unfit) return unfit;
      const hidden = await hiddenFiles(deps, request.files);
      if (hidden.length > 0) return missingFiles(hidden, 'bad_service');
      const typesJson = deps.types.toJson(['json']);
      return { ...request, project: projectFor(deps.bound), types: deps.types, typesJson };
    }
    case 'set_secret': {
      const { kind, name, value } = request;
      return { kind, name, sealed: deps.vault.seal(name, value) };
    }
    case 'add_webhook':
    case 'declare_webhook': {
      const webhook = await prepareWebhook(deps, request.webhook);
      if ('ok' in webhook) return webhook;
      const project = deps.bound === ALL_PROJECTS ? {} : { project: deps.bound };
      return { kind: request.kind, webhook: { ...webhook, ...project } };
    }
    case 'test_webhook': {
      const attempt = await deps.testWebhook(request.name);
      return attempt ? { ...request, attempt } : unknownWebhook(request.name);
    }
    case 'grant_access':
      return { kind: request.kind, grant: prepareGrant(deps, request.grant) };
    case 'change_problem':
    case 'task_command':
    case 'decide_approval':
    case 'node_command':
    case 'remove_node':
    case 'add_cluster':
    case 'declare_cluster':
    case 'change_cluster':
    case 'remove_cluster':
    case 'command_service':
    case 'remove_service':
    case 'remove_secret':
    case 'remove_webhook':
    case 'revoke_access':
    case 'configure':
      return request;
    default:
      return request satisfies never;
  }
}

async function prepareDeploy(
  deps: PrepareDeps,
  request: Extract<Request, { kind: 'deploy' }>,
): Promise<PreparedRequest | Refusal> {
  const parsed = await deps.parseBlueprint(request.blueprint);
  if (!parsed.ok) return blueprintFaults(parsed.faults);
  const { blueprint } = parsed;
  const given = deploymentInputs(request, blueprint);
  if (!given.ok) return given;
  const { inputs } = given;
  const hidden = await hiddenFiles(deps, request.files);
  if (hidden.length > 0) return missingFiles(hidden, 'bad_blueprint');
  const prepared = await keepJson(deps, planInput({ inputs, before: {} }));
  if ('ok' in prepared) return prepared;
  const { name = blueprint.name } = request;
  const typesJson = deps.types.toJson(['json']);
  const project = projectFor(deps.bound);
  return { ...request, name, project, blueprint, inputs, prepared, types: deps.types, typesJson };
}

/** By what is observed after the newest operation; while that goes on, the loop refuses another one. */
async function prepareOperation(
  deps: PrepareDeps,
  request: Extract<Request, { kind: 'operate_deployment' }>,
): Promise<PreparedRequest | Refusal> {
  const deployment = deploymentNamed(deps.state, deps.bound, request.deploymentId);
  if (!deployment) return unknownDeployment(request.deploymentId);
  const { id: deploymentId, operationId: after } = deployment;
  const row = await readTask(deps.store, { problemId: deploymentId, iterationId: after });
  if (!row) return unknownDeployment(request.deploymentId);
  const { plan, observed } = await plannedBy(deps.store, new Payloads(deps.state), row);
  const before = request.clean === true ? {} : observed;
  const prepared = await keepJson(deps, planInput({ inputs: plan.inputs, before }));
  if ('ok' in prepared) return prepared;
  const typesJson = deps.types.toJson(['json']);
  return { ...request, deploymentId, after, plan, observed, prepared, types: deps.types, typesJson };
}

async function keepJson(deps: PrepareDeps, value: unknown): Promise<PreparedInput | Refusal> {
  return keep(deps, new TextEncoder().encode(JSON.stringify(value)));
}

async function prepareIteration(
  deps: PrepareDeps,
  request: Extract<Request, { kind: 'iterate' }>,
): Promise<PreparedRequest | Refusal> {
  const problem = await readProblem(deps.store, request.problemId);
  if (!problem || !maySee(deps.bound, projectOfRow(problem)))
    return {
      ok: false,
      kind: 'not_found',
      code: 'unknown_problem',
      message: `no problem ${request.problemId}`,
    };
  const graph = deps.state.graph(problem.graph);
  if (!graph) return unknownGraph(deps, problem.graph);
  if (isServiceGraph(problem.graph)) return runOfService(request.problemId);
  if (isDeploymentGraph(problem.graph)) return operationOfDeployment(request.problemId);
  const graphVersion = graph.compiled.key.version;
  const unmet = requireRefusal(graph, request.require);
  if (unmet) return unmet;
  const preparedOverrides = await prepareOverrides(deps, graph, request.overrides ?? {});
  if ('ok' in preparedOverrides) return preparedOverrides;
  const iterate = { ...request, graphVersion, preparedOverrides };
  if (request.input === undefined) return iterate;
  const prepared = await prepareInput(deps, graph, request.input);
  return 'ok' in prepared ? prepared : { ...iterate, prepared };
}

/** Every module has to be one of the graph's, and no label may be asked for with another value than the graph asks for. */
function requireRefusal({ compiled }: LoadedGraph, require: Requirements = {}): Refusal | undefined {
  const faults: Fault[] = [];
  for (const [module, labels] of Object.entries(require)) {
    const position = compiled.index.get(module);
    if (position === undefined) {
      const message = `one of ${[...compiled.index.keys()].join(', ')}`;
      faults.push({ path: pointer('require', module), code: 'unknown_module', message });
      continue;
    }
    const asked = compiled.modules[position]!.spec.require;
    for (const [label, value] of Object.entries(labels)) {
      if (!Object.hasOwn(asked, label) || asked[label] === value) continue;
      const message = `the graph asks for ${label}=${asked[label]}`;
      faults.push({ path: pointer('require', module, label), code: 'out_of_range', message });
    }
  }
  if (faults.length === 0) return undefined;
  const message = `require is at fault: ${summaryOf(faults)}`;
  return { ok: false, kind: 'invalid', code: 'bad_require', message, details: faults };
}

function runOfService(problemId: string): Refusal {
  return {
    ok: false,
    kind: 'conflict',
    code: 'run_of_service',
    message: `problem ${problemId} is a run of a replica, which has no further iterations`,
    hint: 'restart or scale the service',
  };
}

function operationOfDeployment(problemId: string): Refusal {
  return {
    ok: false,
    kind: 'conflict',
    code: 'is_a_deployment',
    message: `problem ${problemId} is a deployment, whose iterations are its operations`,
    hint: 'continue or undeploy the deployment',
  };
}

function unknownGraph(deps: PrepareDeps, name: string): Refusal {
  const known = [...deps.state.graphs.keys()].filter((graph) => !isPrivateGraph(graph));
  return {
    ok: false,
    kind: 'invalid',
    code: 'unknown_graph',
    message: `no graph ${JSON.stringify(name)}`,
    hint:
      known.length > 0 ? `known graphs: ${known.join(', ')}` : 'no graph is loaded: PUT /v1/graphs/{name}',
    details: [
      {
        path: '/graph',
        code: 'unknown_graph',
        message: known.length > 0 ? `one of ${known.join(', ')}` : 'there is none',
      },
    ],
  };
}

async function prepareInput(
  deps: PrepareDeps,
  graph: LoadedGraph,
  input: unknown,
): Promise<PreparedInput | Refusal> {
  const { type } = graph.compiled.graph.source;
  const encoded = graph.types.encode(type, input);
  if (!encoded.ok) {
    const faults = encoded.faults.map((fault) => ({ ...fault, path: `/input${fault.path}` }));
    const message = `the input is not a valid ${type}: ${summaryOf(faults)}`;
    return { ok: false, kind: 'invalid', code: 'bad_input', message, details: faults };
  }
  return keep(deps, encoded.bytes);
}

/** Inline while it is small, as a blob beyond. */
async function keep(deps: PrepareDeps, bytes: Uint8Array): Promise<PreparedInput | Refusal> {
  if (bytes.byteLength <= deps.inlineMaxBytes) return { kind: 'inline', bytes };
  const sha256 = sha256Of(bytes);
  const put = await deps.blobs.put(sha256, Readable.from([bytes]));
  return put.ok ? { kind: 'blob', sha256, size: put.blob.size } : put;
}

/** Each value in the type of its input; every fault of all of them at once. */
async function prepareOverrides(
  deps: PrepareDeps,
  graph: LoadedGraph,
  overrides: NonNullable<Extract<Request, { kind: 'iterate' }>['overrides']>,
): Promise<readonly PreparedOverride[] | Refusal> {
  const faults: Fault[] = [];
  const encoded: { readonly module: string; readonly input: string; readonly bytes: Uint8Array }[] = [];
  for (const [module, inputs] of Object.entries(overrides)) {
    const spec = graph.compiled.graph.modules.find(({ name }) => name === module);
    if (!spec) {
      const message = `one of ${[...graph.compiled.index.keys()].join(', ')}`;
      faults.push({ path: pointer('overrides', module), code: 'unknown_module', message });
      continue;
    }
    const known = [...new Set([...spec.inputs, ...spec.previous])];
    for (const [input, value] of Object.entries(inputs)) {
      const path = pointer('overrides', module, input);
      const type = known.includes(input) ? typeOf(graph.compiled.graph, input) : undefined;
      if (type === undefined) {
        faults.push({ path, code: 'unknown_input', message: `one of ${known.join(', ')}` });
        continue;
      }
      const from = splitReference(input).module;
      if (graph.compiled.graph.modules.some((one) => one.name === from && one.approve)) {
        const message = `${from} is decided by a person: nothing takes the place of the decision`;
        faults.push({ path, code: 'is_a_decision', message });
        continue;
      }
      const made = graph.types.encode(type, value);
      if (made.ok) encoded.push({ module, input, bytes: made.bytes });
      else faults.push(...made.faults.map((fault) => ({ ...fault, path: path + fault.path })));
    }
  }
  if (faults.length > 0) {
    const message = `an override is at fault: ${summaryOf(faults)}`;
    return { ok: false, kind: 'invalid', code: 'bad_overrides', message, details: faults };
  }
  const prepared: PreparedOverride[] = [];
  for (const { module, input, bytes } of encoded) {
    const value = await keep(deps, bytes);
    if ('ok' in value) return value;
    prepared.push({ module, input, value });
  }
  return prepared;
}

/** A JSON pointer. */
function pointer(...steps: readonly string[]): string {
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

async function prepareGraph(
  deps: PrepareDeps,
  request: Extract<Request, { kind: 'put_graph' }>,
): Promise<PreparedRequest | Refusal> {
  const newest = [...deps.state.graphs.values()].flatMap((versions) => versions.at(-1)?.compiled.graph ?? []);
  // One of the same name is not another graph, which the parser sees for itself.
  const parsed = await deps.parseGraph(
    request.yaml,
    deps.types,
    newest.filter(({ name }) => name !== JOB_GRAPH_NAME && !isPrivateGraph(name)),
  );
  if (!parsed.ok) return badGraph(request.name, parsed.faults);
  const { graph } = parsed;
  if (graph.name === JOB_GRAPH_NAME && isOfJobs(deps) && request.yaml !== JOB_GRAPH_TEXT) {
    const message = `${JOB_GRAPH_NAME} is the graph of jobs, which is a part of Tutti: give another name`;
    return badGraph(graph.name, [{ path: 'name', code: 'reserved_name', message }]);
  }
  if (request.name !== undefined && graph.name !== request.name) {
    return badGraph(request.name, [
      { path: 'name', code: 'wrong_name', message: `is ${graph.name}, the address says ${request.name}` },
    ]);
  }
  const files = filesOf(graph, request.files ?? {});
  if (!files.ok) return badGraph(graph.name, files.faults);
  const hidden = await hiddenFiles(deps, files.files);
  if (hidden.length > 0) return missingFiles(hidden);
  return {
    kind: 'put_graph',
    name: graph.name,
    yaml: request.yaml,
    graph,
    types: deps.types,
    typesJson: deps.types.toJson(typesOfGraph(graph)),
    files: files.files,
  };
}

/** Files that are blobs of other projects, and as good as not there. */
async function hiddenFiles(deps: PrepareDeps, files: Readonly<Record<string, string>>): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const [path, sha256] of Object.entries(files))
    if (!(await deps.sees(sha256))) faults.push(missingFile(path, sha256));
  return faults;
}

/** A graph of this name that was stored before there were jobs stays its owner's. */
function isOfJobs({ state }: PrepareDeps): boolean {
  const stored = state.graph(JOB_GRAPH_NAME);
  return stored === undefined || stored.yaml === JOB_GRAPH_TEXT;
}

/** Those that the graph names, and no others. */
function filesOf(
  graph: Graph,
  given: Readonly<Record<string, string>>,
):
  | { readonly ok: true; readonly files: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly faults: readonly Fault[] } {
  const named = filesOfGraph(graph);
  const files = new Map<string, string>();
  const faults: Fault[] = [];
  for (const [path, sha256] of Object.entries(given)) {
    const plain = pathWithin(path);
    const at = `files${/^[\w-]+$/.test(path) ? `.${path}` : `[${JSON.stringify(path)}]`}`;
    if (plain === undefined || !named.has(plain)) {
      const known = named.size === 0 ? 'it names none' : `it names ${[...named.keys()].join(', ')}`;
      faults.push({ path: at, code: 'unknown_file', message: `no run module names this file: ${known}` });
    } else if (files.has(plain)) {
      faults.push({ path: at, code: 'duplicate', message: `${plain} is given twice` });
    } else if (!SHA256.test(sha256)) {
      faults.push({ path: at, code: 'bad_sha256', message: 'give 64 hexadecimal digits, lower case' });
    } else files.set(plain, sha256);
  }
  for (const [file, path] of named) {
    if (files.has(file)) continue;
    const message = `the file ${file} is not given: upload it as a blob, and give its SHA-256 in files of POST /v1/graphs`;
    faults.push({ path, code: 'missing_file', message });
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, files: Object.fromEntries(files) };
}

function badGraph(name: string | undefined, faults: readonly Fault[]): Refusal {
  const message = `${name === undefined ? 'the graph' : `graph ${name}`} has faults: ${summaryOf(faults)}`;
  return { ok: false, kind: 'invalid', code: 'bad_graph', message, details: faults };
}
