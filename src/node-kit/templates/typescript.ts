import type { Template } from './template.js';

/** A node in TypeScript: the work as a function of its own, so that it can be tested without anything else. */
export const typescriptNode: Template = ({ name, packageRoot }) => ({
  'package.json': `${JSON.stringify(
    {
      name,
      private: true,
      type: 'module',
      scripts: {
        start: 'tsc && node dist/node.js',
        test: 'tsc && node --test dist && tutti node-kit run tasks.jsonl --expect -- node dist/node.js',
        dev: "tutti node-kit dev -- sh -c 'tsc && exec node dist/node.js'",
      },
      dependencies: { tutti: `file:${packageRoot}` },
      devDependencies: { '@types/node': '^20', typescript: '>=5' },
    },
    undefined,
    2,
  )}\n`,
  'tsconfig.json': `${JSON.stringify(
    {
      compilerOptions: {
        ...{ target: 'es2023', module: 'nodenext', strict: true, skipLibCheck: true, types: ['node'] },
        ...{ rootDir: '.', outDir: 'dist', noUncheckedIndexedAccess: true },
      },
      include: ['*.ts'],
    },
    undefined,
    2,
  )}\n`,
  'work.ts': `/** The inputs of the module ${name}, by their names in the graph. */
export interface Inputs {
  readonly user_input: { readonly text: string };
}

/** Its output. */
export interface Output {
  readonly words: number;
  readonly longest: string;
}

/** The work itself, which knows nothing of nodes. */
export function work({ user_input }: Inputs): Output {
  const words = user_input.text.split(/\\s+/).filter((word) => word !== '');
  const longest = words.reduce((best, word) => (word.length > best.length ? word : best), '');
  return { words: words.length, longest };
}
`,
  'node.ts': `import { node } from 'tutti/sdk';
import { type Inputs, type Output, work } from './work.js';

await node<Inputs, Output>('${name}', (task) => {
  task.log.info('counting', { characters: task.inputs.user_input.text.length });
  return work(task.inputs);
}).start();
`,
  'work.test.ts': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { work } from './work.js';

test('it counts the words and finds the longest', () => {
  assert.deepEqual(work({ user_input: { text: 'all together now' } }), { words: 3, longest: 'together' });
});

test('of nothing it makes nothing', () => {
  assert.deepEqual(work({ user_input: { text: '  ' } }), { words: 0, longest: '' });
});
`,
  ...commonFiles(name, {
    start: 'npm start',
    test: 'npm test',
    dev: 'npm run dev',
    node: 'node dist/node.js',
  }),
});

/** A graph to run the node in, a task to try it with, and how to do both. */
export function commonFiles(
  name: string,
  commands: { readonly start: string; readonly test: string; readonly dev: string; readonly node: string },
): Readonly<Record<string, string>> {
  const task = {
    module: name,
    inputs: { user_input: { text: 'every player comes in' } },
    outputs: [{ words: 4, longest: 'player' }],
  };
  return {
    'graph.yaml': `name: ${name}_alone
source: { name: user_input, type: json }
modules:
  ${name}:
    inputs: [user_input]
    output: json
`,
    'tasks.jsonl': `${JSON.stringify(task)}\n`,
    'README.md': `# ${name}

A module node of Tutti.

- \`${commands.test}\` tests the work, and the node as a process without an orchestrator.
- \`${commands.dev}\` restarts the node when its files change, and plays the last task of \`tasks.jsonl\` again.
- \`tutti up --graph graph.yaml\` in one terminal and \`${commands.start}\` in another run it; then
  \`tutti submit ${name}_alone --input '{"text": "every player comes in"}' --wait\`.
- \`tutti node-kit conform --level minimal --module ${name} --input '{"text": ""}' -- ${commands.node}\` checks that it keeps the protocol.
`,
  };
}
