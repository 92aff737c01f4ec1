/** A real sshd on loopback, with keys of its own. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Scene, Spawned } from './processes.js';

const SSHD = '/usr/sbin/sshd';
/** Without root, sshd can only let its own user in, and privilege separation wants a folder of root. */
export const hasSshd: boolean = existsSync(SSHD) && process.getuid?.() === 0;

export interface Sshd {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: string;
  /** Its public key, as `host_key` names it. */
  readonly hostKey: string;
  /** A private key that it accepts. */
  readonly identity: string;
  /** A private key that it does not know, and the public key of another host. */
  readonly stranger: { readonly identity: string; readonly hostKey: string };
  readonly process: Spawned;
}

/** Free when it was asked; sshd and Slurm cannot be told to take any port and name it. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** `env` is what its sessions find in their environment. */
export async function startSshd(scene: Scene, env: Readonly<Record<string, string>> = {}): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-sshd-'));
  scene.atEnd(() => rm(folder, { recursive: true, force: true }));
  const key = async (name: string) => {
    const path = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
    return { path, publicKey: (await readFile(`${path}.pub`, 'utf8')).trim() };
  };
  const [host, client, stranger] = [await key('host'), await key('client'), await key('stranger')];
  await writeFile(join(folder, 'authorized'), `${client.publicKey}\n`);
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  // At a deeper shell level, bash skips the start-up files of the user who runs the tests, which may take seconds.
  const set = Object.entries({ SHLVL: '2', ...env }).map(([name, value]) => `${name}=${value}`);
  await writeFile(
    join(folder, 'config'),
    [
      ...['ListenAddress 127.0.0.1', `Port ${port}`, `HostKey ${host.path}`, 'PidFile none', 'UsePAM no'],
      ...[`AuthorizedKeysFile ${join(folder, 'authorized')}`, 'StrictModes no', 'PermitRootLogin yes'],
      ...['PasswordAuthentication no', 'KbdInteractiveAuthentication no'],
      `SetEnv ${set.join(' ')}`,
    ].join('\n'),
  );
  const sshd = scene.spawn(['-D', '-e', '-f', join(folder, 'config')], {}, undefined, SSHD);
  await sshd.logs('Server listening');
  return {
    ...{ host: '127.0.0.1', port, user: userInfo().username, hostKey: host.publicKey, process: sshd },
    identity: client.path,
    stranger: { identity: stranger.path, hostKey: stranger.publicKey },
  };
}
