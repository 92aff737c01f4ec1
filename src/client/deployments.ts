/** Applications that are brought up and taken down as a whole: `tutti.deployments`. */
import { everyItem } from '../base/every-item.js';
import type {
  Deployment,
  DeploymentChanges,
  DeploymentSummary,
  Operation,
  OperationBegun,
} from './generated/routes.js';
import type { Http } from './http.js';
import { askRoute, openRoute, type RequestOptions } from './route.js';
import { type Files, upload, uploadAll } from './upload.js';

export interface UpdateOptions extends RequestOptions {
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** By the path that the blueprint has for it, the content of each file that it names. */
  readonly files?: Files;
}

export interface DeployOptions extends UpdateOptions {
  /** @default that of the blueprint */
  readonly name?: string;
}

const ANSWER_TIMEOUT_MS = 30_000;

export class Deployments {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /**
   * Begins to bring an application up; the operation is a task, which `tutti.iteration(…)` watches. `blueprint`: its YAML, or that of a TOSCA
   * template; or the bytes of a TOSCA archive (CSAR), which has its own files.
   *
   * @example
   * const { task_id } = await tutti.deployments.deploy(await readFile('shop.yaml', 'utf8'), {
   *   inputs: { model: 'large' },
   *   files: { 'install.sh': await readFile('install.sh') },
   * });
   */
  async deploy(
    blueprint: string | Uint8Array,
    { name, inputs = {}, files = {}, ...options }: DeployOptions = {},
  ): Promise<OperationBegun> {
    const sent = await this.#send(blueprint, files, options);
    const body = { ...(name !== undefined && { name }), ...sent, inputs };
    return (await askRoute(this.#http, 'POST /v1/deployments', { body }, options)).value;
  }

  /** Changes it into what another blueprint says. Inputs that are not given keep their values. */
  async update(
    which: string,
    blueprint: string | Uint8Array,
    { inputs = {}, files = {}, ...options }: UpdateOptions = {},
  ): Promise<OperationBegun> {
    const body = { ...(await this.#send(blueprint, files, options)), inputs };
    const route = 'POST /v1/deployments/{deployment_id}/update';
    return (await askRoute(this.#http, route, { path: { deployment_id: which }, body }, options)).value;
  }

  /** What an update would do. */
  async diff(
    which: string,
    blueprint: string | Uint8Array,
    { inputs = {}, files = {}, ...options }: UpdateOptions = {},
  ): Promise<DeploymentChanges> {
    const body = { ...(await this.#send(blueprint, files, options)), inputs };
    const route = 'POST /v1/deployments/{deployment_id}/diff';
    return (await askRoute(this.#http, route, { path: { deployment_id: which }, body }, options)).value;
  }

  /** The blueprint or the archive as a request has it, with the hashes of its files, which are uploaded. */
  async #send(
    blueprint: string | Uint8Array,
    files: Files,
    { signal }: RequestOptions,
  ): Promise<
    ({ readonly blueprint: string } | { readonly csar: string }) & { files: Record<string, string> }
  > {
    const hashes = await uploadAll(this.#http, files, signal);
    const what =
      typeof blueprint === 'string' ? { blueprint } : { csar: await upload(this.#http, blueprint, signal) };
    return { ...what, files: hashes };
  }

  /** The newest first. */
  list(): AsyncGenerator<DeploymentSummary> {
    return everyItem(async (query) => (await askRoute(this.#http, 'GET /v1/deployments', { query })).value);
  }

  /** With its components and outputs. `which`: its name or its id. */
  async get(which: string, options: RequestOptions = {}): Promise<Deployment> {
    const route = 'GET /v1/deployments/{deployment_id}';
    return (await askRoute(this.#http, route, { path: { deployment_id: which } }, options)).value;
  }

  /** Goes on with one that has failed. `clean`: from the beginning, whatever has been done. */
  async continue(
    which: string,
    { clean, ...options }: RequestOptions & { readonly clean?: boolean } = {},
  ): Promise<OperationBegun> {
    const route = 'POST /v1/deployments/{deployment_id}/continue';
    const body = clean === undefined ? {} : { clean };
    return (await askRoute(this.#http, route, { path: { deployment_id: which }, body }, options)).value;
  }

  async undeploy(which: string, options: RequestOptions = {}): Promise<OperationBegun> {
    const route = 'POST /v1/deployments/{deployment_id}/undeploy';
    return (await askRoute(this.#http, route, { path: { deployment_id: which }, body: {} }, options)).value;
  }

  /** Stops the operation that is under way. */
  async cancel(which: string, options: RequestOptions = {}): Promise<void> {
    const route = 'POST /v1/deployments/{deployment_id}/cancel';
    await askRoute(this.#http, route, { path: { deployment_id: which }, body: {} }, options);
  }

  /** The oldest first, each with its steps. */
  operations(which: string): AsyncGenerator<Operation> {
    const route = 'GET /v1/deployments/{deployment_id}/operations';
    const path = { deployment_id: which };
    return everyItem(async (query) => (await askRoute(this.#http, route, { path, query })).value);
  }

  /** The log of an operation's steps so far. @param operation by default, the newest one */
  async log(which: string, operation?: number, options: RequestOptions = {}): Promise<string> {
    const operationId = operation ?? (await this.get(which, options)).operation_id;
    const response = await openRoute(
      this.#http,
      'GET /v1/deployments/{deployment_id}/operations/{operation_id}/log',
      { path: { deployment_id: which, operation_id: operationId } },
      { timeoutMs: ANSWER_TIMEOUT_MS, ...(options.signal && { signal: options.signal }) },
    );
    return await response.text();
  }
}
