/**
 * The checker: reads the public surface (HTTP and WebSocket) of an orchestrator at rest and the journals of the nodes, clients and
 * watcher that were there before, and lists every promise that was broken.
 *
 * 1. Every accepted submission is there once, as it was asked for, and has ended once.
 * 2. Every output that was acknowledged to its node reads back byte for byte, once; none was forged.
 * 3. Events are numbered without a gap, and what a viewer received over all restarts is what is stored. So is what a subscriber heard.
 * 4. Iteration ids are unique, without holes, and in the order in which they were asked for.
 * 5. Nothing is recorded after a stop was committed, and nobody works on what is shown as stopped.
 * 6. What replaced processes and lost leases said had no effect.
 * 7. Nothing is left over: no task, no execution, no pending command.
 * 8. Each attempt of a run module starts its command at most once, those that succeeded exactly once, none after its stop was complete, and
 *    no process of a command is left.
 * 9. Every invariant of the store holds, in the first place that each row is the fold of its facts: `tutti check` says so.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import type { StoreVerdict } from '../../src/orchestrator/check/check.js';
import type { Content } from './behaviour.js';
import { liveProcesses } from './commands.js';
import { History } from './history.js';
import {
  type ClientLine,
  type CommandLine,
  type HeardLine,
  type NodeLine,
  readJournals,
  type WatchedEvent,
  type WatchLine,
} from './journal.js';

export interface CheckOptions {
  readonly http: string;
  readonly journals: string;
  /** The package's folder, and the orchestrator's data directory; absent: the store is not looked at. */
  readonly store?: { readonly root: string; readonly data: string };
  /** Tasks that have to have succeeded: a run in which nothing did proves nothing. */
  readonly minSuccesses: number;
}

export interface Verdict {
  readonly faults: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

interface Asked {
  readonly t: number;
  readonly ask: Extract<ClientLine, { op: 'ask' }>;
  accepted?: {
    readonly t: number;
    readonly task: string;
    readonly problem: string;
    readonly iteration: number;
  };
  refused?: number;
}

const HTTP_AT_ONCE = 16;
/** The modules of graphs/scripts.yaml. */
const SCRIPTS: readonly string[] = ['cut', 'weld', 'paint'];

export async function check(options: CheckOptions): Promise<Verdict> {
  const checking = new Checking(options);
  await checking.run();
  return { faults: checking.faults, counts: checking.counts };
}

class Checking {
  readonly faults: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly #options: CheckOptions;
  readonly #history = new History();
  readonly #hashes = new Map<string, string>();
  /** By seq, type and time of an event. */
  readonly #briefs = new Map<number, string>();
  /** When the watcher heard that an execution's stop was complete. */
  readonly #stoppedAt = new Map<string, number>();

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    await this.#readStream();
    await this.#compareWatcher();
    await this.#compareSubscriber();
    await this.#checkRest();
    const asked = await this.#readClients();
    await this.#checkClients(asked);
    await this.#checkOutputs();
    await this.#checkNodes();
    await this.#checkCommands();
    await this.#checkScripts();
    await this.#checkStore();
    this.faults.unshift(...this.#history.faults);
    const { minSuccesses } = this.#options;
    if ((this.counts.succeeded ?? 0) < minSuccesses)
      this.faults.push(
        `only ${this.counts.succeeded ?? 0} tasks succeeded, at least ${minSuccesses} have to`,
      );
  }

