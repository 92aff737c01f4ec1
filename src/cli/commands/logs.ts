/** The commands that print what happened, line by line: `logs` and `events`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { follow, type StreamedEvent } from '../../client/follow.js';
import { taskIdOf } from '../arguments/short-ids.js';
import { CliError, EXIT } from '../exit.js';
import { type Io, writeJson, writeLine } from '../io.js';
import { LEVELS, type Level, logLineOf, printLogLine } from '../print/log-line.js';
import { paintOf } from '../print/paint.js';
import { type CommonOptions, clientCommand, openSession, type Session } from '../program.js';
import { printEvent } from '../tasks/event-line.js';
import { taskEvents } from '../tasks/task-events.js';

interface LogsOptions extends CommonOptions {
  readonly module?: string;
  readonly level: Level;
  readonly grep?: string;
  readonly follow?: boolean;
}

export function logsCommand(program: Command, io: Io): void {
  clientCommand(program, 'logs', "Print a task's log: the lines of all its executions, and their errors")
    .argument('<task_id>')
    .option('--module <module>', 'only the lines of this module')
    .addOption(
      new Option('--level <level>', 'only lines of this level and above').choices(LEVELS).default('debug'),
    )
    .option('--grep <text>', 'only lines whose message contains this text, ignoring case')
    .option('-f, --follow', 'follow until the task ends')
    .action(async (id: string, options: LogsOptions) => {
      const session = openSession(options, io);
      const { module, level, grep = '', follow: goesOn = false } = options;
      const paint = paintOf(io);
      const events = taskEvents(session.client, await taskIdOf(session.client, id), {
        follow: goesOn,
        signal: io.signal,
      });
      for await (const event of events) {
        const line = logLineOf(event);
        if (line === undefined || (module !== undefined && line.module !== module)) continue;
        if (LEVELS.indexOf(line.level) < LEVELS.indexOf(level)) continue;
        if (!line.message.toLowerCase().includes(grep.toLowerCase())) continue;
        if (session.json) writeJson(io.stdout, line);
        // Inert already, apart from its colours.
        else io.stdout.write(`${printLogLine(line, paint)}\n`);
      }
    });
}

interface EventsOptions extends CommonOptions {
  readonly node?: string;
  readonly after?: number;
  readonly type?: string;
  readonly module?: string;
  readonly follow?: boolean;
}

/** Of all events, unless `--after` says where to begin. */
const NEWEST = 100;

export function eventsCommand(program: Command, io: Io): void {
  clientCommand(program, 'events', 'Print events: those of a task, of a node, or the newest of all')
    .argument('[task_id]')
    .option('--node <node_id>', 'only events of this node')
    .option(
      '--after <seq>',
      `those after this one (without a task or node; default the newest ${NEWEST})`,
      seq,
    )
    .option('--type <type>', 'only events of this type or group of types: `execution`, `node.dead`')
    .option('--module <module>', 'only events of this module')
    .option('-f, --follow', 'follow until the task ends, or until Ctrl-C')
    .action(async (id: string | undefined, options: EventsOptions) => {
      if (id !== undefined && options.node !== undefined)
        throw new CliError(EXIT.badInput, 'bad_usage', 'Give a TASK_ID or --node, not both.');
      const session = openSession(options, io);
      for await (const event of await chosen(session, id, options))
        if (isWanted(event, options)) printEvent(session, event);
    });
}

async function chosen(
  session: Session,
  id: string | undefined,
  { node, after, follow: goesOn = false }: EventsOptions,
): Promise<AsyncIterable<StreamedEvent>> {
  const { client, io } = session;
  if (id !== undefined)
    return taskEvents(client, await taskIdOf(client, id), { follow: goesOn, signal: io.signal });
  if (node !== undefined) return nodeEvents(session, node, goesOn);
  return allEvents(session, after, goesOn);
}

function isWanted(event: StreamedEvent, { type, module }: EventsOptions): boolean {
  const fits = type === undefined || event.type === type || event.type.startsWith(`${type}.`);
  return fits && (module === undefined || event.module === module);
}

async function* allEvents(
  session: Session,
  given: number | undefined,
  goesOn: boolean,
): AsyncGenerator<StreamedEvent> {
  const { client, io } = session;
  const { cursor: newest } = await client.get('/v1/stats');
  const after = given ?? Math.max(0, newest - NEWEST);
  if (after >= newest && !goesOn) return;
  for await (const followed of follow(client, { cursor: after, signal: io.signal })) {
    if (followed.kind === 'gap') {
      writeLine(io.stderr, `events ${followed.from} to ${followed.to} are no longer available`);
      if (followed.to >= newest && !goesOn) return;
      continue;
    }
    for (const event of followed.events) {
      if (event.seq > newest && !goesOn) return;
      yield event;
      if (event.seq === newest && !goesOn) return;
    }
  }
}

/** Oldest first, as all lists of events; the orchestrator looks through them from the newest. */
async function* nodeEvents(session: Session, node: string, goesOn: boolean): AsyncGenerator<StreamedEvent> {
  const { client, io } = session;
  const path = `/v1/nodes/${encodeURIComponent(node)}/events`;
  const { value, cursor } = await client.get<{ items: StreamedEvent[] }>(path, { limit: NEWEST });
  yield* value.items.reverse();
  if (!goesOn) return;
  for await (const followed of follow(client, { cursor, signal: io.signal })) {
    if (followed.kind === 'gap') continue;
    yield* followed.events.filter((event) => event.node_id === node);
  }
}

function seq(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is the seq of an event: a whole number from 0.');
}
