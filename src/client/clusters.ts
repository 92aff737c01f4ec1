/** The places where commands run: `tutti.clusters`. */
import { everyItem } from '../base/every-item.js';
import type { Cluster, Routes } from './generated/routes.js';
import type { Http } from './http.js';
import { askRoute, type RequestOptions } from './route.js';

/** A new cluster; see `POST /v1/clusters`. */
export type NewCluster = Routes['POST /v1/clusters']['body'];

/** `labels` are all that it has from then on. */
export type ClusterChange = Routes['PATCH /v1/clusters/{name}']['body'];

export class Clusters {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** By their names. */
  list(): AsyncGenerator<Cluster> {
    return everyItem(async (query) => (await askRoute(this.#http, 'GET /v1/clusters', { query })).value);
  }

  async get(name: string, options: RequestOptions = {}): Promise<Cluster> {
    return (await askRoute(this.#http, 'GET /v1/clusters/{name}', { path: { name } }, options)).value;
  }

  /** `await tutti.clusters.add({ name: 'hpc', type: 'slurm', host: 'login', user: 'me', slots: 50 })` */
  async add(cluster: NewCluster, options: RequestOptions = {}): Promise<Cluster> {
    return (await askRoute(this.#http, 'POST /v1/clusters', { body: cluster }, options)).value;
  }

  /** `status: 'draining'`: it gets no new work, and its replicas are moved. */
  async change(name: string, change: ClusterChange, options: RequestOptions = {}): Promise<Cluster> {
    const parts = { path: { name }, body: change };
    return (await askRoute(this.#http, 'PATCH /v1/clusters/{name}', parts, options)).value;
  }

  /** Refused with `cluster_in_use` while something runs there. */
  async remove(name: string, options: RequestOptions = {}): Promise<void> {
    await askRoute(this.#http, 'DELETE /v1/clusters/{name}', { path: { name } }, options);
  }
}
