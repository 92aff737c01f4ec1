/**
 * An agent as docs/node-protocol.md describes it, written without the SDK: it holds what it has accepted until its end is acknowledged, over crashes of
 * its own, and says each thing again that matters, but for the beginning of a command, which it says once on each connection.
 */
import {
  type Assign,
  type NodeCommand,
  type NodeMessage,
  PROTOCOL_VERSION,
  REFUSALS,
  type Refused,
  type TaskCommand,
  type Welcome,
} from '../../../src/model/protocol.js';
import { AGENT_MODULE } from '../../../src/model/run.js';
import { decodeToNode, encodeOutputs, encodeToOrchestrator } from '../../../src/wire/codec.js';
import type { Link, Network } from '../network.js';
import type { World } from '../world.js';
import { heldState, type Job, reportOf } from './job.js';
import type { Machine } from './machine.js';

const AGAIN_MS = 1500;

export class Agent {
  isAlive = true;
  readonly #machine: Machine;
  readonly #world: World;
  readonly #network: Network;
  readonly #link: Link;
  readonly #againAt = new Map<string, number>();
  /** What the process before had begun: said to run once this one has registered. */
  readonly #resumed: Set<string>;
  #out: NodeMessage[] = [];
  #inbox: Uint8Array[] = [];
  #nodeId = '';
  #incarnation = 0;
  #isRegistered = false;
  #helloAt = 0;
  #beatAt = 0;
  #hangsUntil = 0;

