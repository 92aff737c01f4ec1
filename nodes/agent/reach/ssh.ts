/**
 * A machine behind OpenSSH's own client.
 *
 * S1  The host is who the pinned key says, or nothing is sent: an own known_hosts file, and nobody is asked.
 * S2  There is one connection and one login; every shell is a session on it. It ends with this process, also after `kill -9`:
 *     the connection's own session reads a pipe that closes then.
 * S3  The command that ssh hands to the login shell over there is one constant with a number in it; the rest is on stdin.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineUnavailable } from '../engine.js';
import type { Reach } from '../reach.js';
import { inheritedEnvironment, loaderOf, startChild } from './child.js';

export interface SshOptions {
  readonly host: string;
  /** @default 22 */
  readonly port?: number | undefined;
  /** @default the user of this process, or what the user's own ssh configuration says */
  readonly user?: string | undefined;
  /** The only key that is accepted, in OpenSSH's format: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Path of a private key on this machine. @default the user's own keys and ssh agent */
  readonly identity?: string | undefined;
  /** @default 15_000 */
  readonly connectTimeoutMs?: number | undefined;
}

/** A connection that is cut without a word is noticed after three of these. */
const ALIVE_INTERVAL_S = 10;
/** The name under which the pinned key stands, whatever the address and port. */
const HOST_KEY_ALIAS = 'tutti-cluster';
/** Printed by the connection's own session. */
const READY = 'tutti-ready';

interface Connection {
  readonly folder: string;
  readonly master: ChildProcess;
  readonly ended: Promise<unknown>;
}

export class SshReach implements Reach {
  readonly #options: SshOptions;
  readonly #connectTimeoutMs: number;
  #connection: Promise<Connection> | undefined;

  constructor(options: SshOptions) {
    if (!/^[\w@.+-]+ [A-Za-z0-9+/=]+( [^\n\r]*)?$/.test(options.hostKey)) {
      throw new RangeError('host_key must be one line in OpenSSH\'s format, such as "ssh-ed25519 AAAA…"');
    }
    this.#options = options;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 15_000;
  }

  async start(program: string): Promise<ChildProcessWithoutNullStreams> {
    const { folder } = await this.#connect();
    // A login shell of any kind understands this line.
    const command = `exec /bin/sh -c '${loaderOf(program)}'`;
    const args = [
      ...[
        '-S',
        join(folder, 's'),
        '-o',
        'ControlMaster=no',
        '-o',
        'BatchMode=yes',
        '-o',
        'RemoteCommand=none',
      ],
      // Without its connection the client would log in anew.
      ...['-o', 'ProxyCommand=false', '-T', '--', this.#options.host, command],
    ];
    return await startChild('ssh', args, program);
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    this.#connection = undefined;
    connection?.master.kill('SIGTERM');
    await connection?.ended;
  }

  #connect(): Promise<Connection> {
    if (this.#connection === undefined) {
      const opening = this.#open();
      const forget = () => {
        if (this.#connection === opening) this.#connection = undefined;
      };
      opening.then(({ ended }) => ended.then(forget), forget);
      this.#connection = opening;
    }
    return this.#connection;
  }

  async #open(): Promise<Connection> {
    // Short, because the name of a socket may have about a hundred characters.
    const folder = await mkdtemp(join(tmpdir(), 'tutti-ssh-'));
    await writeFile(join(folder, 'known_hosts'), `${HOST_KEY_ALIAS} ${this.#options.hostKey}\n`);
    const master = spawn('ssh', this.#masterArguments(folder), {
      env: inheritedEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stderr = '';
    master.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      // Bounded: the connection may live for months.
      stderr = (stderr + chunk).slice(-4096);
    });
    const ended = new Promise<unknown>((resolve) => {
      master.once('error', resolve);
      master.once('close', resolve);
    }).then(async (error) => {
      await rm(folder, { recursive: true, force: true });
      return error;
    });
    const ready = new Promise<true>((resolve) => {
      master.stdout.on('data', (chunk: Buffer) => {
        if (chunk.includes(READY)) resolve(true);
      });
    });
    // `ConnectTimeout` covers the connection; a login can hang as well.
    const patience = setTimeout(() => master.kill('SIGKILL'), 2 * this.#connectTimeoutMs);
    const first = await Promise.race([ready, ended]);
    clearTimeout(patience);
    if (first === true) return { folder, master, ended };
    if (first instanceof Error) {
      throw new EngineUnavailable('missing_command', "ssh is not installed on the agent's machine", {
        cause: first,
      });
    }
    throw this.whyEnded(stderr);
  }

  #masterArguments(folder: string): string[] {
    const { host, port, user, identity } = this.#options;
    const options = {
      ControlPath: join(folder, 's'),
      ControlMaster: 'yes',
      ControlPersist: 'no',
      StrictHostKeyChecking: 'yes',
      HostKeyAlias: HOST_KEY_ALIAS,
      UserKnownHostsFile: join(folder, 'known_hosts'),
      GlobalKnownHostsFile: '/dev/null',
      UpdateHostKeys: 'no',
      VerifyHostKeyDNS: 'no',
      BatchMode: 'yes',
      PasswordAuthentication: 'no',
      KbdInteractiveAuthentication: 'no',
      ...(identity !== undefined && { IdentitiesOnly: 'yes' }),
      ConnectTimeout: String(Math.ceil(this.#connectTimeoutMs / 1000)),
      ServerAliveInterval: String(ALIVE_INTERVAL_S),
      ServerAliveCountMax: '3',
      ForwardAgent: 'no',
      ForwardX11: 'no',
      ClearAllForwardings: 'yes',
      PermitLocalCommand: 'no',
      RemoteCommand: 'none',
      // The messages are read.
      LogLevel: 'INFO',
    };
    return [
      ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
      ...(port !== undefined ? ['-p', String(port)] : []),
      ...(user !== undefined ? ['-l', user] : []),
      ...(identity !== undefined ? ['-i', identity] : []),
      ...['-T', '--', host, `exec /bin/sh -c 'echo ${READY}; exec cat > /dev/null'`],
    ];
  }

  whyEnded(stderr: string): EngineUnavailable {
    const { host, user } = this.#options;
    const said = stderr.trim().split('\n').at(-1)?.trim() ?? '';
    if (/host key verification failed|identification has changed|no .* host key is known/i.test(stderr)) {
      return new EngineUnavailable('host_key', `the key of ${host} is not the pinned host_key: ${said}`);
    }
    if (/permission denied|too many authentication failures|no more authentication/i.test(stderr)) {
      const login = user === undefined ? 'the login' : `the login of ${user}`;
      return new EngineUnavailable('login_refused', `${host} refuses ${login}: ${said}`);
    }
    return new EngineUnavailable(
      'unreachable',
      `${host} cannot be reached: ${said || 'the connection ended'}`,
    );
  }
}
