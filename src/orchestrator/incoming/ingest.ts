/**
 * From frames to steps: the door through which everything from the bus comes in.
 *
 * 1. From an unregistered peer, only a hello alone in a small frame is decoded; everything else is answered with `say_hello`, unread.
 * 2. A step is weighed by its decoded size in memory, not by its size on the wire.
 * 3. An address that fails to show the token a few times in a second is ignored for the rest of it. A token so long that nobody
 *    guesses it counts all the same: somebody who fails then cannot keep others at the same address out.
 *    A replica of a service shows a token of its own instead.
 * 4. Where connections are encrypted, the key of the connection decides who may say hello, and the shared token does not count. Those
 *    that are being decided on are few bytes: beyond that, the sockets are not read.
 */
import { messageOf } from '../../base/errors.js';
import { RateLimiter } from '../../base/rate-limiter.js';
import { sameSecret } from '../../base/secrets.js';
import type { OrchestratorBusHandlers, Peer, Route } from '../../bus/bus.js';
import type { Hello, ToOrchestrator } from '../../model/protocol.js';
import { decodeHello, decodeOutputs, decodeToOrchestrator } from '../../wire/codec.js';
import { parseOutputTopic } from '../../wire/topics.js';
import type { Step } from '../core/turn.js';
import type { Refused } from '../port.js';

const SHOWN_CHARACTERS = 100;
/** The weight of a step that came without a frame, or with one that was not kept. */
const SMALL_STEP_BYTES = 512;
/** An honest node with the wrong token fails once, and ends. */
const FAILURES_PER_SECOND = 5;
/** Of hellos that wait for what they may: thousands of honest ones. */
const INTRODUCED_BYTES = 8 * 1024 * 1024;
/** 128 bits and more, however they are written. */
const UNGUESSABLE_CHARACTERS = 32;

export interface IngestDeps {
  /** Settles when the mailbox has room again; until then the socket is not read. `cost`: bytes. */
  readonly post: (step: Step, cost: number) => Promise<void> | undefined;
  /** Errors that have no caller to report to. */
  readonly refused: (refused: Refused) => void;
  /** Somebody may not join. @default nobody notes it */
  readonly denied?: (denied: Denied) => void;
  /** Ends a connection of the control socket. */
  readonly end: (route: Route) => void;
  /** The token that a hello must show. */
  readonly token: string | undefined;
  /** Why this key may not say this hello, or nothing if it may. Rejects if a new key cannot be stored. */
  readonly authorize?:
    | ((key: string, hello: Hello, address: string) => Promise<string | undefined>)
    | undefined;
  /** Whether a hello shows the token of the replica that it is of. @default nobody has such a token */
  readonly isReplica?: (hello: Hello) => boolean;
  /** A monotonic clock. */
  readonly nowMs: () => number;
}

/** Who may not join, and why. */
export interface Denied {
  readonly code: 'unauthorized' | 'unknown_key';
  readonly address: string;
  readonly message: string;
  readonly operation: string;
  readonly target?: Readonly<Record<string, string>>;
}

