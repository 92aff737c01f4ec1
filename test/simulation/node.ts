/**
 * A node process as CONTRACT §4 describes it, written without the SDK: it says hello until it is welcomed, answers every assignment,
 * publishes its outputs again until they are acknowledged, and does everything that a node may do wrong without breaking a rule:
 * crash, hang, forget, fail, reject, be slow.
 */
import type { NodeStatus } from '../../src/model/node.js';
import {
  type Assign,
  type ExecutionReport,
  type NodeCommand,
  type NodeMessage,
  type Output,
  PROTOCOL_VERSION,
  REFUSALS,
  type Refused,
  type TaskCommand,
  type Welcome,
} from '../../src/model/protocol.js';
import { decodeToNode, encodeOutputs, encodeToOrchestrator } from '../../src/wire/codec.js';
import type { Link, Network } from './network.js';
import type { World } from './world.js';

export interface Role {
  readonly module: string;
  readonly instance: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: number;
}

/** Whom a node tells what must hold of what it was told. */
export interface Witness {
  assigned(process: NodeProcess, assign: Assign): void;
  /** The orchestrator says that these outputs of the execution, from the first on, are committed. */
  acked(executionId: string, payloads: readonly Uint8Array[]): void;
  ended(process: NodeProcess, how: 'crashed' | 'left' | 'replaced'): void;
  uploaded(sha256: string, size: number): void;
}

interface Work {
  readonly executionId: string;
  readonly lease: string;
  phase: 'running' | 'stopping' | 'published' | 'reported';
  readonly outputs: Output[];
  acked: number;
  report: ExecutionReport | undefined;
  againAt: number;
  pauseMs: number;
}

const WINDOW = 4;
const utf8 = new TextEncoder();

export class NodeProcess {
  readonly role: Role;
  readonly bootId: string;
  isAlive = true;
  /** Another process of its instance is at work. */
  isKeptOut = false;
  status: NodeStatus = 'INACTIVE';
  readonly #world: World;
  readonly #network: Network;
  readonly #witness: Witness;
  readonly #link: Link;
  readonly #held = new Map<string, Work>();
  readonly #ended = new Set<string>();
  readonly #done = new Set<string>();
  readonly #inbox: Uint8Array[] = [];
  #out: NodeMessage[] = [];
  #nodeId = '';
  #incarnation = 0;
  #isRegistered = false;
  #helloAt = 0;
  #beatAt = 0;
  #hangsUntil = 0;
  #speaksFrom = 0;

  constructor(world: World, network: Network, role: Role, witness: Witness) {
    this.#world = world;
    this.#network = network;
    this.role = role;
    this.#witness = witness;
    this.bootId = world.ids.uuid();
    this.#link = network.connect((frame) => this.#receive(frame));
    this.#tick();
  }

  get holds(): number {
    return this.#held.size;
  }

