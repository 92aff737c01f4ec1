/**
 * The outputs socket: what a SUB of libzmq does, for PUBs and XPUBs of any implementation that dial it.
 *
 * Every peer is told what is subscribed to as soon as it has introduced itself. A message with another beginning is handed up all
 * the same: an honest peer does not send it, and the receiver says what is wrong with it.
 */
import type { BusGauges, OrchestratorBusHandlers, Route } from '../bus.js';
import type { Connection } from './connection.js';
import { Message, SUBSCRIBE } from './frames.js';
import { ServerSocket, type SocketOptions, type SocketRole } from './server-socket.js';

export type OutputsHandlers = Pick<OrchestratorBusHandlers, 'onOutputs' | 'onMalformed' | 'onCut'>;

const ROLE: SocketRole = { name: 'outputs', type: 'SUB', peers: ['PUB', 'XPUB'], frames: 2 };

export class OutputsSocket extends ServerSocket {
  readonly #to: OutputsHandlers;
  readonly #subscription: Message;
  /** Those that were not admitted. */
  readonly #unadmitted = new Map<Route, Connection>();

  constructor(prefix: string, options: SocketOptions, handlers: OutputsHandlers) {
    super(ROLE, options, handlers);
    this.#to = handlers;
    this.#subscription = new Message(Buffer.concat([Buffer.from([SUBSCRIBE]), Buffer.from(prefix)]));
  }

  admit(route: Route): void {
    const connection = this.#unadmitted.get(route);
    if (!connection) return;
    this.#unadmitted.delete(route);
    this.accept(connection);
  }

  gauges(): BusGauges['outputs'] {
    const { connections, unregistered, heldBytes } = this.counts();
    return { connections, unregistered, heldBytes };
  }

  protected override onReady(connection: Connection): void {
    this.#unadmitted.set(connection.route, connection);
    this.offer(connection, this.#subscription);
  }

  protected override onMessage(
    connection: Connection,
    [topic, frame]: readonly Uint8Array[],
  ): void | Promise<void> {
    return this.#to.onOutputs(Buffer.from(topic!).toString(), frame!, connection);
  }

  protected override onMalformed({ address }: Connection): void {
    this.#to.onMalformed('outputs', address);
  }

  /** A subscription by command: nothing is published here. */
  protected override onCommand(): void {}

  protected override onEnd({ route }: Connection): void {
    this.#unadmitted.delete(route);
  }
}
