/** From frames to steps: the door through which everything from the bus comes in. */
import type { OrchestratorBusHandlers } from '../bus/bus.js';
import { decodeOutputs, decodeToOrchestrator } from '../wire/codec.js';
import { parseOutputTopic } from '../wire/topics.js';
import type { Step } from './decide/turn.js';
import type { Refused } from './port.js';

const SHOWN_CHARACTERS = 100;

/**
 * `post` is told the frame's size, and settles when the mailbox has room again; until then the socket is not read. `refused`: what nobody
 * can be told of.
 */
export function ingest(
  post: (step: Step, bytes?: number) => Promise<void> | undefined,
  refused: (refused: Refused) => void,
): OrchestratorBusHandlers {
  const refusedOutputs = (peer: string, message: string): void =>
    refused({ via: 'outputs', peer, code: 'bad_frame', message });

  return {
    onControl(route, bytes) {
      const decoded = decodeToOrchestrator(bytes);
      if (decoded.ok) {
        const { value: frame, faults } = decoded;
        return post({ kind: 'control', route, frame, faults }, bytes.byteLength);
      }
      return post({ kind: 'bad control', route, code: decoded.code, message: decoded.message });
    },
    onOutputs(topic, bytes, peer) {
      const decoded = decodeOutputs(bytes);
      if (!decoded.ok) {
        refusedOutputs(peer, decoded.message);
        return undefined;
      }
      if (parseOutputTopic(topic) === undefined) {
        refusedOutputs(peer, `${JSON.stringify(topic.slice(0, SHOWN_CHARACTERS))} is no topic of outputs`);
        return undefined;
      }
      for (const { message } of decoded.faults) refusedOutputs(peer, message);
      return post({ kind: 'outputs', outputs: decoded.value.outputs, peer }, bytes.byteLength);
    },
    onMalformed(socket, peer) {
      if (socket === 'control') {
        const message = 'a message of the control socket is one frame';
        void post({ kind: 'bad control', route: peer, code: 'bad_frame', message });
      } else {
        refusedOutputs(peer, 'a message of the outputs socket is a topic and a frame');
      }
    },
    onStranger(socket, why, peer) {
      refused({ via: socket, peer, code: 'bad_frame', message: why });
    },
    onUnreachable(route) {
      void post({ kind: 'unreachable', route });
    },
    onDisconnect() {
      void post({ kind: 'disconnect' });
    },
  };
}