  /** Ends without a word. */
  crash(): void {
    if (this.isAlive) this.#end('crashed');
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

  leave(): void {
    if (!this.isAlive || !this.#isRegistered) return;
    this.#say({ kind: 'goodbye' });
    this.#flush();
    const link = this.#link;
    this.isAlive = false;
    this.#world.after(10, () => this.#network.close(link));
    this.#witness.ended(this, 'left');
  }

  fall(): void {
    if (!this.#isRegistered || (this.status !== 'IDLE' && this.status !== 'RUNNING')) return;
    this.status = 'ERROR';
    const error = { code: 'broken', message: 'it broke', retryable: true };
    this.#say({ kind: 'node_report', status: 'ERROR', error });
    this.#flush();
  }

  #end(how: 'crashed' | 'replaced'): void {
    this.isAlive = false;
    this.#network.close(this.#link);
    this.#witness.ended(this, how);
  }

  #tick(): void {
    if (!this.isAlive) return;
    const { now, random } = this.#world;
    if (now >= this.#hangsUntil) {
      for (const frame of this.#inbox.splice(0)) this.#read(frame);
      if (!this.isAlive) return;
      if (!this.#isRegistered && now >= this.#helloAt) this.#hello();
      if (this.#isRegistered && now >= this.#beatAt) {
        this.#beatAt = now + (this.#world.fault(0.05) ? random.whole(2000, 5000) : 1000);
        this.#say({ kind: 'heartbeat', status: this.status, running: [...this.#held.keys()] });
      }
      for (const work of this.#held.values()) if (now >= work.againAt) this.#repeat(work);
      this.#flush();
    }
    this.#world.after(random.whole(200, 300), () => this.#tick());
  }

  #hello(): void {
    this.#helloAt = this.#world.now + this.#world.random.whole(400, 1200);
    this.#say({
      kind: 'hello',
      ...this.role,
      bootId: this.bootId,
      version: '1',
      outputType: this.#world.random.chance(0.5) ? 'json' : '',
      status: this.status,
      held: [...this.#held.values()].map(({ executionId, lease, phase }) => ({
        executionId,
        lease,
        state: phase === 'published' ? 'SUCCEEDED' : 'RUNNING',
      })),
      token: '',
    });
    this.#flush();
  }

  #say(message: NodeMessage): void {
    if (this.#isRegistered || message.kind === 'hello') this.#out.push(message);
  }

  /** What one turn of the node's loop has for the orchestrator goes in one frame. */
  #flush(): void {
    if (this.#out.length === 0) return;
    const messages = this.#out;
    this.#out = [];
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
      else if (message.kind === 'output_acks') for (const ack of message.acks) this.#acked(ack);
      else if (message.kind === 'config_request' && this.#world.random.chance(0.8)) {
        const { transactionId, configuration } = message;
        this.#say({ kind: 'config_reply', transactionId, success: true, configuration });
      }
    }
  }

  #welcome(welcome: Welcome): void {
    if (welcome.incarnation < this.#incarnation) return;
    this.#nodeId = welcome.nodeId;
    this.#incarnation = welcome.incarnation;
    this.#isRegistered = true;
    this.isKeptOut = false;
    this.#speaksFrom = this.#world.now + (this.#world.calm ? 0 : this.#world.random.whole(0, 200));
    for (const id of welcome.drop) this.#forget(id);
    for (const work of this.#held.values()) work.againAt = this.#world.now;
  }

  #refused(refused: Refused): void {
    const kind = REFUSALS[refused.code as keyof typeof REFUSALS];
    const work = refused.executionId === undefined ? undefined : this.#held.get(refused.executionId);
    if (kind === 'final') {
      if (refused.code !== 'replaced')
        throw new Error(`refused for good: ${refused.code}: ${refused.message}`);
      this.#end('replaced');
    } else if (refused.code === 'instance_in_use') {
      this.isKeptOut = true;
    } else if (refused.code === 'say_hello' || refused.code === 'stale_incarnation') {
      if (refused.code === 'stale_incarnation' && (refused.incarnation ?? 0) < this.#incarnation) return;
      this.#isRegistered = false;
      this.#helloAt = 0;
    } else if (refused.code === 'blob_missing') {
      const payload = work?.outputs[(refused.seq ?? 0) - 1]?.payload;
      if (payload?.kind === 'blob') this.#witness.uploaded(payload.blob.sha256, payload.blob.size);
    } else if (refused.code === 'bad_payload' && work && refused.seq !== undefined) {
      work.outputs.length = Math.min(work.outputs.length, refused.seq - 1);
      this.#report(work, 'FAILED', { code: 'bad_payload', message: refused.message, retryable: false });
    } else if (refused.executionId !== undefined) {
      this.#forget(refused.executionId);
    }
  }

  #forget(id: string): void {
    if (this.#held.delete(id)) this.#ended.add(id);
    this.#beIdleOrRunning();
  }

  #command({ commandId, cmd }: NodeCommand): void {
    const accepted = !(this.status === 'ERROR' && (cmd === 'START' || cmd === 'STOP'));
    const error = { code: 'not_in_this_state', message: 'it is in ERROR', retryable: false };
    this.#say({ kind: 'command_ack', commandId, executionId: '', accepted, ...(!accepted && { error }) });
    if (this.#done.has(commandId) || !accepted) return;
    this.#done.add(commandId);
    if (cmd === 'TERMINATE') {
      this.#flush();
      if (this.#world.random.chance(0.5)) this.leave();
      else this.crash();
      return;
    }
    if (cmd === 'START' && (this.status === 'IDLE' || this.status === 'RUNNING')) return;
    if (cmd !== 'START') {
      for (const work of this.#held.values()) if (work.phase === 'running') this.#report(work, 'CANCELLED');
    }
    this.status = cmd === 'STOP' ? 'INACTIVE' : 'IDLE';
    this.#say({ kind: 'node_report', status: this.status });
    this.#beIdleOrRunning();
  }

  #stop({ commandId, cmd, executionId, graceMs }: TaskCommand): void {
    this.#say({ kind: 'command_ack', commandId, executionId, accepted: true });
    const work = this.#held.get(executionId);
    if (!work || this.#done.has(commandId) || work.phase === 'reported') return;
    this.#done.add(commandId);
    work.phase = 'stopping';
    const slow = this.#world.fault(0.2) ? graceMs * 2 : this.#world.random.whole(0, 300);
    this.#world.after(slow, () => {
      if (!this.isAlive || this.#held.get(executionId) !== work) return;
      this.#report(work, cmd === 'PREEMPT' ? 'PREEMPTED' : 'CANCELLED');
      this.#flush();
    });
  }

  #assign(assign: Assign): void {
    const { executionId, lease } = assign;
    const { random } = this.#world;
    if (this.#ended.has(executionId)) return;
    if (this.#held.has(executionId)) {
      this.#say(reportOf(this.#held.get(executionId)!, 'ACCEPTED'));
      return;
    }
    this.#witness.assigned(this, assign);
    const isReady = this.status === 'IDLE' || this.status === 'RUNNING';
    const work: Work = {
      ...{ executionId, lease, phase: 'running', outputs: [], acked: 0, report: undefined },
      ...{ againAt: Number.POSITIVE_INFINITY, pauseMs: 1000 },
    };
    if (!isReady || this.#held.size >= this.role.capacity || this.#world.fault(0.05)) {
      const retryable = !this.#world.fault(0.1) || !isReady;
      this.#say({
        ...reportOf(work, 'REJECTED'),
        error: { code: 'rejected', message: 'not now', retryable },
      });
      return;
    }
    this.#held.set(executionId, work);
    if (!this.#world.fault(0.05)) this.#say(reportOf(work, 'ACCEPTED'));
    this.#beIdleOrRunning();
    const most = this.#world.calm ? 50 : random.chance(0.1) ? 6000 : this.#world.paceMs;
    const durationMs = random.whole(1, most);
    const parts = random.whole(0, 2);
    for (let part = 1; part <= parts; part += 1) {
      this.#world.after((durationMs * part) / (parts + 1), () => this.#work(work, assign, 'publish a part'));
    }
    this.#world.after(durationMs, () => this.#work(work, assign, 'finish'));
  }

  #work(work: Work, assign: Assign, what: 'publish a part' | 'finish'): void {
    if (!this.isAlive || this.#held.get(work.executionId) !== work || work.phase !== 'running') return;
    if (this.#world.now < this.#hangsUntil) {
      this.#world.after(100, () => this.#work(work, assign, what));
      return;
    }
    const { random } = this.#world;
    if (what === 'publish a part') {
      if (random.chance(0.5))
        this.#say(reportOf(work, random.chance(0.5) ? 'RUNNING' : 'PROGRESS', random.next()));
      this.#say({
        kind: 'log',
        executionId: work.executionId,
        lease: work.lease,
        at: this.#world.now,
        level: 'info',
        message: 'working',
        fields: {},
      });
      this.#publish(work, assign, false);
    } else if (this.#world.fault(0.04)) {
      return;
    } else if (this.#world.fault(0.03)) {
      this.crash();
      return;
    } else if (this.#world.fault(0.02)) {
      this.#forget(work.executionId);
    } else if (this.#world.fault(0.12)) {
      const retryable = random.chance(0.7);
      this.#report(work, 'FAILED', { code: 'handler_failed', message: 'it threw', retryable });
    } else {
      work.phase = 'published';
      this.#publish(work, assign, true);
    }
    this.#flush();
  }

  #publish(work: Work, { executionId, lease, taskId, module }: Assign, last: boolean): void {
    const seq = work.outputs.length + 1;
    const value = { ...taskId, module, executionId, seq, by: this.bootId };
    const bytes = this.#world.fault(0.01) ? utf8.encode('{"no json') : utf8.encode(JSON.stringify(value));
    const sha256 = this.bootId.slice(-12).padStart(52, 'b') + executionId.slice(-12);
    const payload =
      last && this.#world.fault(0.05)
        ? ({ kind: 'blob', blob: { sha256, size: 100_000 } } as const)
        : ({ kind: 'inline', bytes } as const);
    work.outputs.push({ executionId, lease, seq, last, type: 'json', payload });
    work.againAt = this.#world.now + work.pauseMs;
    this.#send(work, seq);
  }

  #report(work: Work, state: 'FAILED' | 'CANCELLED' | 'PREEMPTED', error?: ExecutionReport['error']): void {
    if (work.phase === 'stopping' || state !== 'FAILED')
      work.outputs.length = Math.min(work.outputs.length, work.acked);
    work.phase = 'reported';
    work.report = { ...reportOf(work, state), lastSeq: work.outputs.length, ...(error && { error }) };
    work.pauseMs = 1000;
    work.againAt = this.#world.now + work.pauseMs;
    this.#say(work.report);
  }

  #repeat(work: Work): void {
    work.pauseMs = Math.min(work.pauseMs * 2, 8000);
    work.againAt = this.#world.now + work.pauseMs;
    if (work.report) this.#say(work.report);
    this.#send(work);
  }

  /** All that is not acknowledged, as far as the window goes; `from`: only what comes from there on, as a node does that has published. */
  #send(work: Work, from = 1): void {
    if (!this.#isRegistered || this.#world.now < this.#speaksFrom || work.phase === 'stopping') return;
    const window = work.outputs.slice(work.acked, work.acked + WINDOW).filter(({ seq }) => seq >= from);
    const inOneFrame = this.#world.random.chance(0.5);
    for (const outputs of inOneFrame ? [window] : window.map((output) => [output])) {
      if (outputs.length > 0) {
        this.#network.publish(encodeOutputs({ protocolVersion: PROTOCOL_VERSION, outputs }));
      }
    }
  }

  #acked(ack: { readonly executionId: string; readonly seq: number; readonly ended: boolean }): void {
    const work = this.#held.get(ack.executionId);
    if (!work) return;
    const committed = work.outputs.slice(work.acked, ack.seq);
    this.#witness.acked(
      ack.executionId,
      work.outputs
        .slice(0, ack.seq)
        .map(({ payload }) => (payload.kind === 'inline' ? payload.bytes : utf8.encode(''))),
    );
    work.acked = Math.max(work.acked, Math.min(ack.seq, work.outputs.length));
    if (ack.ended) this.#forget(ack.executionId);
    else if (committed.length > 0) this.#send(work);
  }

  #beIdleOrRunning(): void {
    if (this.status === 'IDLE' || this.status === 'RUNNING')
      this.status = this.#held.size > 0 ? 'RUNNING' : 'IDLE';
  }
}

function reportOf(work: Work, state: ExecutionReport['state'], progress = 0): ExecutionReport {
  const { executionId, lease } = work;
  return { kind: 'execution_report', executionId, lease, state, lastSeq: 0, progress, message: '' };
}
