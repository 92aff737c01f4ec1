/** `tutti problem`: what people say about a problem. */
import { buffer } from 'node:stream/consumers';
import { Argument, type Command } from 'commander';
import { decodeText } from '../../base/decode-text.js';
import { ClientError } from '../../client/errors.js';
import { readNamedFile } from '../arguments/named-file.js';
import { problemIdOf } from '../arguments/short-ids.js';
import type { Client, Json } from '../client.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';
import { problemPath } from '../tasks/task.js';

interface SetOptions extends CommonOptions {
  readonly title?: string;
  readonly tags?: string;
  readonly notes?: string;
}

interface Remarks {
  readonly tags: readonly string[];
  readonly notes: string;
}

const COMMANDS = ['set', 'tag', 'untag', 'star', 'unstar', 'archive', 'unarchive', 'note'] as const;
type Verb = (typeof COMMANDS)[number];

/** Somebody else may write at the same moment; nobody does so this often. */
const ATTEMPTS = 5;

export function problemCommand(program: Command, io: Io): void {
  clientCommand(program, 'problem', 'Change the title, tags or notes of a problem, star it or archive it')
    .argument('<problem_id>')
    .addArgument(new Argument('<command>').choices(COMMANDS))
    .argument('[text...]', 'with tag and untag: the tags; with note: a paragraph to add, or - for stdin')
    .option('--title <title>', 'with set: its title; "" removes it')
    .option('--tags <tags>', 'with set: all its tags, separated by commas')
    .option('--notes <file|->', 'with set: a Markdown file with its notes, or - for stdin')
    .action(async (given: string, command: Verb, texts: readonly string[], options: SetOptions) => {
      const session = openSession(options, io);
      const change = await changeOf(command, texts, options, io);
      const path = problemPath(await problemIdOf(session.client, given));
      const changed = await changeProblem(session.client, path, change);
      session.print(changed, () => describeRemarks(changed).join('\n'));
    });
}

/** Either the fields themselves, or what they become from what they are. */
type Change = Json | ((now: Remarks) => Json);

async function changeOf(
  command: Verb,
  texts: readonly string[],
  options: SetOptions,
  io: Io,
): Promise<Change> {
  const takesTexts = command === 'tag' || command === 'untag' || command === 'note';
  if (takesTexts === (texts.length === 0)) throw misused(command, takesTexts);
  switch (command) {
    case 'set':
      return setBy(options, io);
    case 'tag':
      return ({ tags }) => ({ tags: [...new Set([...tags, ...texts])] });
    case 'untag':
      return ({ tags }) => ({ tags: tags.filter((tag) => !texts.includes(tag)) });
    case 'note': {
      const text = texts.join(' ') === '-' ? decodeText(await buffer(io.stdin)) : texts.join(' ');
      return ({ notes }) => ({ notes: notes === '' ? text : `${notes.trimEnd()}\n\n${text}` });
    }
    case 'star':
    case 'unstar':
      return { starred: command === 'star' };
    case 'archive':
    case 'unarchive':
      return { archived: command === 'archive' };
    default:
      return command satisfies never;
  }
}

async function setBy({ title, tags, notes }: SetOptions, io: Io): Promise<Json> {
  if (title === undefined && tags === undefined && notes === undefined) {
    const message = '`tutti problem PROBLEM_ID set` needs --title, --tags or --notes.';
    throw new CliError(EXIT.badInput, 'missing_argument', message);
  }
  const listed = tags?.split(',').map((tag) => tag.trim());
  return {
    ...(title !== undefined && { title }),
    ...(listed !== undefined && { tags: listed.filter((tag) => tag !== '') }),
    ...(notes !== undefined && { notes: await readNamedFile('--notes', notes, io.stdin) }),
  };
}

function misused(command: Verb, takesTexts: boolean): CliError {
  const [code, message] = takesTexts
    ? ['missing_argument', `TEXT: \`tutti problem PROBLEM_ID ${command} TEXT\` needs it.`]
    : ['bad_usage', `\`tutti problem PROBLEM_ID ${command}\` takes no further arguments.`];
  return new CliError(EXIT.badInput, code, message);
}

async function changeProblem(client: Client, path: string, change: Change): Promise<Json> {
  if (typeof change !== 'function') return client.patch(path, change);
  for (let attempt = 1; ; attempt += 1) {
    const { value } = await client.get<Remarks & { readonly revision: number }>(path);
    try {
      return await client.patch(path, change(value), { revision: value.revision });
    } catch (thrown) {
      const isOutdated = thrown instanceof ClientError && thrown.code === 'revision_outdated';
      if (!isOutdated || attempt === ATTEMPTS) throw thrown;
    }
  }
}

/** Lines with what people have said, as far as they have said anything. */
export function describeRemarks(problem: Json): string[] {
  const { title, tags, notes, starred, archived } = problem as Json & Partial<Remarks>;
  const kept = [...(starred === true ? ['starred'] : []), ...(archived === true ? ['archived'] : [])];
  return [
    [String(problem.problem_id), title ? String(title).replace(/\s+/g, ' ') : '', kept.join(', ')]
      .filter((part) => part !== '')
      .join('  '),
    ...(tags && tags.length > 0 ? [`tags: ${tags.join(', ')}`] : []),
    ...(notes ? ['', notes.trimEnd()] : []),
  ];
}
