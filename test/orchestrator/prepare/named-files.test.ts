import { expect, it } from 'vitest';
import { fileFaults } from '../../../src/orchestrator/prepare/named-files.js';

it('the files of a request are those that are named, each with a hash', () => {
  const named = new Map([
    ['a.py', 'modules.a.run.script'],
    ['b.py', 'modules.b.run.script'],
  ]);
  const given = { 'a.py': 'A'.repeat(64), 'd/c.py': 'c'.repeat(64) };
  const faults = fileFaults({ named, given, field: 'files', by: 'the graph' });
  expect(faults.map(({ path, code }) => `${path} ${code}`)).toEqual([
    '/files/a.py bad_sha256',
    '/files/d~1c.py unknown_file',
    'modules.b.run.script missing_file',
  ]);
  expect(faults[1]?.message).toBe('the graph names no such file: it names a.py, b.py');
});
