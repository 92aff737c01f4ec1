/** What a playbook of a deployment says with `set_stats` becomes attributes of its component, as Ansible’s own tools and others take it. */
import { posix } from 'node:path';
import type { RunTask } from 'tutti/sdk';
import type { LaunchFile } from './engine.js';

/** Ansible loads plugins of this folder, if it is beside the playbook. */
const FOLDER = 'callback_plugins';

/** The file $TUTTI_OUTPUT, which the playbook may have written as well, has the last word. */
const PLUGIN = `import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: tutti_attributes
type: aggregate
short_description: writes what set_stats has set to $TUTTI_OUTPUT
description: The attributes of a component of a deployment of Tutti.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "tutti_attributes"

    def v2_playbook_on_stats(self, stats):
        path = os.environ.get("TUTTI_OUTPUT")
        found = {}
        for values in stats.custom.values():
            found.update(values)
        if not path or not found:
            return
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                written = json.load(file)
            if not isinstance(written, dict):
                return
            found.update(written)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(found, file, default=str)
`;

/** Nothing for any other command. */
export function attributesPlugin({ run }: Pick<RunTask, 'run'>): LaunchFile[] {
  const { work, result } = run;
  if (result !== 'attributes' || work.kind !== 'command' || work.argv[0] !== 'ansible-playbook') return [];
  const playbook = work.argv.at(-1)!;
  const path = posix.join(posix.dirname(playbook), FOLDER, 'tutti_attributes.py');
  return [{ path, bytes: new TextEncoder().encode(PLUGIN) }];
}