  constructor(machine: Machine, world: World, network: Network) {
    this.#machine = machine;
    this.#world = world;
    this.#network = network;
    this.#resumed = new Set(
      [...machine.jobs.values()].flatMap((job) => (job.hasBegun ? job.executionId : [])),
    );
    this.#link = network.connect((frame) => this.#receive(frame));
    this.#tick();
  }

  crash(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#network.close(this.#link);
  }

  hang(forMs: number): void {
    this.#hangsUntil = this.#world.now + forMs;
  }

  wakeUp(): void {
    this.#hangsUntil = 0;
  }

  cutConnection(): void {
    this.#network.cut(this.#link);
  }

  /** It ends in an orderly way; what it has begun goes on. */
  leave(): void {
    if (!this.isAlive) return;
    this.#say({ kind: 'goodbye' });
    this.#flush();
    this.isAlive = false;
    this.#world.after(10, () => this.#network.close(this.#link));
  }

  get #jobs(): Map<string, Job> {
    return this.#machine.jobs;
  }

  #tick(): void {
    if (!this.isAlive) return;
    const { now, random } = this.#world;
    if (now >= this.#hangsUntil) {
      for (const frame of this.#inbox.splice(0)) this.#read(frame);
      if (!this.isAlive) return;
      if (!this.#isRegistered && now >= this.#helloAt) this.#hello();
      for (const job of this.#jobs.values()) this.#look(job);
      if (this.#isRegistered && now >= this.#beatAt) {
        this.#beatAt = now + (this.#world.fault(0.05) ? random.whole(2000, 5000) : 1000);
        this.#say({ kind: 'heartbeat', status: this.#status, running: [...this.#jobs.keys()] });
      }
      this.#flush();
    }
    this.#world.after(random.whole(200, 300), () => this.#tick());
  }

  get #status(): 'RUNNING' | 'IDLE' {
    return this.#jobs.size > 0 ? 'RUNNING' : 'IDLE';
  }

  /** What has become of it, and what is to be said again. */
  #look(job: Job): void {
    if (!this.#isRegistered) return;
    if (this.#resumed.delete(job.executionId)) this.#say(reportOf(job, 'RUNNING'));
    if (job.phase === 'waiting') this.#begin(job);
    else if (job.phase === 'running' && job.exit) this.#end(job, job.exit);
    const isTold = job.phase === 'published' || job.phase === 'reported';
    if (isTold && this.#world.now >= (this.#againAt.get(job.executionId) ?? 0)) this.#tellEnd(job);
  }

  #hello(): void {
    this.#helloAt = this.#world.now + this.#world.random.whole(400, 1200);
    this.#say({
      kind: 'hello',
      ...{ module: AGENT_MODULE, instance: this.#machine.cluster, bootId: this.#machine.bootId },
      ...{ version: '1', capacity: 1, labels: {}, outputType: '', status: this.#status, token: '' },
      held: [...this.#jobs.values()].map(({ executionId, lease, phase, exit }) => ({
        ...{ executionId, lease },
        state: heldState(phase, exit),
      })),
      typesByAssignment: true,
    });
    this.#flush();
  }

  /** Lost while it is not registered. */
  #say(message: NodeMessage): void {
    if (this.#isRegistered || message.kind === 'hello') this.#out.push(message);
  }

  #flush(): void {
    if (this.#out.length === 0) return;
    const messages = this.#out.splice(0);
    this.#network.toHub(
      this.#link,
      encodeToOrchestrator({
        protocolVersion: PROTOCOL_VERSION,
        nodeId: this.#nodeId,
        incarnation: this.#incarnation,
        messages,
      }),
    );
  }

  #receive(bytes: Uint8Array): void {
    if (!this.isAlive) return;
    this.#inbox.push(bytes);
    if (this.#world.now < this.#hangsUntil) return;
    for (const frame of this.#inbox.splice(0)) if (this.isAlive) this.#read(frame);
    if (this.isAlive) this.#flush();
  }

  #read(bytes: Uint8Array): void {
    const decoded = decodeToNode(bytes);
    if (!decoded.ok || decoded.faults.length > 0)
      throw new Error('the orchestrator sent a frame that cannot be read');
    const { incarnation, messages } = decoded.value;
    const isOdd = messages.some(({ kind }) => kind === 'welcome' || kind === 'refused');
    if (incarnation !== this.#incarnation && !isOdd) return;
    for (const message of messages) {
      if (!this.isAlive) return;
      if (message.kind === 'welcome') this.#welcome(message);
      else if (message.kind === 'refused') this.#refused(message);
      else if (incarnation !== this.#incarnation) continue;
      else if (message.kind === 'node_command') this.#command(message);
      else if (message.kind === 'task_command') this.#stop(message);
      else if (message.kind === 'assign') this.#assign(message);
      else if (message.kind === 'output_acks')
        for (const ack of message.acks) if (ack.ended) this.#drop(ack.executionId);
    }
  }

  #welcome(welcome: Welcome): void {
    if (welcome.incarnation < this.#incarnation) return;
    this.#nodeId = welcome.nodeId;
    this.#incarnation = welcome.incarnation;
    this.#isRegistered = true;
    for (const id of welcome.drop) this.#drop(id);
    this.#againAt.clear();
  }

  #refused(refused: Refused): void {
    const kind = REFUSALS[refused.code as keyof typeof REFUSALS];
    if (kind === 'final') throw new Error(`refused for good: ${refused.code}: ${refused.message}`);
    if (refused.code === 'say_hello' || refused.code === 'stale_incarnation') {
      if (refused.code === 'stale_incarnation' && (refused.incarnation ?? 0) < this.#incarnation) return;
      this.#isRegistered = false;
      this.#helloAt = 0;
    } else if (refused.executionId !== undefined) this.#drop(refused.executionId);
  }

  #command({ commandId, cmd }: NodeCommand): void {
    this.#say({ kind: 'command_ack', commandId, executionId: '', accepted: true });
    if (cmd !== 'START') throw new Error(`the agent of ${this.#machine.cluster} is told to ${cmd}`);
  }

  #assign(assign: Assign): void {
    const { executionId, lease, taskId, module, run } = assign;
    const replica = run!.env.TUTTI_REPLICA;
    if (this.#machine.ended.has(executionId)) return;
    const known = this.#jobs.get(executionId);
    const job: Job = known ?? {
      ...{ executionId, lease, taskId, replica: replica ?? module, isStep: replica === undefined },
      module: run!.env.TUTTI_MODULE,
      ...{ phase: 'waiting', hasBegun: false, isAlive: false, exit: undefined, node: undefined },
    };
    if (!known && this.#world.fault(0.03)) {
      const error = { code: 'rejected', message: 'not now', retryable: true };
      this.#say({ ...reportOf(job, 'REJECTED'), error });
      return;
    }
    this.#jobs.set(executionId, job);
    if (!this.#world.fault(0.05)) this.#say(reportOf(job, 'ACCEPTED'));
    if (known) return;
    const { calm, random } = this.#world;
    this.#world.after(calm ? 20 : random.whole(1, random.chance(0.1) ? 4000 : 200), () => {
      if (!this.isAlive || job.phase !== 'waiting') return;
      this.#begin(job);
      this.#flush();
    });
  }

  #begin(job: Job): void {
    job.phase = 'running';
    this.#machine.begin(job);
    this.#say(reportOf(job, 'RUNNING'));
  }

  #stop({ commandId, executionId, graceMs }: TaskCommand): void {
    this.#say({ kind: 'command_ack', commandId, executionId, accepted: true });
    const job = this.#jobs.get(executionId);
    if (!job || this.#machine.doneCommands.has(commandId) || job.phase === 'dropped') return;
    this.#machine.doneCommands.add(commandId);
    if (job.phase === 'reported') return;
    job.phase = 'stopping';
    const slow = this.#world.fault(0.1) ? graceMs * 2 : this.#world.random.whole(0, 300);
    this.#world.after(slow, () => {
      if (!this.isAlive || job.phase !== 'stopping') return;
      this.#machine.kill(job);
      job.exit = undefined;
      job.phase = 'reported';
      this.#tellEnd(job);
      this.#flush();
    });
  }

  #end(job: Job, how: 'completed' | 'failed'): void {
    job.phase = how === 'completed' ? 'published' : 'reported';
    this.#tellEnd(job);
  }

  #tellEnd(job: Job): void {
    const { executionId, lease, exit } = job;
    this.#againAt.set(executionId, this.#world.now + AGAIN_MS);
    if (job.phase === 'published') {
      const value = job.isStep ? { of: job.replica } : null;
      const payload = { kind: 'inline', bytes: new TextEncoder().encode(JSON.stringify(value)) } as const;
      const output = { executionId, lease, seq: 1, last: true, type: 'json', payload };
      this.#network.publish(encodeOutputs({ protocolVersion: PROTOCOL_VERSION, outputs: [output] }));
    } else if (exit === 'failed') {
      const error = { code: 'exit_code', message: 'it ended with exit code 1', retryable: true };
      this.#say({ ...reportOf(job, 'FAILED'), error });
    } else this.#say(reportOf(job, 'CANCELLED'));
  }

  /** The orchestrator knows of its end, or does not want it: then its process is to end first. */
  #drop(executionId: string): void {
    const job = this.#jobs.get(executionId);
    if (!job || job.phase === 'dropped') return;
    this.#machine.ended.add(executionId);
    job.phase = 'dropped';
    this.#world.after(job.isAlive ? this.#world.random.whole(0, 300) : 0, () => {
      if (!this.isAlive || job.phase !== 'dropped') return;
      this.#machine.kill(job);
      this.#jobs.delete(executionId);
    });
  }
}
