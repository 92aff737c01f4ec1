/** The files beside a graph file that its run modules name. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../../src/base/sha256.js';
import { parseGraph } from '../../../src/config/graph/graph-file.js';
import { filesBeside, hashesOf } from '../../../src/config/graph/graph-files.js';
import { filesOfGraph, type Graph } from '../../../src/model/graph.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-graph-files-'));
  mkdirSync(join(folder, 'graphs/steps'), { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function graphOf(run: string): Graph {
  const yaml = `name: g\nsource: { name: s, type: json }\nmodules: { m: { inputs: [s], output: json, run: ${run} } }`;
  const parsed = parseGraph(yaml, { types: { has: () => true } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.graph;
}

const write = (path: string, text: string): void => writeFileSync(join(folder, 'graphs', path), text);
const beside = (run: string) => filesBeside(join(folder, 'graphs/g.yaml'), filesOfGraph(graphOf(run)));

describe('the files beside a graph file', () => {
  it('are found from its folder, each with its hash', async () => {
    write('steps/fit.sh', '#!/bin/sh\n');
    write('data.csv', '1,2');
    const found = await beside('{ script: ./steps/fit.sh, files: { d: data.csv } }');
    if (!found.ok) throw new Error(JSON.stringify(found.faults));
    expect(hashesOf(found.files)).toEqual({
      'steps/fit.sh': sha256Of(Buffer.from('#!/bin/sh\n')),
      'data.csv': sha256Of(Buffer.from('1,2')),
    });
  });

  it('are at fault where they are named if they are missing, a folder, or outside of its folder', async () => {
    writeFileSync(join(folder, 'secret'), 'x');
    symlinkSync(join(folder, 'secret'), join(folder, 'graphs/link'));
    const found = await beside('{ script: fit.sh, files: { a: steps, b: link } }');
    expect(found).toMatchObject({
      ok: false,
      faults: [
        { path: 'modules.m.run.files.a', code: 'unreadable_file', message: 'steps is not a file' },
        {
          path: 'modules.m.run.files.b',
          code: 'bad_path',
          message: 'link leads out of the folder of its file',
        },
        { path: 'modules.m.run.script', code: 'unreadable_file' },
      ],
    });
  });

  it('are none where no run module names any', async () => {
    expect(await filesBeside('/nowhere/g.yaml', filesOfGraph(graphOf('{ command: [a] }')))).toEqual({
      ok: true,
      files: [],
    });
  });
});
