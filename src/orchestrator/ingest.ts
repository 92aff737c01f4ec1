/** From frames to steps: the door through which everything from the bus comes in. */
import type { OrchestratorBusHandlers } from '../bus/bus.js';
import { decodeOutputs, decodeToOrchestrator } from '../wire/codec.js';
import { parseOutputTopic } from '../wire/topics.js';
import type { Step } from './decide/turn.js';
import type { Refused } from './port.js';

const SHOWN_CHARACTERS = 100;

/** `post` settles when the mailbox has room again; until then the socket is not read. `refused`: what nobody can be told of. */
export function ingest(
  post: (step: Step) => Promise<void> | undefined,
  refused: (refused: Refused) => void,
): OrchestratorBusHandlers {
  return {
    onControl(route, bytes) {
      const decoded = decodeToOrchestrator(bytes);
      if (decoded.ok) return post({ kind: 'control', route, frame: decoded.value, faults: decoded.faults });
      return post({ kind: 'bad control', route, code: decoded.code, message: decoded.message });
    },
    onOutputs(topic, bytes) {
      const decoded = decodeOutputs(bytes);
      if (!decoded.ok) {
        refused({ via: 'outputs', peer: '', code: 'bad_frame', message: decoded.message });
        return undefined;
      }
      if (parseOutputTopic(topic) === undefined) {
        const message = `${JSON.stringify(topic.slice(0, SHOWN_CHARACTERS))} is no topic of outputs`;
        refused({ via: 'outputs', peer: '', code: 'bad_frame', message });
        return undefined;
      }
      for (const { message } of decoded.faults)
        refused({ via: 'outputs', peer: '', code: 'bad_frame', message });
      return post({ kind: 'outputs', outputs: decoded.value.outputs, faults: decoded.faults });
    },
    onMalformed(socket, route) {
      if (socket === 'control' && route !== undefined) {
        const message = 'a message of the control socket is one frame';
        void post({ kind: 'bad control', route, code: 'bad_frame', message });
      } else {
        const message = 'a message of the outputs socket is a topic and a frame';
        refused({ via: 'outputs', peer: '', code: 'bad_frame', message });
      }
    },
    onStranger(socket, why) {
      refused({ via: socket, peer: '', code: 'bad_frame', message: why });
    },
    onUnreachable(route) {
      void post({ kind: 'unreachable', route });
    },
    onDisconnect() {
      void post({ kind: 'disconnect' });
    },
  };
}
