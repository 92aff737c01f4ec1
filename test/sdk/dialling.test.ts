import { describe, expect, it } from 'vitest';
import { ANSWER_WITHIN_MS } from '../../src/sdk/session/dialling.js';
import { Session } from '../../src/sdk/session.js';
import { IDENTITY, welcome } from './session-driver.js';

const DEAD_AFTER_MS = 10_000;

/** A session with or without other addresses, its time, and when it has dialled the next one. */
class Dialled {
  now = 0;
  readonly moments: number[] = [];
  readonly hellos: number[] = [];
  readonly #session: Session;

  constructor(hasOthers: boolean) {
    this.#session = new Session(IDENTITY, [], hasOthers);
    this.step({ kind: 'open' });
  }

  step(event: Parameters<Session['step']>[0]): void {
    const effects = this.#session.step(event, this.now);
    if (effects.some(({ kind }) => kind === 'redial')) this.moments.push(this.now);
    if (this.#session.take().control?.messages[0]?.kind === 'hello') this.hellos.push(this.now);
  }

  welcomed(epoch = 1): void {
    const message = welcome({ deadAfterMs: DEAD_AFTER_MS });
    this.step({ kind: 'frame', frame: { protocolVersion: 1, epoch, incarnation: 3, messages: [message] } });
  }

  line(isUp: boolean): void {
    this.step({ kind: 'line', isUp });
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now = Math.min(end, Math.max(this.now + 1, this.#session.wakeAt));
      this.step({ kind: 'tick' });
    }
  }
}

describe('a node with several addresses', () => {
  it('tries each for a while until one answers, with a hello at once', () => {
    const node = new Dialled(true);
    node.pass(3 * ANSWER_WITHIN_MS);
    expect(node.moments).toEqual([1, 2, 3].map((each) => each * ANSWER_WITHIN_MS));
    for (const moment of node.moments) expect(node.hellos).toContain(moment);
    node.welcomed();
    node.pass(10 * DEAD_AFTER_MS);
    expect(node.moments).toHaveLength(3);
  });

  it('stays with the orchestrator that has welcomed it until the connection was lost for dead_after', () => {
    const node = new Dialled(true);
    node.line(true);
    node.welcomed();
    node.line(false);
    node.pass(DEAD_AFTER_MS - 1);
    node.line(true);
    node.pass(DEAD_AFTER_MS);
    expect(node.moments).toEqual([]);
    node.line(false);
    const lostAt = node.now;
    node.pass(DEAD_AFTER_MS);
    node.pass(ANSWER_WITHIN_MS);
    expect(node.moments.map((moment) => moment - lostAt)).toEqual([
      DEAD_AFTER_MS,
      DEAD_AFTER_MS + ANSWER_WITHIN_MS,
    ]);
  });

  it('does not take the welcome of an orchestrator of an older epoch', () => {
    const node = new Dialled(true);
    node.welcomed(5);
    node.line(false);
    node.pass(DEAD_AFTER_MS);
    node.welcomed(4);
    const said = node.hellos.length;
    node.pass(ANSWER_WITHIN_MS);
    expect(node.hellos.length).toBeGreaterThan(said);
    node.welcomed(6);
    const last = node.hellos.length;
    node.pass(DEAD_AFTER_MS);
    expect(node.hellos).toHaveLength(last);
  });
});

describe('a node with one address', () => {
  it('goes on dialling it', () => {
    const node = new Dialled(false);
    node.welcomed();
    node.line(false);
    node.pass(5 * DEAD_AFTER_MS);
    expect(node.moments).toEqual([]);
  });
});
