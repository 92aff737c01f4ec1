import type {
  CommandAck,
  ConfigReply,
  ConfigRequest,
  NodeCommand,
  ReportedError,
  TaskCommand,
} from '../../model/protocol.js';
import type { TaskCmd } from '../../model/task-state.js';
import type { AbortCode } from '../errors.js';
import type { Effect } from './events.js';
import type { Executions } from './executions.js';
import type { Lifecycle } from './lifecycle.js';
import { Remembered } from './remembered.js';

/** Commands and configurations whose answers are kept for their repeats. */
const REMEMBERED_ANSWERS = 1_024;

const ABORT_CODES: Readonly<Record<TaskCmd, AbortCode>> = {
  STOP: 'stopped',
  RESET: 'reset',
  PREEMPT: 'preempted',
  TERMINATE: 'terminated',
};

export interface CommandsOutlet {
  /** Lost while the node is not registered: the request comes again. */
  say(message: CommandAck | ConfigReply): void;
  effect(effect: Effect): void;
}

/** Does every request once, and answers each of its repeats as the first. */
export class Commands {
  readonly #outlet: CommandsOutlet;
  readonly #executions: Executions;
  readonly #lifecycle: Lifecycle;
  readonly #acks = new Remembered<CommandAck>(REMEMBERED_ANSWERS);
  /** `undefined`: the hook is at it. */
  readonly #replies = new Remembered<ConfigReply | undefined>(REMEMBERED_ANSWERS);

  constructor(outlet: CommandsOutlet, executions: Executions, lifecycle: Lifecycle) {
    this.#outlet = outlet;
    this.#executions = executions;
    this.#lifecycle = lifecycle;
  }

  /** Whether it was done now, and not before. */
  node({ commandId, cmd, reason, graceMs }: NodeCommand, now: number): boolean {
    if (this.#repeated(commandId)) return false;
    this.#acknowledge(commandId, '', this.#lifecycle.command(cmd, reason, graceMs, now));
    return true;
  }

  task({ commandId, cmd, executionId, reason, graceMs }: TaskCommand, now: number): void {
    if (this.#repeated(commandId)) return;
    const known = this.#executions.isHeld(executionId) || this.#executions.hasEnded(executionId);
    const message = `this node does not hold ${executionId}`;
    this.#acknowledge(
      commandId,
      executionId,
      known ? undefined : { code: 'unknown_execution', message, retryable: false },
    );
    this.#executions.interrupt(
      executionId,
      {
        state: cmd === 'PREEMPT' ? 'PREEMPTED' : 'CANCELLED',
        code: ABORT_CODES[cmd],
        reason: reason || `the task was ${ABORT_CODES[cmd]}`,
        graceAt: cmd === 'TERMINATE' ? now : now + graceMs,
      },
      now,
    );
  }

  configure({ transactionId, configuration }: ConfigRequest): void {
    if (!this.#replies.has(transactionId)) {
      this.#replies.set(transactionId, undefined);
      this.#outlet.effect({ kind: 'configure', transactionId, configuration });
      return;
    }
    const reply = this.#replies.get(transactionId);
    if (reply) this.#outlet.say(reply);
  }

  configured(transactionId: string, configuration: string, error: ReportedError | undefined): void {
    const reply: ConfigReply = {
      kind: 'config_reply',
      transactionId,
      success: error === undefined,
      configuration,
      ...(error && { error }),
    };
    this.#replies.set(transactionId, reply);
    this.#outlet.say(reply);
  }

  #repeated(commandId: string): boolean {
    const ack = this.#acks.get(commandId);
    if (ack) this.#outlet.say(ack);
    return ack !== undefined;
  }

  #acknowledge(commandId: string, executionId: string, error: ReportedError | undefined): void {
    const ack: CommandAck = {
      kind: 'command_ack',
      commandId,
      executionId,
      accepted: error === undefined,
      ...(error && { error }),
    };
    this.#acks.set(commandId, ack);
    this.#outlet.say(ack);
  }
}
