/** `tutti access`: who else gets in, and as what. */
import { type Command, Option } from 'commander';
import { ROLES } from '../../model/access.js';
import { milliseconds } from '../arguments/days.js';
import type { Json } from '../client.js';
import { everyItem } from '../every-item.js';
import type { Io } from '../io.js';
import { table } from '../print/table.js';
import { type CommonOptions, clientCommand, openSession } from '../program.js';

interface GrantOptions extends CommonOptions {
  readonly role: string;
  readonly project?: string;
  readonly expires?: string;
}

export function accessCommand(program: Command, io: Io): void {
  const access = program
    .command('access')
    .description('Grant access with a role, list grants and revoke them');

  clientCommand(access, 'grant', 'Print a new token with a role; it is shown only once')
    .argument('<name>', 'the name of the person or program that gets it')
    .addOption(
      new Option('--role <role>', 'its role; each role includes the rights of the roles before it')
        .choices(ROLES)
        .makeOptionMandatory(),
    )
    .option(
      '--project <name>',
      "the project whose work it sees, or '*' for that of all (default: the project `default`)",
    )
    .option('--expires <time>', 'how long it is valid, such as 8h or 30d (default: until it is revoked)')
    .action(async (name: string, { role, project, expires, ...common }: GrantOptions) => {
      const session = openSession(common, io);
      const granted = await session.client.post('/v1/access', {
        ...{ name, role },
        ...(project !== undefined && { project }),
        ...(expires !== undefined && { expires_in_ms: milliseconds('--expires', expires) }),
      });
      session.print(granted, () => String(granted.token));
    });

  clientCommand(access, 'list', 'List grants, oldest first').action(async (options: CommonOptions) => {
    const session = openSession(options, io);
    const items = await everyItem(session.client, '/v1/access');
    const columns = ['ID', 'NAME', 'ROLE', 'PROJECT', 'SINCE', 'UNTIL'];
    session.print({ items, next_cursor: null }, () => table(columns, items.map(rowOf)));
  });

  clientCommand(access, 'revoke', 'Revoke a grant: its token becomes invalid, and its open streams end')
    .argument('<id>', 'the id of the grant, from `tutti access list`')
    .action(async (id: string, options: CommonOptions) => {
      const session = openSession(options, io);
      const revoked = await session.client.delete(`/v1/access/${encodeURIComponent(id)}`);
      session.print(revoked, () => `${id}  revoked`);
    });

  clientCommand(access, 'me', 'Show the name, role and project of the current token').action(
    async (options: CommonOptions) => {
      const session = openSession(options, io);
      const { value } = await session.client.get<Json>('/v1/me');
      session.print(
        value,
        () =>
          `${value.name ?? 'no token is needed'}  ${value.role}  ${value.project === '*' ? 'all projects' : `project ${value.project}`}`,
      );
    },
  );
}

function rowOf({ access_id, name, role, project, created_at, expires_at }: Json): string[] {
  return [access_id, name, role, project, created_at, expires_at ?? '-'].map(String);
}
