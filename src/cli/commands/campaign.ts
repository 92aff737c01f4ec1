/** `tutti campaign`: series of iterations that run themselves. */
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { inertText } from '../../base/inert.js';
import { follow } from '../../client/follow.js';
import { readYaml } from '../../config/yaml/yaml.js';
import type { CampaignJson, ListedCampaignJson } from '../../contract/campaign.js';
import { CAMPAIGN_ENDS } from '../../model/campaign.js';
import { readBlueprintFile } from '../arguments/blueprint-file.js';
import { fileAtFault, readNamedFile } from '../arguments/named-file.js';
import { only } from '../arguments/short-ids.js';
import type { Client, Json } from '../client.js';
import { everyItem } from '../every-item.js';
import { CliError, EXIT } from '../exit.js';
import { type Io, writeLine } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';
import { eventLine } from '../tasks/event-line.js';

interface RunOptions extends CommonOptions {
  readonly wait?: boolean;
}

const COMMANDS = {
  pause: 'Begin no further iteration until the campaign is resumed',
  resume: 'Go on with a paused campaign',
  step: 'Begin one iteration of an interactive campaign',
  finish: 'Begin no further iteration, and end when those under way have ended',
  abort: 'Stop the iterations under way, and end',
} as const;

export function campaignCommand(program: Command, io: Io): void {
  const campaign = program.command('campaign').description('Run, list, show, step and end campaigns');

  clientCommand(campaign, 'run', 'Run the campaign of a file')
    .argument('<file>', 'YAML with name, graph, input and policy, and perhaps schedule and deployment')
    .option('--wait', 'wait until it ends; exit with 1 unless it completes')
    .action(async (file: string, { wait = false, ...options }: RunOptions) => {
      const session = openSession(options, io);
      const body = await readCampaign(session.client, file);
      const begun = await session.client.post('/v1/campaigns', body);
      if (wait) await finish(session, String(begun.campaign_id));
      else session.print(begun, () => String(begun.campaign_id));
    });

  clientCommand(campaign, 'list', 'List campaigns, newest first').action(async (options: CommonOptions) => {
    const session = openSession(options, io);
    const items = await everyItem(session.client, '/v1/campaigns');
    const columns = ['CAMPAIGN_ID', 'NAME', 'GRAPH', 'PHASE', 'ITERATIONS', 'BEST', 'SINCE'];
    session.print({ items, next_cursor: null }, () =>
      table(columns, (items as unknown as ListedCampaignJson[]).map(rowOf)),
    );
  });

  clientCommand(campaign, 'show', 'Show a campaign with its policy')
    .argument('<id>', 'its id, or the end of it')
    .action(async (id: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const { value } = await session.client.get<CampaignJson & Json>(await pathOf(session.client, id));
      session.print(value, () => describe(value));
    });

  for (const [command, meaning] of Object.entries(COMMANDS)) {
    clientCommand(campaign, command, meaning)
      .argument('<id>', 'its id, or the end of it')
      .action(async (id: string, options: CommonOptions) => {
        const session = openSession(options, io);
        const told = await session.client.post(`${await pathOf(session.client, id)}/commands`, { command });
        session.print(told, () => `${inertText(String(told.name))}  ${command} accepted`);
      });
  }
}

/** As it is written: the orchestrator reads it, and says what is wrong. The file of a blueprint is uploaded with those that it names. */
async function readCampaign(client: Client, file: string): Promise<Json> {
  const text = await readNamedFile('FILE', file);
  const read = readYaml(text, { file });
  if (!read.ok) throw fileAtFault('bad_campaign', file, read.faults);
  const campaign = read.value as Json;
  const named = blueprintOf(campaign);
  if (named === undefined) return campaign;
  const { body, files } = await readBlueprintFile(resolve(dirname(file), named.file));
  for (const one of files) await client.putFile(`/v1/blobs/${one.sha256}`, one.file);
  const { file: _, ...rest } = named;
  return { ...campaign, deployment: { ...rest, ...body } };
}

