/** `tutti run`, `tutti jobs` and `tutti job`: scripts on clusters. */
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type Fault, messageOf } from '../../base/errors.js';
import { issuesToFaults } from '../../config/faults.js';
import { JobFileSchema } from '../../config/forms/job-schema.js';
import { withPlaces } from '../../config/yaml/places.js';
import { readYaml } from '../../config/yaml/yaml.js';
import { DEFAULT_PROJECT } from '../../model/access.js';
import { JOB_STATES } from '../../model/job.js';
import { shortId } from '../../model/short-id.js';
import { fileAtFault, readNamedFile } from '../arguments/named-file.js';
import { problemIdOf } from '../arguments/short-ids.js';
import type { Client, Json } from '../client.js';
import { finishCommand } from '../command-outcome.js';
import { CliError, EXIT } from '../exit.js';
import { type Io, writeJson, writeLine } from '../io.js';
import { printLog } from '../print/print-log.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';
import { eventLine } from '../tasks/event-line.js';
import { taskIdArgument, waitForTask } from '../tasks/task.js';
import { taskEvents } from '../tasks/task-events.js';

interface RunOptions extends CommonOptions {
  readonly wait?: boolean;
  readonly cluster?: string;
}

interface ListOptions extends CommonOptions {
  readonly cluster?: string;
  readonly state?: string;
  readonly jobType?: string;
}

interface JobOptions extends CommonOptions {
  readonly log?: boolean;
  readonly follow?: boolean;
}

export function jobCommands(program: Command, io: Io): void {
  clientCommand(program, 'run', 'Run a script on a cluster')
    .argument('<job.yaml>', 'a file with its name, the path of its script, and its requirements')
    .option('--wait', 'wait until the job ends; exit with 1 unless it completes')
    .option('--cluster <name>', 'the cluster to run it on, instead of the one in the file')
    .action(async (file: string, options: RunOptions) => {
      const body = await readJob(file, options.cluster);
      const session = openSession(options, io);
      const begun = await session.client.post('/v1/jobs', body);
      await finish(session, begun, options.wait ?? false);
    });

  clientCommand(program, 'jobs', 'List jobs, newest first')
    .option('--cluster <name>', 'only jobs of this cluster')
    .addOption(new Option('--state <state>', 'only entries in this state').choices(JOB_STATES))
    .option('--job-type <type>', 'only those of this type')
    .action(async (options: ListOptions) => {
      const session = openSession(options, io);
      const { cluster, state, jobType } = options;
      const query = { limit: 1000, cluster, state, job_type: jobType };
      const { value } = await session.client.get<{ items: readonly Json[] }>('/v1/jobs', query);
      session.print(value, () => {
        // Where nobody has made projects, all are of the same.
        const isNamed = value.items.some(({ project }) => project !== DEFAULT_PROJECT);
        return table(
          [
            ...['JOB_ID', 'NAME', 'CLUSTER', 'STATE', 'EXIT', 'ENGINE_ID', 'SUBMITTED'],
            ...(isNamed ? ['PROJECT'] : []),
          ],
          value.items.map((job) => [
            ...[shortId(String(job.job_id)), job.name, job.cluster, job.state, job.exit_code, job.engine_id],
            ...[job.submitted_at, ...(isNamed ? [job.project] : [])],
          ]),
        );
      });
    });

  clientCommand(program, 'job', 'Show a job, print its log, or cancel it')
    .argument('<job_id>')
    .argument('[command]', 'cancel')
    .option('--log', 'print its log')
    .option('-f, --follow', 'print its log until it ends')
    .action(async (id: string, command: string | undefined, options: JobOptions) => {
      const session = openSession(options, io);
      const path = `/v1/jobs/${encodeURIComponent(await problemIdOf(session.client, id))}`;
      if (command === 'cancel') {
        await finishCommand(session, await session.client.post(`${path}/cancel`, {}));
      } else if (command !== undefined) {
        const message = `${JSON.stringify(command)} is not a command of a job: there is cancel`;
        throw new CliError(EXIT.badInput, 'bad_usage', message);
      } else if (options.follow) await follow(session, path);
      else if (options.log) await printLog(session, `${path}/log`);
      else await show(session, path);
    });
}

/** The body of the request. Throws `bad_job` with every fault. */
async function readJob(file: string, cluster: string | undefined): Promise<Json> {
  const yaml = await readNamedFile('JOB.YAML', file);
  const read = readYaml(yaml, { file });
  if (!read.ok) throw badJob(file, yaml, read.faults);
  const parsed = JobFileSchema.safeParse(read.value);
  if (!parsed.success) throw badJob(file, yaml, issuesToFaults(parsed.error, read.value));
  const path = resolve(dirname(file), parsed.data.script_path);
  const script = await readNamedFile('script_path', path).catch((thrown: unknown) => {
    const fault = { path: 'script_path', code: 'unreadable_script', message: messageOf(thrown) };
    throw badJob(file, yaml, [fault]);
  });
  // As they were written: the orchestrator reads them by the same rules.
  const { script_path: _, ...fields } = read.value as Json;
  return { ...fields, script, ...(cluster !== undefined && { cluster }) };
}

function badJob(file: string, yaml: string, faults: readonly Fault[]): CliError {
  return fileAtFault('bad_job', file, withPlaces(faults, yaml));
}

async function finish(session: Session, begun: Json, wait: boolean): Promise<void> {
  const { client, json, io } = session;
  const jobId = String(begun.job_id);
  if (!wait) return session.print(begun, () => jobId);
  if (!json) writeLine(io.stdout, jobId);
  await waitForTask(client, taskIdArgument(String(begun.task_id)), io.signal, {
    onEvent: (event) => writeLine(io.stderr, eventLine(event)),
  });
  const job = await jobAt(client, `/v1/jobs/${jobId}`);
  session.print(job, () => describe(job));
  demandCompletion(job);
}

async function jobAt(client: Client, path: string): Promise<Json> {
  return (await client.get(path)).value;
}

async function show(session: Session, path: string): Promise<void> {
  const job = await jobAt(session.client, path);
  session.print(job, () => describe(job));
}

async function follow({ client, json, io }: Session, path: string): Promise<void> {
  const job = await jobAt(client, path);
  const events = taskEvents(client, taskIdArgument(String(job.task_id)), { follow: true, signal: io.signal });
  for await (const event of events) {
    if (event.type !== 'execution.log') continue;
    const { stream } = event.fields as { readonly stream?: string };
    if (json) writeJson(io.stdout, event);
    else if (stream !== undefined) writeLine(io.stdout, String(event.message));
  }
}

function describe(job: Json): string {
  return table(
    ['FIELD', 'VALUE'],
    Object.entries(job).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? JSON.stringify(value) : value,
    ]),
  );
}

/** Throws `job_failed` or `job_cancelled` unless it has completed. */
function demandCompletion(job: Json): void {
  if (job.state === 'COMPLETED') return;
  const { code, message } = (job.error ?? {}) as { readonly code?: string; readonly message?: string };
  const because = code === undefined ? '' : `: ${code}: ${message}`;
  const ended = job.state === 'CANCELLED' ? 'job_cancelled' : 'job_failed';
  throw new CliError(EXIT.failed, ended, `Job ${String(job.job_id)} is ${String(job.state)}${because}`, {
    answered: true,
  });
}
