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

/** `args`: further ones of `ansible-playbook`. `variables`: names of the environment. */
export function playbookWork(
  path: string,
  args: readonly string[],
  variables: readonly string[],
  cluster: string,
): RunWork {
  // Y1.
  const read = variables.map((name) => [name, `{{ lookup('env', '${name}') }}`]);
  const inventory = ['-i', `${cluster},`, '-c', 'local'];
  const given = ['-e', JSON.stringify(Object.fromEntries(read))];
  return { kind: 'command', argv: ['ansible-playbook', ...inventory, ...given, ...args, path] };
}
