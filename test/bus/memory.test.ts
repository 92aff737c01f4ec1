import { describe, expect, it } from 'vitest';
import { createMemoryNetwork, type Delivery } from '../../src/bus/memory.js';
import { busContract } from '../contract/bus.contract.js';

busContract('in memory', async (options) => {
  const network = createMemoryNetwork(options);
  return {
    orchestrator: () => network.orchestratorBus(),
    node: async () => {
      const bus = network.nodeBus('node');
      return {
        bus,
        cut: () => bus.cut(),
        mend: () => bus.mend(),
        sendMalformed: (socket) => bus.sendMalformed(socket),
      };
    },
    subscribe: (_endpoints, prefix, listener) => network.subscribe(prefix, listener),
    close: async () => {},
  };
});

describe('the memory network', () => {
  async function pair() {
    const scheduled: Delivery[] = [];
    const network = createMemoryNetwork({ schedule: (delivery) => scheduled.push(delivery) });
    const heard: string[] = [];
    const orchestrator = network.orchestratorBus();
    await orchestrator.start({
      onControl: (route, frame) => void heard.push(`${route} ${Buffer.from(frame)}`),
      onOutputs: (topic, frame) => void heard.push(`${topic} ${Buffer.from(frame)}`),
      onMalformed: () => {},
      onCut: () => {},
      onUnreachable: () => {},
      onDisconnect: () => {},
    });
    const node = network.nodeBus('n1');
    const told: string[] = [];
    await node.start({ onControl: (frame) => void told.push(String(Buffer.from(frame))) });
    return { scheduled, heard, told, orchestrator, node };
  }

  it('lets the schedule lose, repeat and reorder frames, naming plane and peer', async () => {
    const { scheduled, heard, node } = await pair();
    for (const frame of ['a', 'b', 'c']) node.send(Buffer.from(frame));
    node.connectOutputs('memory://outputs');
    node.publish('output/m/', Buffer.from('d'));
    expect(heard).toEqual([]);
    expect(scheduled.map(({ plane, peer }) => `${plane} ${peer}`)).toEqual([
      'to_orchestrator n1',
      'to_orchestrator n1',
      'to_orchestrator n1',
      'outputs n1',
    ]);
    scheduled[3]!.deliver();
    scheduled[2]!.deliver();
    scheduled[0]!.deliver();
    scheduled[0]!.deliver();
    expect(heard).toEqual(['output/m/ d', 'memory-1 c', 'memory-1 a', 'memory-1 a']);
  });

  it('loses what is under way when a connection is cut, and also when either side is killed', async () => {
    const cut = await pair();
    cut.node.send(Buffer.from('a'));
    cut.orchestrator.send('memory-1', Buffer.from('b'));
    cut.node.cut();
    cut.node.mend();
    for (const { deliver } of cut.scheduled) deliver();
    expect([...cut.heard, ...cut.told]).toEqual([]);
    cut.node.send(Buffer.from('c'));
    cut.scheduled.at(-1)!.deliver();
    expect(cut.heard).toEqual(['memory-2 c']);

    const killed = await pair();
    killed.orchestrator.send('memory-1', Buffer.from('a'));
    killed.orchestrator.kill();
    killed.orchestrator.send('memory-1', Buffer.from('b'));
    for (const { deliver } of killed.scheduled) deliver();
    expect(killed.told).toEqual([]);

    const gone = await pair();
    gone.node.send(Buffer.from('a'));
    gone.node.kill();
    for (const { deliver } of gone.scheduled) deliver();
    expect(gone.heard).toEqual([]);
  });
});
