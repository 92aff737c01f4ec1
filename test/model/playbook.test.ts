import { describe, expect, it } from 'vitest';
import { isPlaybook, playbookWork } from '../../src/model/playbook.js';

describe('a playbook', () => {
  it('is a file that ends like one', () => {
    expect(['a.yml', 'b/c.YAML', 'a.sh', 'yml', 'a.yml.sh'].map(isPlaybook)).toEqual([
      ...[true, true, false, false, false],
    ]);
  });

  it('has the machine of its cluster for its inventory, and reads its variables from the environment, those that are not texts as JSON', () => {
    expect(playbookWork('a.yml', ['-v'], ['A', 'B'], { cluster: 'edge', typed: ['B'] })).toEqual({
      kind: 'command',
      argv: [
        ...['ansible-playbook', '-i', 'edge,', '-c', 'local', '-e'],
        `{"A":"{{ lookup('env', 'A') }}","B":"{{ lookup('env', 'B') | from_json }}"}`,
        ...['-v', 'a.yml'],
      ],
    });
  });
});
