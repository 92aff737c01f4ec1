/** The shells of a cluster, with real ones of this machine. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineUnavailable } from '../../../nodes/agent/engine.js';
import { LocalReach } from '../../../nodes/agent/reach/local.js';
import { Shells } from '../../../nodes/agent/shells.js';

let workdir: string;
beforeAll(async () => {
  workdir = await mkdtemp(join(tmpdir(), 'tutti-shells-'));
});
afterAll(() => rm(workdir, { recursive: true }));

class CountingReach extends LocalReach {
  readonly children: ChildProcessWithoutNullStreams[] = [];

  override async start(program: string): Promise<ChildProcessWithoutNullStreams> {
    const child = await super.start(program);
    this.children.push(child);
    return child;
  }
}

async function withShells(act: (shells: Shells, reach: CountingReach) => Promise<void>): Promise<void> {
  const reach = new CountingReach();
  const shells = new Shells(reach);
  try {
    await act(shells, reach);
  } finally {
    await shells.close();
  }
}

const ask = (shells: Shells, name: string, ...args: string[]) =>
  shells.ask({ args: [name, 'process', workdir, ...args], timeoutMs: 10_000 });

describe('the shells of a cluster', () => {
  it('answers one request after the other in one shell, with bytes of any kind', async () => {
    const bytes = Buffer.concat([randomBytes(100_000), Buffer.from('\n0123 0\n')]);
    await writeFile(join(workdir, 'file'), bytes);
    await withShells(async (shells, { children }) => {
      for (let round = 0; round < 3; round += 1) {
        const answer = await ask(shells, 'read', 'file', '0', String(bytes.length));
        expect(answer.exitCode).toBe(0);
        expect(answer.stdout.equals(bytes)).toBe(true);
      }
      expect((await ask(shells, 'read', 'nowhere', '0', '1')).exitCode).toBe(4);
      expect(children).toHaveLength(1);
    });
  });

  it('does not take what a request did not read for the next one', async () => {
    await withShells(async (shells, { children }) => {
      const data = [randomBytes(1_000_000)];
      const args = ['observe', 'process', workdir, 'nobody'];
      expect(await shells.ask({ args, data, timeoutMs: 10_000 })).toMatchObject({ exitCode: 0 });
      expect((await ask(shells, 'observe', 'nobody')).stdout.toString()).toBe('');
      expect(children).toHaveLength(1);
    });
  });

  it('keeps the shell of a wait that was left', async () => {
    await withShells(async (shells, { children }) => {
      for (let round = 0; round < 3; round += 1) {
        const left = new AbortController();
        const waits = shells.ask({
          args: ['wait', 'process', workdir, '30000', 'nobody'],
          timeoutMs: 60_000,
          signal: left.signal,
        });
        setTimeout(() => left.abort(new Error('left')), 50 * round);
        await expect(waits).rejects.toThrow('left');
      }
      expect((await ask(shells, 'wait', '0', 'nobody')).exitCode).toBe(0);
      expect(children).toHaveLength(1);
    });
  });

  it('has the whole answer of a wait that is left while it says it', async () => {
    const slow = new (class extends CountingReach {
      override start(program: string): Promise<ChildProcessWithoutNullStreams> {
        const halves = program.split(`"$mark" "$1" >&2\n`);
        expect(halves).toHaveLength(2);
        const [first, second] = halves as [string, string];
        const at = first.lastIndexOf('  printf');
        return super.start(`${first.slice(0, at)}  sleep 0.2\n${first.slice(at)}"$mark" "$1" >&2\n${second}`);
      }
    })();
    const shells = new Shells(slow);
    try {
      await ask(shells, 'observe', 'nobody');
      const [child] = slow.children;
      const left = new AbortController();
      const args = ['wait', 'process', workdir, '0', 'nobody'];
      const waits = shells.ask({ args, timeoutMs: 10_000, signal: left.signal });
      child!.stdout.once('data', () => left.abort(new Error('left')));
      await expect(waits).rejects.toThrow('left');
      expect((await ask(shells, 'wait', '0', 'nobody')).exitCode).toBe(0);
      expect(slow.children).toHaveLength(1);
    } finally {
      await shells.close();
    }
  });

  it('reads two answers that come in one piece as two', async () => {
    const joined = new (class extends CountingReach {
      override start(program: string): Promise<ChildProcessWithoutNullStreams> {
        const said = `  printf '\\n%s %s\\n' "$mark" "$1" >&2\n`;
        const [before, after] = program.split(said) as [string, string];
        expect(after).toBeDefined();
        const both = `printf '\\n%s 0\\n\\n%s over\\n' "$mark" "$mark" >&2`;
        return super.start(
          `${before}if [ "$1" = over ]; then ${both}; elif [ "$request" != wait ]; then\n${said}fi\n${after}`,
        );
      }
    })();
    const shells = new Shells(joined);
    try {
      await ask(shells, 'observe', 'nobody');
      for (let round = 0; round < 2; round += 1) {
        const left = new AbortController();
        const args = ['wait', 'process', workdir, '0', 'nobody'];
        const waits = shells.ask({ args, timeoutMs: 5_000, signal: left.signal });
        joined.children[0]!.stdout.once('data', () => left.abort(new Error('left')));
        await expect(waits).rejects.toThrow('left');
      }
      expect(await ask(shells, 'read', 'nowhere', '0', '1')).toMatchObject({ exitCode: 4, stderr: '' });
      expect(joined.children).toHaveLength(1);
    } finally {
      await shells.close();
    }
  });

  it('ends a wait when the process that waits is gone', async () => {
    await withShells(async (shells, { children }) => {
      const waits = ask(shells, 'wait', '30000', 'nobody');
      waits.catch(() => {});
      await expect.poll(() => children.length).toBe(1);
      const closed = new Promise((resolve) => children[0]!.once('close', resolve));
      children[0]!.stdin.end();
      await closed;
      await expect(waits).rejects.toBeInstanceOf(EngineUnavailable);
    });
  });

  it('opens another shell where one that was idle has ended', async () => {
    await withShells(async (shells, { children }) => {
      await ask(shells, 'observe', 'nobody');
      children[0]!.kill('SIGKILL');
      expect((await ask(shells, 'observe', 'nobody')).exitCode).toBe(0);
      expect(children).toHaveLength(2);
    });
  });

  it('ends a shell that did not answer in time, and one whose request was left', async () => {
    await withShells(async (shells, { children }) => {
      const args = ['probe', 'process', workdir];
      await expect(shells.ask({ args, timeoutMs: 1 })).rejects.toMatchObject({ code: 'silent' });
      const left = new AbortController();
      const leaves = shells.ask({ args, timeoutMs: 10_000, signal: left.signal });
      left.abort(new Error('left'));
      await expect(leaves).rejects.toThrow('left');
      expect((await ask(shells, 'probe')).stdout.toString()).toContain('cpus');
      for (const child of children.slice(0, -1)) await expect.poll(() => child.killed).toBe(true);
    });
  });
});
