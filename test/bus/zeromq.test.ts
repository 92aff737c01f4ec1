import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { curveKeyPair, Dealer, Publisher, Subscriber } from 'zeromq';
import { keyFromZ85 } from '../../src/base/z85.js';
import type { Endpoints } from '../../src/bus/bus.js';
import { createZeromqNodeBus, type NodeCurve } from '../../src/bus/zeromq-node.js';
import { createZeromqOrchestratorBus } from '../../src/bus/zeromq-orchestrator.js';
import {
  type BusHarness,
  busContract,
  type ContractNode,
  type HarnessOptions,
} from '../contract/bus.contract.js';

const ANY = 'tcp://127.0.0.1:0';
const ANYWHERE: Endpoints = { control: ANY, outputs: ANY, events: ANY };
const SERVER = curveKeyPair();
const FAST = { reconnectIntervalMs: 5, reconnectMaxIntervalMs: 20 };

/** A cable that can be cut: passes connections on to a port, and ends or refuses them while cut. */
async function cable(to: number) {
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(to, '127.0.0.1');
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        ends.delete(end);
        other.end();
      });
      end.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const destroyAll = () => {
    for (const end of ends) end.destroy();
  };
  return {
    endpoint: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      destroyAll();
    },
    mend() {
      isCut = false;
    },
    async close() {
      destroyAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function harness(options: HarnessOptions, curve?: NodeCurve): Promise<BusHarness> {
  const keys = curve && {
    ...{ curveServerKey: curve.serverKey, curvePublicKey: curve.publicKey, curveSecretKey: curve.secretKey },
  };
  const security = curve && {
    keys: () => [{ publicKey: keyFromZ85(curve.serverKey)!, secretKey: keyFromZ85(SERVER.secretKey)! }],
    admits: (key: string) => key === curve.publicKey,
  };
  const queue = options.queueFrames === undefined ? {} : { queueFrames: options.queueFrames };
  const closers: (() => void | Promise<void>)[] = [];
  let endpoints: Endpoints | undefined;

  async function node(to: Endpoints): Promise<ContractNode> {
    const wire = await cable(Number(new URL(to.control).port));
    const bus = createZeromqNodeBus({
      ...{ ...queue, ...FAST },
      addresses: [{ control: wire.endpoint, ...(curve && { curve }) }],
    });
    const dealer = new Dealer({ linger: 0, ...keys });
    const publisher = new Publisher({ linger: 0, ...keys });
    dealer.connect(to.control);
    publisher.connect(to.outputs);
    closers.push(
      () => wire.close(),
      () => dealer.close(),
      () => publisher.close(),
    );
    return {
      bus,
      cut: wire.cut,
      mend: wire.mend,
      sendMalformed(socket) {
        if (socket === 'control') void dealer.send(['one', 'too many']);
        else void publisher.send(['output/m/', 'one', 'too many']);
      },
    };
  }

  return {
    orchestrator() {
      const bus = createZeromqOrchestratorBus({
        ...{ ...options, ...(endpoints ?? ANYWHERE) },
        ...(security && { security }),
      });
      return {
        ...bus,
        async start(handlers) {
          const bound = await bus.start(handlers);
          endpoints ??= bound;
          return bound;
        },
      };
    },
    node,
    subscribe(to, prefix, listener) {
      const socket = new Subscriber({ linger: 0, ...keys });
      socket.connect(to.events);
      socket.subscribe(prefix);
      void (async () => {
        for await (const [topic, frame] of socket) listener(String(topic), frame!);
      })();
      const close = () => socket.close();
      closers.push(close);
      return { close };
    },
    async close() {
      for (const close of closers) await close();
    },
  };
}

busContract('over ZeroMQ', (options) => harness(options));
busContract('over ZeroMQ with CURVE', (options) =>
  harness(options, { serverKey: SERVER.publicKey, ...curveKeyPair() }),
);

describe('the ZeroMQ buses', () => {
  const nothing = {
    onControl: () => {},
    onOutputs: () => {},
    onMalformed: () => {},
    onCut: () => {},
    onUnreachable: () => {},
    onDisconnect: () => {},
  };

  it.each(['tcp://256.1.1.1:7400', 'http://127.0.0.1:7400', 'tcp://192.0.2.1:0', 'nonsense'])(
    'refuse to bind %s, naming the option and the endpoint',
    async (events) => {
      const bus = createZeromqOrchestratorBus({ control: ANY, outputs: ANY, events, maxFrameBytes: 1024 });
      await expect(bus.start(nothing)).rejects.toMatchObject({
        code: 'bad_endpoint',
        message: expect.stringContaining(`events: ${events}`),
      });
      await bus.stop();
    },
  );

  it('refuse to dial what is not an endpoint', async () => {
    const bus = createZeromqNodeBus({ addresses: [{ control: 'nonsense' }] });
    await expect(bus.start({ onControl: () => {} })).rejects.toMatchObject({ code: 'bad_endpoint' });
    const other = createZeromqNodeBus({ addresses: [{ control: 'tcp://127.0.0.1:1' }], lingerMs: 0 });
    await other.start({ onControl: () => {} });
    expect(() => other.connectOutputs('nonsense')).toThrowError(
      expect.objectContaining({ code: 'bad_endpoint' }),
    );
    await other.stop();
  });

  it('report the real ports where any port was asked for', async () => {
    const bus = createZeromqOrchestratorBus({ control: ANY, outputs: ANY, events: ANY, maxFrameBytes: 1024 });
    const endpoints = await bus.start(nothing);
    for (const endpoint of Object.values(endpoints))
      expect(endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d+$/);
    expect(new Set(Object.values(endpoints)).size).toBe(3);
    await bus.stop();
  });
});
