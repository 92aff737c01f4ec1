/** Services, which keep programs running on clusters: `tutti.services`. */
import { everyItem } from '../base/every-item.js';
import type { Placement, Routes, Service } from './generated/routes.js';
import type { Http } from './http.js';
import { askRoute, openRoute, type RequestOptions } from './route.js';
import { type Files, uploadAll } from './upload.js';

/** The description of a service; see `PUT /v1/services/{name}`. `files` are passed separately. */
export type GivenService = Omit<Routes['PUT /v1/services/{name}']['body'], 'files' | 'files_sha256'>;

type Command = Routes['POST /v1/services/{name}/commands']['body'];

const ANSWER_TIMEOUT_MS = 30_000;

export class Services {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /**
   * A new service, or the change of one: a change of what it runs renews its replicas one by one. `files`: by the path in the folder of the command,
   * the content.
   *
   * @example
   * await tutti.services.apply(
   *   'detect',
   *   { module: 'detect', count: 2, command: ['node', 'detect.js'] },
   *   { files: { 'detect.js': await readFile('detect.js') } },
   * );
   */
  async apply(
    name: string,
    service: GivenService,
    { files = {}, ...options }: RequestOptions & { readonly files?: Files } = {},
  ): Promise<Service> {
    const hashes = await uploadAll(this.#http, files, options.signal);
    // A script is in the folder by its own name.
    const beside = Object.keys(hashes).filter((path) => path !== service.script);
    const paths = Object.fromEntries(beside.map((path) => [path, path]));
    const body = {
      ...service,
      ...(Object.keys(hashes).length > 0 && { files: paths, files_sha256: hashes }),
    };
    return (await askRoute(this.#http, 'PUT /v1/services/{name}', { path: { name }, body }, options)).value;
  }

  /** By their names. */
  list(): AsyncGenerator<Service> {
    return everyItem(async (query) => (await askRoute(this.#http, 'GET /v1/services', { query })).value);
  }

  /** With its `health`, `reasons` and `replicas`. */
  async get(name: string, options: RequestOptions = {}): Promise<Service> {
    return (await askRoute(this.#http, 'GET /v1/services/{name}', { path: { name } }, options)).value;
  }

  async scale(name: string, count: number, options: RequestOptions = {}): Promise<Service> {
    return await this.#command(name, { command: 'scale', count }, options);
  }

  /** Renews its replicas, one by one. */
  async restart(name: string, options: RequestOptions = {}): Promise<Service> {
    return await this.#command(name, { command: 'restart' }, options);
  }

  /** Stops its replicas; `start` starts them again. */
  async stop(name: string, options: RequestOptions = {}): Promise<Service> {
    return await this.#command(name, { command: 'stop' }, options);
  }

  async start(name: string, options: RequestOptions = {}): Promise<Service> {
    return await this.#command(name, { command: 'start' }, options);
  }

  /** Its replicas are stopped; then it is gone. */
  async remove(name: string, options: RequestOptions = {}): Promise<void> {
    await askRoute(this.#http, 'DELETE /v1/services/{name}', { path: { name } }, options);
  }

  /** Each cluster with its score for one more replica, or with the reason why it is ruled out. */
  placement(name: string): AsyncGenerator<Placement> {
    const route = 'GET /v1/services/{name}/placement';
    return everyItem(async (query) => (await askRoute(this.#http, route, { path: { name }, query })).value);
  }

  /** The log of a replica's newest run so far. @param replica by default, the first one */
  async log(name: string, replica?: string, { signal }: RequestOptions = {}): Promise<string> {
    const query = replica === undefined ? {} : { replica };
    const response = await openRoute(
      this.#http,
      'GET /v1/services/{name}/log',
      { path: { name }, query },
      { timeoutMs: ANSWER_TIMEOUT_MS, ...(signal && { signal }) },
    );
    return await response.text();
  }

  async #command(name: string, body: Command, options: RequestOptions): Promise<Service> {
    const route = 'POST /v1/services/{name}/commands';
    return (await askRoute(this.#http, route, { path: { name }, body }, options)).value;
  }
}
