/** From frames to steps: the door through which everything from the bus comes in. */
import type { OrchestratorBusHandlers } from '../bus/bus.js';
import { decodeOutputs, decodeToOrchestrator } from '../wire/codec.js';
import { parseOutputTopic } from '../wire/topics.js';
import type { Counters } from './decide/counters.js';
import type { Step } from './decide/turn.js';

/** `post` settles when the mailbox has room again; until then the socket is not read. */
export function ingest(
  post: (step: Step) => Promise<void> | undefined,
  counters: Counters,
): OrchestratorBusHandlers {
  return {
    onControl(route, bytes) {
      const decoded = decodeToOrchestrator(bytes);
      if (decoded.ok) return post({ kind: 'control', route, frame: decoded.value, faults: decoded.faults });
      return post({ kind: 'bad control', route, code: decoded.code, message: decoded.message });
    },
    onOutputs(topic, bytes) {
      const decoded = decodeOutputs(bytes);
      if (!decoded.ok || parseOutputTopic(topic) === undefined) {
        counters.add('refused_bad_frame');
        return undefined;
      }
      return post({ kind: 'outputs', outputs: decoded.value.outputs, faults: decoded.faults });
    },
    onMalformed(socket, route) {
      counters.add('refused_bad_frame');
      if (socket === 'control' && route !== undefined) {
        void post({
          kind: 'bad control',
          route,
          code: 'bad_frame',
          message: 'a message of the control socket is one frame',
        });
      }
    },
    onUnreachable(route) {
      void post({ kind: 'unreachable', route });
    },
    onDisconnect() {
      void post({ kind: 'disconnect' });
    },
  };
}
