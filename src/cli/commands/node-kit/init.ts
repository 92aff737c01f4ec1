import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { pythonNode } from '../../../node-kit/templates/python.js';
import { typescriptNode } from '../../../node-kit/templates/typescript.js';
import { CliError, EXIT } from '../../exit.js';
import { type Io, writeLine } from '../../io.js';

interface InitOptions {
  readonly lang: 'ts' | 'python';
}

const NAME = /^[a-z][a-z0-9_]{0,62}$/;

export function initCommand(kit: Command, io: Io): void {
  kit
    .command('init')
    .description('Create a working node with its test, in its own folder')
    .argument('<name>', 'the name of its module and of the folder')
    .addOption(new Option('--lang <language>', 'its language').choices(['ts', 'python']).default('ts'))
    .action(async (path: string, { lang }: InitOptions) => {
      const folder = resolve(path);
      const name = folder.split(/[\\/]/).at(-1) ?? '';
      if (!NAME.test(name)) {
        const message = `NAME: ${JSON.stringify(name)} is not a name of a module: lower-case letters, digits and _, at most 63`;
        throw new CliError(EXIT.badInput, 'bad_name', message);
      }
      if (existsSync(folder)) {
        throw new CliError(EXIT.badInput, 'already_there', `NAME: ${path} is there already`, {
          hint: 'give another name, or remove it first',
        });
      }
      const packageRoot = rootOf(dirname(fileURLToPath(import.meta.url)));
      const files = (lang === 'ts' ? typescriptNode : pythonNode)({ name, packageRoot });
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, file)), { recursive: true });
        await writeFile(join(folder, file), content);
      }
      if (lang === 'ts') await linkPackages(folder, packageRoot);
      writeLine(io.stdout, `${path}: ${Object.keys(files).join(', ')}`);
      writeLine(io.stderr, `Next: cd ${path} and read README.md`);
    });
}

/** The folder of the package that this file is of, compiled or not. */
function rootOf(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootOf(dirname(folder));
}

/** So that the node runs as it is: what `npm install` would put there, from where this package has it. */
async function linkPackages(folder: string, packageRoot: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await symlink(packageRoot, join(modules, 'tutti'), 'dir');
  for (const name of ['typescript', '@types', '.bin/tsc']) {
    const source = join(packageRoot, 'node_modules', name);
    if (existsSync(source)) await symlink(source, join(modules, name));
  }
  await symlink(join(packageRoot, 'dist/src/cli/main.js'), join(modules, '.bin/tutti'));
}
