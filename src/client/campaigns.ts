/** Campaigns, series of iterations that run themselves: `tutti.campaigns`. */
import { everyItem } from '../base/every-item.js';
import type { Campaign, CampaignBegun, CampaignSummary, Routes } from './generated/routes.js';
import type { Http } from './http.js';
import { askRoute, type RequestOptions } from './route.js';

/** A new campaign; see `POST /v1/campaigns`. */
export type NewCampaign = Routes['POST /v1/campaigns']['body'];
type Command = Routes['POST /v1/campaigns/{campaign_id}/commands']['body']['command'];

export class Campaigns {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /**
   * Its iterations begin once every module has a ready node.
   *
   * @example
   * const { campaign_id } = await tutti.campaigns.run({
   *   name: 'learning rates',
   *   graph: 'training',
   *   input: { epochs: 3 },
   *   policy: {
   *     propose: { random: { '/rate': { min: 1e-5, max: 1e-1, log: true } }, seed: 1 },
   *     max_iterations: 40,
   *     max_parallel: 4,
   *     objective: { field: 'evaluate.loss', goal: 'min' },
   *   },
   * });
   */
  async run(campaign: NewCampaign, options: RequestOptions = {}): Promise<CampaignBegun> {
    return (await askRoute(this.#http, 'POST /v1/campaigns', { body: campaign }, options)).value;
  }

  /** Newest first. */
  list(): AsyncGenerator<CampaignSummary> {
    return everyItem(async (query) => (await askRoute(this.#http, 'GET /v1/campaigns', { query })).value);
  }

  /** With its `policy`, and the `input` of the best iteration. */
  async get(campaignId: string, options: RequestOptions = {}): Promise<Campaign> {
    const path = { campaign_id: campaignId };
    return (await askRoute(this.#http, 'GET /v1/campaigns/{campaign_id}', { path }, options)).value;
  }

  /** No further iteration begins until it is resumed. */
  async pause(campaignId: string, options: RequestOptions = {}): Promise<CampaignSummary> {
    return await this.#command(campaignId, 'pause', options);
  }

  async resume(campaignId: string, options: RequestOptions = {}): Promise<CampaignSummary> {
    return await this.#command(campaignId, 'resume', options);
  }

  /** One iteration of an interactive campaign. */
  async step(campaignId: string, options: RequestOptions = {}): Promise<CampaignSummary> {
    return await this.#command(campaignId, 'step', options);
  }

  /** No further iteration begins; those under way end. */
  async finish(campaignId: string, options: RequestOptions = {}): Promise<CampaignSummary> {
    return await this.#command(campaignId, 'finish', options);
  }

  /** Those under way are stopped. */
  async abort(campaignId: string, options: RequestOptions = {}): Promise<CampaignSummary> {
    return await this.#command(campaignId, 'abort', options);
  }

  async #command(campaignId: string, command: Command, options: RequestOptions): Promise<CampaignSummary> {
    const parts = { path: { campaign_id: campaignId }, body: { command } };
    return (await askRoute(this.#http, 'POST /v1/campaigns/{campaign_id}/commands', parts, options)).value;
  }
}
