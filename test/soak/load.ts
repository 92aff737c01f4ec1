/** Asks for executions at an even pace, waits for each task's end, and judges every execution by the table. */
import { setTimeout as delay } from 'node:timers/promises';
import type { WatchedEvent } from '../chaos/journal.js';
import type { Random } from '../support/random.js';
import { CASES, type Case, PLAIN } from './cases.js';
import { type Asked, type Execution, judge, type Told } from './judge.js';
import type { Slot, System } from './system.js';

const AT_ONCE = 8;
/** By then every task of the table has ended, kills and restarts included. */
const LOST_MS = 120_000;
const STOP_AFTER_MS = 400;

export class Load {
  readonly faults: string[] = [];
  readonly ends: Record<string, number> = {};
  /** From the request to the event of the end, of plain tasks. */
  readonly plainMs: number[] = [];
  executions = 0;
  successes = 0;
  /** Executions that ended otherwise than by the table since their process was killed. */
  excused = 0;
  deadly = false;
  readonly #system: System;
  readonly #random: Random;
  readonly #waiting = new Map<string, (state: string) => void>();
  readonly #ended = new Map<string, string>();
  readonly #underWay = new Map<string, number>();
  #asked = 0;

  constructor(system: System, random: Random) {
    this.#system = system;
    this.#random = random;
  }

  readonly onEvent = (event: WatchedEvent): void => {
    const state = /^iteration\.(succeeded|failed|cancelled|aborted)$/.exec(event.type)?.[1];
    if (state === undefined) return;
    const task = `${event.problem_id}/${event.iteration_id}`;
    const waiting = this.#waiting.get(task);
    if (waiting === undefined) this.#ended.set(task, state);
    else waiting(state);
  };

  /** Until so many executions have ended, spread over the time. */
  async run(executions: number, ms: number): Promise<void> {
    const began = performance.now();
    const all = new Set<Promise<void>>();
    while (this.executions < executions) {
      const due = (executions * (performance.now() - began)) / ms;
      const free = this.#system.slots.filter((slot) => (this.#underWay.get(slot.name) ?? 0) < AT_ONCE);
      if (this.executions + all.size >= due || free.length === 0) {
        await delay(5);
        continue;
      }
      const task = this.#one(this.#random.pick(free)).catch(
        (error: unknown) => void this.faults.push(`asking failed: ${String(error)}`),
      );
      all.add(task);
      void task.then(() => all.delete(task));
    }
    await Promise.all(all);
  }

  /** One plain task, or another of the table. */
  async #one(slot: Slot): Promise<void> {
    const name = slot.name;
    const cases = CASES.filter(
      (each) => each.languages.includes(slot.language) && (this.deadly || !each.deadly),
    );
    const weights = Object.fromEntries(cases.map(({ weight }, index) => [index, weight]));
    const wanted = cases[Number(this.#random.weighted(weights))]!;
    this.#underWay.set(name, (this.#underWay.get(name) ?? 0) + 1);
    try {
      await this.ask(slot, wanted);
    } finally {
      this.#underWay.set(name, this.#underWay.get(name)! - 1);
    }
  }

  /** Asks for one task and judges it; gives what was told of its executions. */
  async ask(slot: Slot, wanted: Case): Promise<readonly Execution[]> {
    this.#asked += 1;
    const input = { ...wanted.asked, do: wanted.do, n: this.#asked };
    const began = performance.now();
    const asked: Asked = { slot: slot.name, wanted, input, task: await this.#submit(slot, wanted, input) };
    if (wanted.stop) {
      await delay(STOP_AFTER_MS);
      await this.#call('POST', `${pathOf(asked.task)}/commands`, { command: 'stop' });
    }
    const state = await this.#end(asked);
    if (wanted === PLAIN) this.plainMs.push(performance.now() - began);
    const told = await this.#told(asked, state);
    const verdict = judge(asked, told, (from, to) => this.#system.died(slot.name, from, to));
    this.faults.push(...verdict.faults);
    this.excused += verdict.excused;
    this.executions += told.executions.length;
    if (state === 'succeeded') this.successes += 1;
    for (const execution of told.executions) {
      const end = `${execution.state}${execution.error ? ` ${execution.error.code}` : ''}`;
      this.ends[end] = (this.ends[end] ?? 0) + 1;
    }
    return told.executions;
  }

  async #submit(slot: Slot, wanted: Case, input: object): Promise<string> {
    const graph = wanted.once ? `${slot.name}_once` : slot.name;
    const body = await this.#call('POST', '/v1/problems', { graph, input });
    return body.task_id as string;
  }

  #end({ task, wanted }: Asked): Promise<string> {
    const state = this.#ended.get(task);
    this.#ended.delete(task);
    if (state !== undefined) return Promise.resolve(state);
    return new Promise((resolve, reject) => {
      const lost = setTimeout(() => reject(new Error(`${wanted.do} of ${task} does not end`)), LOST_MS);
      this.#waiting.set(task, (ended) => {
        clearTimeout(lost);
        this.#waiting.delete(task);
        resolve(ended);
      });
    });
  }

  async #told({ slot, task, wanted }: Asked, state: string): Promise<Told> {
    const path = pathOf(task);
    const { items } = await this.#call('GET', `${path}/executions`);
    const executions = items as readonly Execution[];
    const last = executions.at(-1);
    const { ends } = wanted;
    const needsOutput = state === 'succeeded' && ends.state === 'succeeded' && ends.output !== undefined;
    const needsLog = ends.state === 'succeeded' && ends.logged !== undefined && last !== undefined;
    const output = needsOutput ? await this.#call('GET', `${path}/outputs/${slot}`) : undefined;
    const log = needsLog
      ? await this.#call('GET', `${path}/executions/${last.execution_id}/log?limit=1000`)
      : { items: [] };
    return {
      state,
      executions,
      output,
      log: (log.items as { message: string }[]).map((line) => line.message),
    };
  }

  async #call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(this.#system.http + path, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    // A task that has ended before it could be stopped is told by its state.
    if (!response.ok && response.status !== 409)
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }
}

function pathOf(task: string): string {
  return `/v1/problems/${task.replace('/', '/iterations/')}`;
}