type Decoded = Extract<ReturnType<typeof decodeToOrchestrator>, { ok: true }>;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: what it returns is one handler for each socket, over the limits that they share.
export function ingest({
  post,
  refused,
  denied = () => {},
  end,
  token,
  authorize,
  isReplica = () => false,
  nowMs,
}: IngestDeps): OrchestratorBusHandlers {
  const failures = new RateLimiter(FAILURES_PER_SECOND);
  /** Connections that have shown a wrong token: all that is left for them is to be told. */
  const failed = new Set<Route>();
  let introducedBytes = 0;
  const refusedOutputs = (peer: string, message: string): void =>
    refused({ via: 'outputs', peer, code: 'bad_frame', message });

  /** Whether a hello is to be decided: its token is right, or wrong and few of its address were. */
  function isHeard({ messages }: ToOrchestrator, { route, address }: Peer): boolean {
    const hello = messages[0];
    if (token === undefined || hello?.kind !== 'hello') return true;
    if (!sameSecret(hello.token, token)) {
      failed.add(route);
      denied({
        code: 'unauthorized',
        address,
        operation: 'hello',
        message: 'the token is wrong',
        target: aboutHello(hello),
      });
      return failures.admits(address, nowMs());
    }
    return token.length >= UNGUESSABLE_CHARACTERS || !failures.isReached(address, nowMs());
  }

  /** The frame as the core takes it: its hello was found to be right by other means than the shared token. */
  function vouchedFor(frame: ToOrchestrator, hello: Hello): ToOrchestrator {
    const messages = frame.messages.map((each) => (each === hello ? { ...hello, token: token ?? '' } : each));
    return { ...frame, messages };
  }

  /** Decides a hello once it is known that the connection's key may say it. */
  async function introduce(
    mayJoin: NonNullable<IngestDeps['authorize']>,
    { route, address, key = '' }: Peer,
    hello: Hello,
    { value: frame, faults, cost }: Decoded,
  ): Promise<void> {
    let message: string | undefined;
    try {
      message = await mayJoin(key, hello, address);
    } catch (error) {
      // The node says hello again, and by then there may be room.
      refused({ via: 'control', peer: address, code: 'key_not_stored', message: messageOf(error) });
      return;
    }
    if (message !== undefined) {
      denied({
        code: 'unauthorized',
        address,
        operation: 'hello',
        message,
        target: { ...aboutHello(hello), key },
      });
      await post({ kind: 'bad control', route, code: 'unauthorized', message }, SMALL_STEP_BYTES);
      return;
    }
    await post({ kind: 'control', route, key, frame: vouchedFor(frame, hello), faults }, cost);
  }

  return {
    onControl(route, bytes, peer) {
      if (failed.has(route)) return undefined;
      const decoded = peer.isKnown ? decodeToOrchestrator(bytes) : decodeHello(bytes);
      if (!decoded.ok) {
        const { ok: _, ...refusal } = decoded;
        return post({ kind: 'bad control', route, ...refusal }, SMALL_STEP_BYTES);
      }
      const { value: frame, faults, cost } = decoded;
      const hello = frame.messages.find((message) => message.kind === 'hello');
      if (authorize && hello) {
        introducedBytes += cost;
        const introduced = introduce(authorize, peer, hello, decoded).finally(() => {
          introducedBytes -= cost;
        });
        return introducedBytes > INTRODUCED_BYTES ? introduced : undefined;
      }
      if (token !== undefined && hello && isReplica(hello))
        return post({ kind: 'control', route, frame: vouchedFor(frame, hello), faults }, cost);
      if (peer.isKnown || isHeard(frame, peer)) return post({ kind: 'control', route, frame, faults }, cost);
      const message = `more than ${FAILURES_PER_SECOND} wrong tokens in a second`;
      refused({ via: 'control', peer: peer.address, code: 'unauthorized', message });
      end(route);
      return undefined;
    },
    onOutputs(topic, bytes, peer) {
      const { address } = peer;
      const decoded = decodeOutputs(bytes);
      if (!decoded.ok) {
        refusedOutputs(address, decoded.message);
        return undefined;
      }
      if (parseOutputTopic(topic) === undefined) {
        refusedOutputs(
          address,
          `${JSON.stringify(topic.slice(0, SHOWN_CHARACTERS))} is not a topic of outputs`,
        );
        return undefined;
      }
      for (const { message } of decoded.faults) refusedOutputs(address, message);
      return post({ kind: 'outputs', outputs: decoded.value.outputs, peer }, decoded.cost);
    },
    onMalformed(socket, peer) {
      if (socket === 'control') {
        const message = 'a message of the control socket is one frame';
        void post({ kind: 'bad control', route: peer, code: 'bad_frame', message }, SMALL_STEP_BYTES);
      } else {
        refusedOutputs(peer, 'a message of the outputs socket is a topic and a frame');
      }
    },
    onCut(socket, code, why, peer) {
      refused({ via: socket, peer, code, message: why });
      if (code === 'unknown_key')
        denied({ code, address: peer, operation: `connect to ${socket}`, message: why });
    },
    onUnreachable(route) {
      void post({ kind: 'unreachable', route }, SMALL_STEP_BYTES);
    },
    onDisconnect(route) {
      failed.delete(route);
      void post({ kind: 'unreachable', route }, SMALL_STEP_BYTES);
    },
  };
}

function aboutHello({ module, instance }: Hello): { module: string; instance: string } {
  return { module: module.slice(0, SHOWN_CHARACTERS), instance: instance.slice(0, SHOWN_CHARACTERS) };
}
