/** The receivers of the page about webhooks recognise what Tutti has signed, and nothing else. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signatureOf } from '../../src/orchestrator/webhooks/post.js';
import { python, root } from '../python/python.js';

const page = readFileSync(join(root, 'docs/webhooks.md'), 'utf8');
const BODY = '{"text":"größer"}';
const CASES = [
  [BODY, signatureOf('correct horse', BODY), 'correct horse'],
  [`${BODY} `, signatureOf('correct horse', BODY), 'correct horse'],
  [BODY, signatureOf('correct horse', BODY), 'another horse'],
  [BODY, '', 'correct horse'],
];
const TAKEN = [true, false, false, false];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-webhooks-'));
  for (const [, name = '', content = ''] of page.matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm))
    writeFileSync(join(folder, name), content);
});
afterAll(() => rmSync(folder, { recursive: true }));

it('checks signatures in Python', () => {
  const program =
    'import json, sys; from receiver import is_signed; print(json.dumps([is_signed(b.encode(), s, k) for b, s, k in json.load(sys.stdin)]))';
  const said = execFileSync(python, ['-c', program], { cwd: folder, input: JSON.stringify(CASES) });
  expect(JSON.parse(said.toString())).toEqual(TAKEN);
});

it('checks signatures in Node.js', async () => {
  const { isSigned } = await import(join(folder, 'signed.mjs'));
  expect(CASES.map(([body, ...rest]) => isSigned(Buffer.from(body!), ...rest))).toEqual(TAKEN);
});
