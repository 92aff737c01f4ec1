import { describe, expect, it } from 'vitest';
import { parseServices } from '../../src/config/service-file.js';

const faultsOf = (text: string): unknown => {
  const parsed = parseServices(text, 'services.yaml');
  return parsed.ok ? [] : parsed.faults.map(({ path, code }) => [path, code]);
};

describe('a service file', () => {
  it('says of each service what is to run, and how; the rest has its defaults', () => {
    const text = `services:
  - { name: web, command: [node, web.js, "\${replica.number}"] }
  - name: detect
    type: daemon
    module: detect
    script: ./detect.sh
    cluster: hpc
    restart: { backoff: 2s }
    startup_deadline: 1m
    disconnect: { replace: true }
x-notes: mine
`;
    const parsed = parseServices(text, 'services.yaml');
    expect(parsed.ok && parsed.services.map(({ spec }) => spec)).toMatchObject([
      {
        ...{ name: 'web', type: 'service', count: 1, require: {} },
        run: { work: { kind: 'command', argv: ['node', 'web.js', `\${replica.number}`] }, result: 'none' },
        restart: { backoffMs: 1000, maxBackoffMs: 30_000 },
      },
      {
        ...{ name: 'detect', type: 'daemon', module: 'detect', require: { cluster: 'hpc' } },
        run: { work: { kind: 'script', path: 'detect.sh', args: [] } },
        ...{ restart: { backoffMs: 2000, maxBackoffMs: 30_000 }, startupDeadlineMs: 60_000 },
        disconnect: { lostAfterMs: 60_000, replace: true },
      },
    ]);
  });

  it.each([
    ['services: []', [['services', 'missing_field']]],
    ['services: [5]', [['services[0]', 'wrong_type']]],
    ['services: [{ command: ["true"] }]', [['services[0].name', 'missing_field']]],
    ['services: [{ name: Web, command: ["true"] }]', [['services[0].name', 'bad_name']]],
    ['services: [{ name: web }]', [['services[0]', 'missing_field']]],
    [
      'services: [{ name: web, command: ["true"], script: ./a.sh }]',
      [['services[0].script', 'not_with_command']],
    ],
    [`services: [{ name: web, command: ["\${other.x}"] }]`, [['services[0].command[0]', 'unknown_input']]],
    ['services: [{ name: web, command: ["true"], count: -1 }]', [['services[0].count', 'out_of_range']]],
    ['services: [{ name: web, command: ["true"], colour: red }]', [['services[0].colour', 'unknown_field']]],
    ['services: [{ name: web, command: ["true"], env: { A: 5 } }]', [['services[0].env.A', 'wrong_type']]],
    [
      'services: [{ name: web, command: ["true"], restart: { backoff: 9s, max_backoff: 1s } }]',
      [['services[0].restart.max_backoff', 'out_of_range']],
    ],
    [
      'services: [{ name: a, command: ["true"] }, { name: a, command: ["true"] }]',
      [['services[1].name', 'duplicate']],
    ],
    ['{ services: [{ name: a, command: ["true"] }], graphs: [] }', [['graphs', 'unknown_field']]],
  ])('is refused with the path of each fault: %s', (text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });
});