  /** All events there are, from the first. */
  async #readStream(): Promise<void> {
    const socket = new WebSocket(`${this.#options.http.replace('http', 'ws')}/v1/stream`);
    let newest = 0;
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Record<string, unknown>;
      if (frame.type === 'hello') {
        newest = frame.cursor as number;
        socket.send(JSON.stringify({ type: 'subscribe', cursor: 0 }));
      } else if (frame.type === 'events') {
        for (const event of frame.events as WatchedEvent[]) {
          this.#briefs.set(event.seq, `${event.type} at ${event.at}`);
          this.#hashes.set(String(event.seq), digest(JSON.stringify(event)));
          this.#history.take(event);
        }
        if ((frame.cursor as number) >= newest) socket.close();
      } else if (frame.type !== 'subscribed' && frame.type !== 'tick') {
        this.faults.push(`the stream said ${JSON.stringify(frame).slice(0, 200)}`);
        socket.close();
      }
    });
    await once(socket, 'close');
    this.counts.events = this.#history.cursor;
    for (const [type, count] of Object.entries(this.#history.counts)) {
      if (/^(iteration|execution|node|command)\./.test(type) || type === 'output.refused')
        this.counts[type] = count;
    }
    this.counts.outputs = this.#history.counts['output.recorded'] ?? 0;
    this.counts.succeeded = this.#history.counts['iteration.succeeded'] ?? 0;
  }

  async #compareWatcher(): Promise<void> {
    let cursor = 0;
    for await (const { line } of readJournals<WatchLine>(this.#options.journals, 'watcher')) {
      const { event, t } = line;
      cursor += 1;
      // It went on while the stream was read.
      if (cursor > this.#history.cursor) continue;
      if (event.seq !== cursor) this.faults.push(`the watcher got event ${event.seq} as number ${cursor}`);
      if (this.#hashes.get(String(event.seq)) !== digest(JSON.stringify(event)))
        this.faults.push(`event ${event.seq} is not what a viewer was told`);
      if (event.type === 'command.stopped' && event.execution_id) this.#stoppedAt.set(event.execution_id, t);
    }
    this.counts.watched = cursor;
    if (cursor < this.#history.cursor)
      this.faults.push(`the watcher got ${cursor} events, there are ${this.#history.cursor}`);
  }

  async #compareSubscriber(): Promise<void> {
    let heard = 0;
    for await (const { line } of readJournals<HeardLine>(this.#options.journals, 'subscriber')) {
      const { seq, type, at } = line;
      // It went on while the stream was read.
      if (seq > this.#history.cursor) continue;
      heard += 1;
      const stored = this.#briefs.get(seq);
      if (stored !== `${type} at ${at}`)
        this.faults.push(`a subscriber heard of event ${seq}, ${type} at ${at}, which is ${stored}`);
    }
    this.counts['heard by a subscriber'] = heard;
    if (heard === 0) this.faults.push('the subscriber heard nothing');
  }

  async #checkRest(): Promise<void> {
    const stats = await this.#json('/v1/stats');
    for (const name of ['tasks', 'executions', 'commands']) {
      if (stats[name] !== 0) this.faults.push(`${String(stats[name])} ${name} are left over`);
    }
    if (stats.counters?.internal_errors)
      this.faults.push(`${String(stats.counters.internal_errors)} steps could not be decided`);
    for (const [id, { end }] of this.#history.tasks) if (!end) this.faults.push(`task ${id} has not ended`);
    for (const { id, end } of this.#history.executions.values())
      if (!end) this.faults.push(`execution ${id} has not ended`);
    const { items } = await this.#json('/v1/nodes?limit=1000');
    for (const node of items) {
      if (node.liveness !== 'alive') continue;
      if (node.running.length + node.stopping.length > 0)
        this.faults.push(`node ${node.instance} still has ${JSON.stringify([node.running, node.stopping])}`);
    }
  }

  async #readClients(): Promise<Asked[]> {
    const byKey = new Map<string, Asked>();
    for await (const { line } of readJournals<ClientLine>(this.#options.journals, 'client-')) {
      if (line.op === 'ask') byKey.set(line.key, { t: line.t, ask: line });
      const asked = byKey.get(line.key);
      if (!asked) continue;
      if (line.op === 'accepted') {
        const { problem_id: problem, iteration_id: iteration, t } = line;
        asked.accepted = { t, problem, iteration, task: `${problem}/${iteration}` };
      } else if (line.op === 'refused') asked.refused = line.status;
    }
    return [...byKey.values()];
  }

  async #checkClients(all: readonly Asked[]): Promise<void> {
    const accepted = all.filter((asked) => asked.accepted !== undefined);
    this.counts.accepted = accepted.length;
    const tasks = new Map<string, string>();
    for (const { ask, accepted: answer, refused } of all) {
      if (ask.kind === 'submit') {
        if (refused !== undefined) this.faults.push(`submission ${ask.key} was refused with ${refused}`);
        const problems = this.#history.titles.get(ask.key) ?? [];
        if (problems.length > 1) this.faults.push(`submission ${ask.key} became ${problems.length} problems`);
        if (answer && problems[0] !== answer.problem) this.faults.push(`submission ${ask.key} is not there`);
      }
      if (!answer) continue;
      const twin = tasks.get(answer.task);
      if (twin !== undefined) this.faults.push(`${answer.task} was given to ${twin} and to ${ask.key}`);
      tasks.set(answer.task, ask.key);
      if (!this.#history.tasks.has(answer.task))
        this.faults.push(`${answer.task}, accepted, was never submitted`);
    }
    this.#checkOrder(accepted);
    await inParallel(accepted, async ({ ask, accepted: answer }) => {
      const { problem, iteration, task } = answer!;
      const view = await this.#json(`/v1/problems/${problem}/iterations/${iteration}`);
      const end = this.#history.tasks.get(task)?.end;
      if (view.state !== end) this.faults.push(`${task} is shown as ${view.state}, and ended as ${end}`);
      if (view.graph !== ask.graph) this.faults.push(`${task} is of graph ${view.graph}`);
      if (ask.input !== undefined && JSON.stringify(view.input) !== JSON.stringify(ask.input))
        this.faults.push(`${task} has the input ${JSON.stringify(view.input)}`);
      if (ask.parent !== undefined && view.parent_iteration_id !== ask.parent)
        this.faults.push(`${task} has the parent ${view.parent_iteration_id}, not ${ask.parent}`);
      if (view.state === 'succeeded') await this.#checkFlow(task, view);
    });
  }

  /** A request made after another one's answer got a later iteration. */
  #checkOrder(accepted: readonly Asked[]): void {
    const byProblem = new Map<string, Asked[]>();
    for (const asked of accepted) {
      const { problem } = asked.accepted!;
      byProblem.set(problem, [...(byProblem.get(problem) ?? []), asked]);
    }
    for (const asked of byProblem.values()) {
      for (const a of asked) {
        for (const b of asked) {
          if (a.accepted!.t < b.t && a.accepted!.iteration >= b.accepted!.iteration)
            this.faults.push(`${b.accepted!.task} was asked for after ${a.accepted!.task} was there`);
        }
      }
    }
  }

  /** The modules of a task that succeeded worked on each other's last outputs, and on those of the parent. */
  // biome-ignore lint/suspicious/noExplicitAny: what the API answers.
  async #checkFlow(task: string, view: any): Promise<void> {
    const path = pathOf(task);
    const hashOf = async (at: string, module: string): Promise<string> =>
      digest(await this.#bytes(`${at}/outputs/${module}`));
    for (const [module, { state }] of Object.entries(view.modules as Record<string, { state: string }>)) {
      if (state !== 'succeeded') continue;
      const content = JSON.parse((await this.#bytes(`${path}/outputs/${module}`)).toString()) as Content;
      for (const [name, hash] of Object.entries(content.inputs)) {
        if (name === 'problem') continue;
        const previous = name.startsWith('previous.');
        const from = previous ? pathOf(`${task.split('/')[0]}/${view.parent_iteration_id}`) : path;
        if ((await hashOf(from, name.replace('previous.', ''))) !== hash)
          this.faults.push(`${module} of ${task} worked on another ${name} than what is stored`);
        this.counts.inputs = (this.counts.inputs ?? 0) + 1;
      }
    }
  }

  async #checkOutputs(): Promise<void> {
    const published = new Map<string, string>();
    const acked = new Map<string, number>();
    for await (const { line } of readJournals<NodeLine>(this.#options.journals, 'node-')) {
      if (line.op === 'published') published.set(`${line.execution} ${line.seq}`, line.sha256);
      else if (line.op === 'acked')
        acked.set(line.execution, Math.max(line.seq, acked.get(line.execution) ?? 0));
      else if (line.op === 'forged') this.counts.forged = (this.counts.forged ?? 0) + 1;
    }
    let ackedOutputs = 0;
    for (const [id, seq] of acked) {
      ackedOutputs += seq;
      const recorded = this.#history.executions.get(id)?.outputs ?? 0;
      if (recorded < seq)
        this.faults.push(`execution ${id}: acknowledged up to ${seq}, recorded up to ${recorded}`);
    }
    this.counts['outputs acked in journals'] = ackedOutputs;
    await inParallel([...this.#history.executions.values()], async ({ id, task, outputs }) => {
      for (let seq = 1; seq <= outputs; seq += 1) {
        const bytes = await this.#bytes(`${pathOf(task)}/executions/${id}/outputs/${seq}`);
        const content = parse(bytes);
        if (content?.execution !== id || content.seq !== seq || content.task !== task)
          this.faults.push(`output ${seq} of ${id} reads ${bytes.toString().slice(0, 100)}`);
        if (content?.forged) this.faults.push(`output ${seq} of ${id} is forged`);
        const sent = published.get(`${id} ${seq}`);
        if (sent !== undefined) {
          this.counts['outputs compared'] = (this.counts['outputs compared'] ?? 0) + 1;
          if (sent !== digest(bytes))
            this.faults.push(`output ${seq} of ${id} is not what its node published`);
        }
      }
    });
  }

  /** Nobody is at work on an execution once it is shown as stopped, unless its process was given up for dead. */
  async #checkNodes(): Promise<void> {
    const { upheavals, executions } = this.#history;
    const reported = new Set<string>();
    for await (const { name, line } of readJournals<NodeLine>(this.#options.journals, 'node-')) {
      if (line.op !== 'beat') continue;
      for (const id of line.working) {
        const stoppedAt = this.#stoppedAt.get(id);
        const execution = executions.get(id);
        if (stoppedAt === undefined || line.t <= stoppedAt || !execution || reported.has(id)) continue;
        const { nodeId, assignedSeq, stopped } = execution;
        // What a new process ends is told before the process itself, in the same commit.
        const wasGivenUp = (upheavals.get(nodeId) ?? []).some(
          ({ seq, at }) => seq > assignedSeq && (seq <= (stopped?.seq ?? 0) || at === stopped?.at),
        );
        if (wasGivenUp) continue;
        reported.add(id);
        this.faults.push(
          `${name} works on ${id}, ${Math.round(line.t - stoppedAt)} ms after it is shown as stopped`,
        );
      }
    }
    this.counts['executions stopped'] = this.#stoppedAt.size;
  }

  async #checkCommands(): Promise<void> {
    const commands: Extract<ClientLine, { op: 'commanded' }>[] = [];
    for await (const { line } of readJournals<ClientLine>(this.#options.journals, 'client-'))
      if (line.op === 'commanded') commands.push(line);
    this.counts.commands = commands.length;
    await inParallel(commands, async ({ command_id, command, target }) => {
      const view = await this.#json(`/v1/commands/${command_id}`);
      if (view.state === 'pending')
        this.faults.push(`command ${command_id} (${command} ${target}) is still pending`);
      this.counts[`commands ${view.state}`] = (this.counts[`commands ${view.state}`] ?? 0) + 1;
      if (view.state !== 'acked') return;
      for (const part of view.parts) {
        if (part.execution_id && !part.stopped_at)
          this.faults.push(`command ${command_id}: ${part.execution_id} never stopped`);
      }
    });
  }

  async #checkScripts(): Promise<void> {
    const { journals } = this.#options;
    const starts = new Map<string, number>();
    for await (const { line } of readJournals<CommandLine>(journals, 'commands')) {
      const { execution: id, task, module, attempt, t } = line;
      const told = `the command of ${id} (${module} of ${task}, attempt ${attempt})`;
      starts.set(id, (starts.get(id) ?? 0) + 1);
      if (starts.get(id) === 2) this.faults.push(`${told} was started twice`);
      const execution = this.#history.executions.get(id);
      if (execution?.task !== task || execution.module !== module || execution.attempt !== attempt)
        this.faults.push(`${told} is of no such execution: ${JSON.stringify(execution)}`);
      const stoppedAt = this.#stoppedAt.get(id);
      if (stoppedAt !== undefined && t > stoppedAt)
        this.faults.push(`${told} was started ${Math.round(t - stoppedAt)} ms after it is shown as stopped`);
    }
    this.counts['commands started'] = starts.size;
    for (const { id, module, end } of this.#history.executions.values()) {
      if (!SCRIPTS.includes(module)) continue;
      const name = `run modules ${end}`;
      this.counts[name] = (this.counts[name] ?? 0) + 1;
      if (end === 'succeeded' && !starts.has(id))
        this.faults.push(`${id} of ${module} has succeeded, and its command was not started`);
    }
    for (const { pid, execution } of liveProcesses(join(journals, 'commands.jsonl')))
      this.faults.push(`process ${pid} of ${execution} is left`);
  }

  async #checkStore(): Promise<void> {
    const { store } = this.#options;
    if (!store) return;
    const command = [join(store.root, 'dist/src/cli/main.js'), 'check', store.data, '--json'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command).catch(
      (failed: { readonly stdout: string; readonly stderr: string }) => failed,
    );
    if (!stdout.startsWith('{')) {
      this.faults.push(`the store cannot be checked: ${stdout}${stderr}`);
      return;
    }
    const { faults, counts } = JSON.parse(stdout) as StoreVerdict;
    for (const { where, what } of faults) this.faults.push(`in the store, ${where} ${what}`);
    for (const [name, count] of Object.entries(counts)) this.counts[`stored ${name}`] = count;
    if (counts['iterations folded'] !== counts.iterations)
      this.faults.push(`${counts['iterations folded']} of ${counts.iterations} iterations could be folded`);
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the API answers.
  async #json(path: string): Promise<any> {
    const response = await fetch(this.#options.http + path);
    const body = await response.json();
    if (!response.ok) this.faults.push(`GET ${path}: ${response.status} ${JSON.stringify(body)}`);
    return body;
  }

  async #bytes(path: string): Promise<Buffer> {
    const response = await fetch(this.#options.http + path, {
      headers: { accept: 'application/octet-stream' },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (!response.ok) this.faults.push(`GET ${path}: ${response.status} ${bytes.toString()}`);
    return bytes;
  }
}

function pathOf(task: string): string {
  return `/v1/problems/${task.replace('/', '/iterations/')}`;
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function parse(bytes: Buffer): Content | undefined {
  try {
    return JSON.parse(bytes.toString()) as Content;
  } catch {
    return undefined;
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: HTTP_AT_ONCE }, worker));
}
