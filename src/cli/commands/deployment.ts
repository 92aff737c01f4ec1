/** `tutti deploy`, `tutti deployments` and `tutti deployment`: applications that are brought up and taken down as a whole. */
import type { Command } from 'commander';
import { inertText } from '../../base/inert.js';
import type {
  ComponentJson,
  DeploymentChangesJson,
  DriftJson,
  FailedStepJson,
  OperationJson,
} from '../../contract/deployment.js';
import type { Blueprint } from '../../model/blueprint.js';
import { readBlueprintFile } from '../arguments/blueprint-file.js';
import type { Json } from '../client.js';
import { finishCommand } from '../command-outcome.js';
import { everyItem } from '../every-item.js';
import { CliError, EXIT } from '../exit.js';
import { type Io, writeLine } from '../io.js';
import { printLog } from '../print/print-log.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';
import { eventLine } from '../tasks/event-line.js';
import { taskIdArgument, waitForTask } from '../tasks/task.js';

interface DeployOptions extends CommonOptions {
  readonly name?: string;
  readonly input: readonly string[];
  readonly wait?: boolean;
}

interface OperateOptions extends CommonOptions {
  readonly input: readonly string[];
  readonly wait?: boolean;
  readonly clean?: boolean;
}

const COMMANDS = ['show', 'update', 'diff', 'continue', 'undeploy', 'cancel', 'history', 'log'] as const;

export function deploymentCommands(program: Command, io: Io): void {
  clientCommand(program, 'deploy', 'Deploy a blueprint')
    .argument('<file>', 'its YAML file, ours or a TOSCA template, or a TOSCA archive (.csar, .zip)')
    .option('--name <name>', 'the name of the deployment (default: the name of the blueprint)')
    .option('--input <key=value>', 'an input of the blueprint; repeatable', collect, [])
    .option('--wait', 'wait until it ends; exit with 1 unless it is deployed')
    .action(async (file: string, options: DeployOptions) => {
      const session = openSession(options, io);
      const begun = await session.client.post('/v1/deployments', {
        ...(options.name !== undefined && { name: options.name }),
        ...(await sentBlueprint(session, file, options.input)),
      });
      await finish(session, begun, options.wait ?? false, 'deployed');
    });

  clientCommand(program, 'deployments', 'List deployments, newest first').action(
    async (options: CommonOptions) => {
      const session = openSession(options, io);
      const items = await everyItem(session.client, '/v1/deployments');
      session.print({ items, next_cursor: null }, () =>
        table(
          ['NAME', 'STATE', 'OPERATION', 'SINCE', 'MESSAGE'],
          items.map(({ name, state, operation, updated_at, message }) => [
            ...[name, state, operation, updated_at, message],
          ]),
        ),
      );
    },
  );

  clientCommand(
    program,
    'deployment',
    'Show, update, compare, continue, undeploy or cancel a deployment, or list its operations',
  )
    .argument('<name>', 'its name or its id')
    .argument('[command]', COMMANDS.join(', '), 'show')
    .argument('[what]', 'for update and diff: the blueprint; for log: the operation (default: the newest)')
    .option(
      '--input <key=value>',
      'for update and diff: an input of the blueprint; repeatable; the others keep their values',
      collect,
      [],
    )
    .option('--wait', 'for update, continue and undeploy: wait until it ends; exit with 1 unless it succeeds')
    .option('--clean', 'for continue: start from the beginning, and repeat finished steps')
    .action(async (name: string, command: string, what: string | undefined, options: OperateOptions) => {
      const session = openSession(options, io);
      await act(session, {
        path: `/v1/deployments/${encodeURIComponent(name)}`,
        command,
        what,
        options,
      });
    });
}

/** The body of a request with a blueprint, whose files are uploaded. */
async function sentBlueprint(session: Session, file: string, inputs: readonly string[]): Promise<Json> {
  const { blueprint, body, files } = await readBlueprintFile(file);
  for (const one of files) await session.client.putFile(`/v1/blobs/${one.sha256}`, one.file);
  return { ...body, inputs: inputsOf(blueprint, inputs) };
}

interface Asked {
  readonly path: string;
  readonly command: string;
  readonly what: string | undefined;
  readonly options: OperateOptions;
}

async function act(session: Session, { path, command, what, options }: Asked): Promise<void> {
  const { client } = session;
  const { wait = false, clean } = options;
  switch (command) {
    case 'show': {
      const { value } = await client.get(path);
      return session.print(value, () => describe(value));
    }
    case 'update': {
      const begun = await client.post(`${path}/update`, await sentUpdate(session, what, options));
      return finish(session, begun, wait, 'deployed');
    }
    case 'diff': {
      const changes = await client.post(`${path}/diff`, await sentUpdate(session, what, options));
      return session.print(changes, () => describeChanges(changes as unknown as DeploymentChangesJson));
    }
    case 'continue': {
      const begun = await client.post(`${path}/continue`, clean ? { clean } : {});
      return finish(session, begun, wait, undefined);
    }
    case 'undeploy':
      return finish(session, await client.post(`${path}/undeploy`, {}), wait, 'undeployed');
    case 'cancel':
      return finishCommand(session, await client.post(`${path}/cancel`, {}));
    case 'history': {
      const items = await everyItem(client, `${path}/operations`);
      return session.print({ items, next_cursor: null }, () => history(items as unknown as OperationJson[]));
    }
    case 'log': {
      const which = what ?? String((await client.get(path)).value.operation_id);
      return printLog(session, `${path}/operations/${encodeURIComponent(which)}/log`);
    }
    default: {
      const message = `${JSON.stringify(command)} is not a command of a deployment: there are ${COMMANDS.join(', ')}`;
      throw new CliError(EXIT.badInput, 'bad_usage', message);
    }
  }
}

