import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ownSchemas } from '../../src/sdk/own-schemas.js';

const folder = mkdtempSync(join(tmpdir(), 'tutti-own-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(
  join(folder, 'a.proto'),
  'syntax = "proto3"; package a; message M { int32 n = 1; } message N {}',
);
writeFileSync(join(folder, 'p.schema.json'), '{"type":"object"}');

describe('what a node was written against', () => {
  it('is nothing where its author named no files', () => {
    expect(ownSchemas({ protoPaths: [], types: [] })).toEqual([]);
  });

  it('is every type in the files, or those that were chosen', () => {
    expect(ownSchemas({ protoPaths: [folder], types: [] }).map(({ type }) => type)).toEqual([
      'a.M',
      'a.N',
      'json:p',
    ]);
    const [chosen, ...others] = ownSchemas({ protoPaths: [folder], types: ['a.M'] });
    expect(others).toEqual([]);
    expect(chosen).toMatchObject({ type: 'a.M', hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(chosen!.definition.byteLength).toBeGreaterThan(0);
  });

  it('has to be in the files', () => {
    const wrong = () => ownSchemas({ protoPaths: [folder], types: ['a.m'] });
    expect(wrong).toThrow(
      expect.objectContaining({ code: 'bad_option', message: expect.stringContaining('a.M') }),
    );
  });
});
