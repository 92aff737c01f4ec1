/** The shells of a cluster: a few stay open for a while, so that many requests share them. */
import { EngineUnavailable } from './engine.js';
import type { Reach } from './reach.js';
import { Sessions } from './sessions.js';
import { type Answer, type Request, Shell } from './shell.js';

/** sshd allows ten sessions per connection (`MaxSessions`); one of them keeps the connection. */
const MAX_SHELLS = 8;
const IDLE_MS = 60_000;
/** What start-up files and modules say over there may change; a shell that is older is not asked again. */
const MAX_AGE_MS = 10 * 60_000;

interface Idle {
  readonly shell: Shell;
  readonly openedAt: number;
  readonly timer: NodeJS.Timeout;
}

export class Shells {
  readonly #reach: Reach;
  readonly #sessions = new Sessions(MAX_SHELLS);
  readonly #idle: Idle[] = [];

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  /** Throws `EngineUnavailable`, and what the request's signal says. */
  async ask(request: Request): Promise<Answer> {
    return await this.#sessions.take(request.signal, async () => {
      for (let used = this.#takeIdle(); used; used = this.#takeIdle()) {
        try {
          return await this.#askOne(used.shell, used.openedAt, request);
        } catch (thrown) {
          // The connection of a shell that was idle may have ended long ago; every request can be repeated.
          if (!(thrown instanceof EngineUnavailable) || thrown.code === 'silent') throw thrown;
        }
      }
      return await this.#askOne(await Shell.open(this.#reach), performance.now(), request);
    });
  }

  /** Ends every shell that is not being asked, and the connection with the others. */
  async close(): Promise<void> {
    for (let idle = this.#takeIdle(); idle; idle = this.#takeIdle()) idle.shell.end();
    await this.#reach.close();
  }

  async #askOne(shell: Shell, openedAt: number, request: Request): Promise<Answer> {
    try {
      return await shell.ask(request);
    } finally {
      if (shell.isOpen && performance.now() - openedAt < MAX_AGE_MS) this.#keep(shell, openedAt);
      else shell.end();
    }
  }

  #keep(shell: Shell, openedAt: number): void {
    const idle: Idle = {
      shell,
      openedAt,
      timer: setTimeout(() => {
        this.#idle.splice(this.#idle.indexOf(idle), 1);
        shell.end();
      }, IDLE_MS).unref(),
    };
    this.#idle.push(idle);
  }

  #takeIdle(): Idle | undefined {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      if (idle.shell.isOpen) return idle;
    }
    return undefined;
  }
}
