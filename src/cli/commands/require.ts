/** `--require MODULE.LABEL=VALUE` of the commands that begin a task. */
import { type Command, InvalidArgumentError, Option } from 'commander';

export type Labels = Readonly<Record<string, Readonly<Record<string, string>>>>;

export function requireOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--require <module.label=value>',
      'a label that nodes of a module must have for this task, such as fit.cluster=hpc; repeatable',
    ).argParser(label),
  );
}

function label(text: string, before: Labels = {}): Labels {
  const [, module, name, value] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(text) ?? [];
  if (module === undefined || name === undefined || value === undefined)
    throw new InvalidArgumentError('It is MODULE.LABEL=VALUE.');
  return { ...before, [module]: { ...before[module], [name]: value } };
}