async function sentUpdate(
  session: Session,
  file: string | undefined,
  { input }: OperateOptions,
): Promise<Json> {
  if (file === undefined) throw new CliError(EXIT.badInput, 'bad_usage', 'give the file of the blueprint');
  return sentBlueprint(session, file, input);
}

function describeChanges({ added, removed, changed, may_change }: DeploymentChangesJson): string {
  const rows = [
    ...added.map((name) => [name, 'added', '']),
    ...removed.map((name) => [name, 'removed', '']),
    ...changed.map(({ name, fields }) => [name, 'changed', fields.join(', ')]),
    ...may_change.map(({ name, fields }) => [name, 'may change', fields.join(', ')]),
  ];
  return rows.length === 0 ? 'nothing changes' : table(['COMPONENT', 'CHANGE', 'FIELDS'], rows);
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** A text stays one where the blueprint asks for a text; anything else is read as JSON. */
function inputsOf({ inputs }: Blueprint, given: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at < 1)
        throw new CliError(EXIT.badInput, 'bad_value', `--input is ${JSON.stringify(text)}: give NAME=VALUE`);
      const [name, value] = [text.slice(0, at), text.slice(at + 1)];
      const type = inputs[name]?.type ?? 'string';
      return [name, type === 'string' ? value : jsonOf(name, value)];
    }),
  );
}

function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError(
      EXIT.badInput,
      'bad_value',
      `--input ${name} is ${JSON.stringify(text)}, which is not JSON`,
    );
  }
}

/** `end`: the state that it is to come to; without it, the one that its operation leads to. */
async function finish(session: Session, begun: Json, wait: boolean, end: string | undefined): Promise<void> {
  const { client, json, io } = session;
  const id = String(begun.deployment_id);
  if (!wait) return session.print(begun, () => String(begun.task_id));
  if (!json) writeLine(io.stdout, String(begun.task_id));
  await waitForTask(client, taskIdArgument(String(begun.task_id)), io.signal, {
    onEvent: (event) => writeLine(io.stderr, eventLine(event)),
  });
  const { value } = await client.get(`/v1/deployments/${id}`);
  session.print(value, () => describe(value));
  const isThere = end === undefined ? value.state !== 'failed' : value.state === end;
  if (!isThere)
    throw new CliError(EXIT.failed, 'not_deployed', `${value.name} is ${value.state}`, {
      answered: true,
    });
}

function describe(deployment: Json): string {
  const components = deployment.components as Readonly<Record<string, ComponentJson>>;
  const outputs = Object.entries(deployment.outputs as Json);
  const failed = deployment.failed as FailedStepJson | null;
  return [
    `${deployment.name}  ${deployment.state}  version ${deployment.version}  (${deployment.operation}, ${deployment.task_id})`,
    ...(failed ? [inertText(`${failed.component} ${failed.operation}${on(failed)}: ${failed.message}`)] : []),
    ...(deployment.reasons as readonly string[]).map(inertText),
    ...(deployment.drift as readonly DriftJson[]).map(({ component, message }) =>
      inertText(`${component}: ${message}`),
    ),
    ...(deployment.message !== null && !failed ? [inertText(String(deployment.message))] : []),
    '',
    table(
      ['COMPONENT', 'STATE', 'CLUSTER', 'ATTRIBUTES'],
      Object.entries(components).map(([name, { state, cluster, attributes, replicas }]) => [
        ...[name, state, cluster ?? clustersOf(replicas), JSON.stringify(attributes)],
      ]),
    ),
    ...(outputs.length > 0 ? ['', table(['OUTPUT', 'VALUE'], outputs.map(shownOutput))] : []),
  ].join('\n');
}

function on({ cluster }: FailedStepJson): string {
  return cluster === null ? '' : ` on ${cluster}`;
}

/** Where the replicas of a service are, each cluster once. */
function clustersOf(replicas: ComponentJson['replicas'] = []): string | null {
  const clusters = new Set(replicas.flatMap(({ cluster }) => cluster ?? []));
  return clusters.size > 0 ? [...clusters].join(', ') : null;
}

function shownOutput([name, value]: [string, unknown]): [string, unknown] {
  return [name, typeof value === 'string' ? value : JSON.stringify(value)];
}

function history(operations: readonly OperationJson[]): string {
  const columns = ['NUMBER', 'OPERATION', 'STATE', 'BEGUN', 'ENDED', 'STEPS'];
  const rows = operations.map(({ operation_id, operation, state, created_at, finished_at, steps }) => [
    ...[operation_id, operation, state, created_at, finished_at],
    steps.map(({ component, operation: of, state }) => `${component} ${of} ${state}`).join(', '),
  ]);
  return table(columns, rows);
}