/** `deployment: { file: PATH, … }`, where that is what the campaign says. */
function blueprintOf(campaign: unknown): { readonly file: string } | undefined {
  const { deployment } = Object(campaign) as { readonly deployment?: unknown };
  const { file } = Object(deployment) as { readonly file?: unknown };
  return typeof file === 'string' ? (deployment as { readonly file: string }) : undefined;
}

async function pathOf(client: Client, text: string): Promise<string> {
  const ids = (await everyItem(client, '/v1/campaigns')).map(({ campaign_id }) => String(campaign_id));
  return `/v1/campaigns/${encodeURIComponent(only(text, ids, 'ID'))}`;
}

async function finish(session: Session, id: string): Promise<void> {
  const { io, json } = session;
  if (!json) writeLine(io.stdout, id);
  const campaign = await waitForEnd(session, id);
  session.print(campaign, () => describe(campaign));
  if (campaign.phase === 'completed') return;
  const message = campaign.error?.context.message ?? `campaign ${campaign.name} is ${campaign.phase}`;
  throw new CliError(EXIT.failed, campaign.error?.type ?? 'campaign_aborted', message, { answered: true });
}

async function waitForEnd({ client, io }: Session, id: string): Promise<CampaignJson & Json> {
  for (;;) {
    const { value, cursor } = await client.get<CampaignJson & Json>(`/v1/campaigns/${id}`);
    if (hasEnded(value)) return value;
    for await (const followed of follow(client, { cursor, problemId: id, signal: io.signal })) {
      if (followed.kind === 'gap') break;
      for (const event of followed.events) writeLine(io.stderr, eventLine(event));
      if (followed.events.some(({ type }) => ENDS.has(type))) break;
    }
    if (io.signal.aborted)
      throw new CliError(EXIT.failed, 'interrupted', 'Waiting was interrupted; the campaign continues.');
  }
}

const ENDS: ReadonlySet<string> = new Set(CAMPAIGN_ENDS.map((end) => `campaign.${end}`));

function hasEnded({ phase }: ListedCampaignJson): boolean {
  return CAMPAIGN_ENDS.some((end) => end === phase);
}

function rowOf(campaign: ListedCampaignJson): unknown[] {
  const { campaign_id, name, graph, iterations, max_iterations, best, updated_at } = campaign;
  return [
    ...[campaign_id, name, graph, standing(campaign)],
    ...[`${iterations}/${max_iterations}`, best?.value ?? null, updated_at],
  ];
}

function standing({ phase, paused }: ListedCampaignJson): string {
  return paused ? `${phase}, paused` : phase;
}

function describe(campaign: CampaignJson): string {
  const { name, graph, graph_version, iterations, max_iterations, best, policy, waits_for } = campaign;
  const { schedule, next_at, deployment } = campaign;
  const lines: (readonly [string, unknown])[] = [
    ['campaign', campaign.campaign_id],
    ['graph', `${graph} version ${graph_version}`],
    ['iterations', `${iterations} of at most ${max_iterations}`],
    ['under way', campaign.running.join(', ') || '-'],
    ['proposals', JSON.stringify(policy.propose)],
    ...(deployment ? ([['deployment', deployment.name]] as const) : []),
    ...(schedule ? ([['schedule', `${schedule.cron} (${schedule.time_zone})`]] as const) : []),
    ...(next_at === null ? [] : ([['next', next_at]] as const)),
    ...(policy.until === null ? [] : ([['until', policy.until]] as const)),
    ...(best ? ([['best', `${best.value} (iteration ${best.iteration_id})`]] as const) : []),
    ...(best ? ([['its input', JSON.stringify(best.input)]] as const) : []),
    ...(campaign.ended_by === null ? [] : ([['ended by', campaign.ended_by]] as const)),
    ...(waits_for.length > 0 ? ([['waits for', waits_for.join(', ')]] as const) : []),
    ...(campaign.error ? ([[campaign.error.type, campaign.error.context.message]] as const) : []),
  ];
  return [inertText(`${name}  ${standing(campaign)}`), '', table(['FIELD', 'VALUE'], lines)].join('\n');
}
