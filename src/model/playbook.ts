/**
 * Operations that are Ansible playbooks: `ansible-playbook` runs where the component's cluster runs commands, and the machine there is the only
 * one of its inventory, called like the cluster.
 *
 * Y1. Variables of the environment are variables of the playbook, read when it runs: no value stands in the words of a command.
 */
import type { RunWork } from './run.js';

export function isPlaybook(path: string): boolean {
  return /\.ya?ml$/i.test(path);
}

export interface PlaybookOptions {
  /** What its only machine is called. */
  readonly cluster: string;
  /** Variables whose texts are JSON. @default none */
  readonly typed?: readonly string[] | undefined;
}

/** `args`: further ones of `ansible-playbook`. `variables`: names of the environment. */
export function playbookWork(
  path: string,
  args: readonly string[],
  variables: readonly string[],
  { cluster, typed = [] }: PlaybookOptions,
): RunWork {
  // Y1.
  const read = variables.map((name) => {
    const json = typed.includes(name) ? ' | from_json' : '';
    return [name, `{{ lookup('env', '${name}')${json} }}`];
  });
  const inventory = ['-i', `${cluster},`, '-c', 'local'];
  const given = ['-e', JSON.stringify(Object.fromEntries(read))];
  return { kind: 'command', argv: ['ansible-playbook', ...inventory, ...given, ...args, path] };
}
