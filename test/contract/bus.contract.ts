/**
 * What every bus does, run against each of them. Nothing here waits for a time: a wait is for something that comes, and a frame
 * that may get lost is sent again until it arrives, as the protocol does.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  Endpoints,
  NodeBus,
  OrchestratorBus,
  OrchestratorBusHandlers,
  Route,
} from '../../src/bus/bus.js';

export interface ContractNode {
  readonly bus: NodeBus;
  /** Ends the connection from outside, until `mend`. */
  cut(): void;
  mend(): void;
  /** Sends a message with a part too many. */
  sendMalformed(socket: 'control' | 'outputs'): void;
}

export interface BusHarness {
  /** Later ones use the addresses of the first, as a restarted process does. */
  orchestrator(): OrchestratorBus;
  /** A node that dials the orchestrator started last. */
  node(endpoints: Endpoints): Promise<ContractNode>;
  subscribe(
    endpoints: Endpoints,
    prefix: string,
    listener: (topic: string, frame: Uint8Array) => void,
  ): { close(): void };
  /** Ends whatever the harness itself opened. */
  close(): Promise<void>;
}

export interface HarnessOptions {
  readonly maxFrameBytes: number;
  /** Frames that may wait for one peer. @default the bus's own */
  readonly queueFrames?: number;
}

const MAX_FRAME_BYTES = 2 * 1024 * 1024;
const text = (frame: Uint8Array): string => Buffer.from(frame).toString();
const bytes = (value: string): Uint8Array => Buffer.from(value);

/** What came, in order, and the wait for what comes next. */
class Arrivals<T> {
  readonly #items: T[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;

  readonly push = (item: T): void => {
    this.#items.push(item);
    this.#wake?.();
  };

  /** How many came and were not taken yet. */
  get waiting(): number {
    return this.#items.length - this.#taken;
  }

  async take(count: number): Promise<T[]> {
    while (this.waiting < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.#items.slice(this.#taken, this.#taken + count);
    this.#taken += count;
    return taken;
  }

  async next(): Promise<T> {
    return (await this.take(1))[0]!;
  }
}

interface ControlFrame {
  readonly route: Route;
  readonly frame: Uint8Array;
  readonly isKnown: boolean;
}

interface Heard {
  readonly control: Arrivals<ControlFrame>;
  readonly outputs: Arrivals<{ readonly topic: string; readonly frame: Uint8Array; readonly peer: string }>;
  readonly malformed: Arrivals<{ readonly socket: string; readonly peer: string }>;
  readonly unreachable: Arrivals<Route>;
  readonly disconnects: Arrivals<Route>;
  readonly handlers: OrchestratorBusHandlers;
}

function listen(): Heard {
  const heard = {
    control: new Arrivals<ControlFrame>(),
    outputs: new Arrivals<{ readonly topic: string; readonly frame: Uint8Array; readonly peer: string }>(),
    malformed: new Arrivals<{ readonly socket: string; readonly peer: string }>(),
    unreachable: new Arrivals<Route>(),
    disconnects: new Arrivals<Route>(),
  };
  return {
    ...heard,
    handlers: {
      onControl: (route, frame, { isKnown }) => heard.control.push({ route, frame, isKnown }),
      onOutputs: (topic, frame, peer) => heard.outputs.push({ topic, frame, peer: peer.address }),
      onMalformed: (socket, peer) => heard.malformed.push({ socket, peer }),
      onCut: () => {},
      onUnreachable: heard.unreachable.push,
      onDisconnect: heard.disconnects.push,
    },
  };
}

/** Does it again, once a turn of the event loop, until it has had its effect. */
async function again(act: () => void, done: () => boolean): Promise<void> {
  while (!done()) {
    act();
    await nextTurn();
  }
}

export function busContract(name: string, create: (options: HarnessOptions) => Promise<BusHarness>): void {
  describe(`the bus contract, ${name}`, () => {
    let harness: BusHarness;
    const started: { stop(): Promise<void> }[] = [];

    beforeEach(async () => {
      harness = await create({ maxFrameBytes: MAX_FRAME_BYTES });
    });

    afterEach(async () => {
      await Promise.all(started.splice(0).map((bus) => bus.stop()));
      await harness.close();
    });

    async function startOrchestrator(handlers: OrchestratorBusHandlers) {
      const bus = harness.orchestrator();
      started.push(bus);
      return { bus, endpoints: await bus.start(handlers) };
    }

    async function startNode(endpoints: Endpoints) {
      const node = await harness.node(endpoints);
      started.push(node.bus);
      const frames = new Arrivals<Uint8Array>();
      await node.bus.start({ onControl: frames.push });
      return { ...node, frames };
    }

    /** A node that the orchestrator has heard of, with its route. */
    async function joinedNode(endpoints: Endpoints, heard: Heard) {
      const node = await startNode(endpoints);
      node.bus.send(bytes('hello'));
      const { route } = await heard.control.next();
      return { ...node, route };
    }

    it('carries frames both ways, in the order in which they were sent', async () => {
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const node = await joinedNode(endpoints, heard);
      const sent = Array.from({ length: 10 }, (_, i) => `frame ${i}`);
      for (const frame of sent) node.bus.send(bytes(frame));
      for (const frame of sent) bus.send(node.route, bytes(frame));
      expect((await heard.control.take(10)).map(({ frame }) => text(frame))).toEqual(sent);
      expect((await node.frames.take(10)).map(text)).toEqual(sent);
    });

    it('knows a peer from its admission on, for as long as its connection lasts', async () => {
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const node = await joinedNode(endpoints, heard);
      const known = async (): Promise<boolean> => {
        node.bus.send(bytes('it is me'));
        return (await heard.control.next()).isKnown;
      };
      expect(await known()).toBe(false);
      bus.admit(node.route);
      expect(await known()).toBe(true);
      bus.admit('nobody');
      node.cut();
      await heard.disconnects.next();
      node.mend();
      await again(
        () => node.bus.send(bytes('back')),
        () => heard.control.waiting > 0,
      );
      expect(await heard.control.next()).toMatchObject({ isKnown: false });
    });

    it('ends a connection once its peer was told what it was told before', async () => {
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const node = await joinedNode(endpoints, heard);
      const other = await joinedNode(endpoints, heard);
      bus.send(node.route, bytes('the last word'));
      bus.end(node.route);
      bus.end(node.route);
      bus.end('nobody');
      bus.send(node.route, bytes('too late'));
      expect(text(await node.frames.next())).toBe('the last word');
      expect(await heard.disconnects.next()).toBe(node.route);
      expect(await heard.unreachable.next()).toBe(node.route);
      await again(
        () => node.bus.send(bytes('back')),
        () => heard.control.waiting > 0,
      );
      const back = await heard.control.next();
      expect(back.route).not.toBe(node.route);
      bus.send(back.route, bytes('again'));
      expect(text(await node.frames.next())).toBe('again');
      other.bus.send(bytes('unharmed'));
      await again(
        () => {},
        () => heard.control.waiting > 0,
      );
    });

    it('keeps a route for a connection and gives another node another one', async () => {
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const first = await joinedNode(endpoints, heard);
      const second = await joinedNode(endpoints, heard);
      expect(second.route).not.toBe(first.route);
      first.bus.send(bytes('again'));
      expect((await heard.control.next()).route).toBe(first.route);
      bus.send(second.route, bytes('to the second'));
      bus.send(first.route, bytes('to the first'));
      expect(text(await first.frames.next())).toBe('to the first');
      expect(text(await second.frames.next())).toBe('to the second');
    });

    it('gives a node that connects again another route, tells of the end, and reports the old route', async () => {
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const node = await joinedNode(endpoints, heard);
      node.cut();
      expect(await heard.disconnects.next()).toBe(node.route);
      await again(
        () => bus.send(node.route, bytes('too late')),
        () => heard.unreachable.waiting > 0,
      );
      expect(await heard.unreachable.next()).toBe(node.route);
      node.mend();
      // What is handed to the connection before its end is noticed is lost with it.
      await again(
        () => node.bus.send(bytes('back')),
        () => heard.control.waiting > 0,
      );
      const back = await heard.control.next();
      expect(text(back.frame)).toBe('back');
      expect(back.route).not.toBe(node.route);
      bus.send(back.route, bytes('welcome back'));
      expect(text(await node.frames.next())).toBe('welcome back');
    });

    it('reports a route that never was, also when nobody is connected', async () => {
      const heard = listen();
      const { bus } = await startOrchestrator(heard.handlers);
      bus.send('nobody', bytes('anyone?'));
      expect(await heard.unreachable.next()).toBe('nobody');
    });

    it('delivers what a node says before there is an orchestrator, the newest if it is too much', async () => {
      const first = listen();
      const { bus, endpoints } = await startOrchestrator(first.handlers);
      await bus.stop();
      const node = await startNode(endpoints);
      for (let i = 0; i < 500; i++) node.bus.send(bytes(String(i)));
      const heard = listen();
      await startOrchestrator(heard.handlers);
      let last = -1;
      while (last !== 499) {
        const next = Number(text((await heard.control.next()).frame));
        expect(next).toBeGreaterThan(last);
        last = next;
      }
    });

    it('drops what waits for a connection when a frame supersedes it', async () => {
      const first = listen();
      const { bus, endpoints } = await startOrchestrator(first.handlers);
      await bus.stop();
      const node = await startNode(endpoints);
      for (let i = 0; i < 50; i++) node.bus.send(bytes(String(i)), true);
      node.bus.send(bytes('and this'));
      const heard = listen();
      await startOrchestrator(heard.handlers);
      const frames: string[] = [];
      while (frames.at(-1) !== 'and this') frames.push(text((await heard.control.next()).frame));
      // One may have been under way already when the next came.
      expect(frames.slice(-2)).toEqual(['49', 'and this']);
      expect(frames.length).toBeLessThanOrEqual(3);
    });

    it('carries outputs with their topic once the subscription has arrived', async () => {
      const heard = listen();
      const { endpoints } = await startOrchestrator(heard.handlers);
      const node = await joinedNode(endpoints, heard);
      node.bus.publish('output/m/', bytes('nowhere'));
      node.bus.connectOutputs(endpoints.outputs);
      await again(
        () => node.bus.publish('output/m/', bytes('probe')),
        () => heard.outputs.waiting > 0,
      );
      node.bus.publish('other/m/', bytes('not subscribed'));
      for (let i = 0; i < 5; i++) node.bus.publish('output/m/', bytes(String(i)));
      const got: string[] = [];
      while (got.at(-1) !== '4') {
        const { topic, frame, peer } = await heard.outputs.next();
        expect(topic).toBe('output/m/');
        expect(peer).toMatch(/./);
        if (text(frame) !== 'probe') got.push(text(frame));
      }
      expect(got).toEqual(['0', '1', '2', '3', '4']);
    });

    it('takes the same outputs endpoint again without connecting twice', async () => {
      const heard = listen();
      const { endpoints } = await startOrchestrator(heard.handlers);
      const node = await joinedNode(endpoints, heard);
      node.bus.connectOutputs(endpoints.outputs);
      node.bus.connectOutputs(endpoints.outputs);
      await again(
        () => node.bus.publish('output/m/', bytes('probe')),
        () => heard.outputs.waiting > 0,
      );
      node.bus.publish('output/m/', bytes('once'));
      node.bus.publish('output/m/', bytes('end'));
      const got: string[] = [];
      while (got.at(-1) !== 'end') got.push(text((await heard.outputs.next()).frame));
      expect(got.filter((frame) => frame === 'once')).toEqual(['once']);
    });

    it('publishes events to those who subscribe to a prefix, and knows which topics are wanted', async () => {
      const { bus, endpoints } = await startOrchestrator(listen().handlers);
      expect(bus.isWanted('task/p/1/')).toBe(false);
      bus.publish('task/p/1/', bytes('nobody hears it'));
      const events = new Arrivals<string>();
      const subscriber = harness.subscribe(endpoints, 'task/p/', (topic, frame) =>
        events.push(`${topic} ${text(frame)}`),
      );
      const other = harness.subscribe(endpoints, 'task/p/', () => {});
      await again(
        () => {},
        () => bus.isWanted('task/p/1/'),
      );
      expect(bus.isWanted('task/q/1/')).toBe(false);
      expect(bus.isWanted('task/')).toBe(false);
      await again(
        () => bus.publish('task/p/2/', bytes('event')),
        () => events.waiting > 0,
      );
      expect(await events.next()).toBe('task/p/2/ event');
      subscriber.close();
      await nextTurn();
      expect(bus.isWanted('task/p/1/')).toBe(true);
      other.close();
      await again(
        () => {},
        () => !bus.isWanted('task/p/1/'),
      );
    });

    it('reads no further while a handler has not settled its promise, and loses nothing', async () => {
      const heard = listen();
      let release = (): void => {};
      let pause: Promise<void> | undefined = new Promise((resolve) => {
        release = resolve;
      });
      const { bus, endpoints } = await startOrchestrator({
        ...heard.handlers,
        onControl(route, frame, { isKnown }) {
          heard.control.push({ route, frame, isKnown });
          return pause;
        },
      });
      const node = await startNode(endpoints);
      for (const frame of ['1', '2', '3']) node.bus.send(bytes(frame));
      const { route, frame } = await heard.control.next();
      expect(text(frame)).toBe('1');
      // A way around over two other sockets: long enough for '2' to have come, were it being read.
      node.bus.connectOutputs(endpoints.outputs);
      bus.send(route, bytes('ping'));
      await node.frames.next();
      await again(
        () => node.bus.publish('output/m/', bytes('fence')),
        () => heard.outputs.waiting >= 3,
      );
      expect(heard.control.waiting).toBe(0);
      pause = undefined;
      release();
      expect((await heard.control.take(2)).map((arrival) => text(arrival.frame))).toEqual(['2', '3']);
    });

    it('pauses the reading of a node likewise', async () => {
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const node = await harness.node(endpoints);
      started.push(node.bus);
      const frames = new Arrivals<string>();
      let release = (): void => {};
      let pause: Promise<void> | undefined = new Promise((resolve) => {
        release = resolve;
      });
      await node.bus.start({
        onControl(frame) {
          frames.push(text(frame));
          return pause;
        },
      });
      node.bus.send(bytes('hello'));
      const { route } = await heard.control.next();
      for (const frame of ['1', '2']) bus.send(route, bytes(frame));
      expect(await frames.next()).toBe('1');
      node.bus.send(bytes('still talking'));
      await heard.control.next();
      expect(frames.waiting).toBe(0);
      pause = undefined;
      release();
      expect(await frames.next()).toBe('2');
    });

    it('tells of a message that has a part too many, and reads on', async () => {
      const heard = listen();
      const { endpoints } = await startOrchestrator(heard.handlers);
      const node = await joinedNode(endpoints, heard);
      node.sendMalformed('control');
      expect(await heard.malformed.next()).toEqual({ socket: 'control', peer: expect.stringMatching(/./) });
      await again(
        () => node.sendMalformed('outputs'),
        () => heard.malformed.waiting > 0,
      );
      expect(await heard.malformed.next()).toEqual({ socket: 'outputs', peer: expect.stringMatching(/./) });
      node.bus.send(bytes('fine'));
      expect(text((await heard.control.next()).frame)).toBe('fine');
    });

    it('carries frames of 0 bytes and of 1 MiB', async () => {
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const node = await joinedNode(endpoints, heard);
      bus.admit(node.route);
      const large = new Uint8Array(1024 * 1024).fill(7);
      node.bus.send(new Uint8Array());
      node.bus.send(large);
      bus.send(node.route, new Uint8Array());
      bus.send(node.route, large.subarray(1));
      const [nothing, much] = await heard.control.take(2);
      expect(nothing!.frame.byteLength).toBe(0);
      expect(Buffer.compare(much!.frame, large)).toBe(0);
      const [empty, long] = await node.frames.take(2);
      expect(empty!.byteLength).toBe(0);
      expect(Buffer.compare(long!, large.subarray(1))).toBe(0);
    });

    it('cuts off who sends a frame above the limit, and goes on with everybody', async () => {
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const offender = await joinedNode(endpoints, heard);
      const bystander = await joinedNode(endpoints, heard);
      offender.bus.send(new Uint8Array(MAX_FRAME_BYTES + 1));
      await heard.disconnects.next();
      bystander.bus.send(bytes('unharmed'));
      expect(await heard.control.next()).toMatchObject({ route: bystander.route });
      await again(
        () => offender.bus.send(bytes('sorry')),
        () => heard.control.waiting > 0,
      );
      const back = await heard.control.next();
      expect(text(back.frame)).toBe('sorry');
      bus.send(back.route, bytes('never mind'));
      expect(text(await offender.frames.next())).toBe('never mind');
    });

    it('reports a peer that takes nothing more, and delays nobody else for it', async () => {
      await harness.close();
      harness = await create({ maxFrameBytes: MAX_FRAME_BYTES, queueFrames: 16 });
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const stuck = await harness.node(endpoints);
      started.push(stuck.bus);
      await stuck.bus.start({ onControl: () => new Promise(() => {}) });
      stuck.bus.send(bytes('hello'));
      const { route } = await heard.control.next();
      const lively = await joinedNode(endpoints, heard);
      await again(
        () => bus.send(route, new Uint8Array(64 * 1024)),
        () => heard.unreachable.waiting > 0,
      );
      expect(await heard.unreachable.next()).toBe(route);
      for (let i = 0; i < 10; i++) {
        bus.send(route, new Uint8Array(64 * 1024));
        bus.send(lively.route, bytes(String(i)));
        expect(text(await lively.frames.next())).toBe(String(i));
      }
    });

    it('hands over what was sent before a stop, and nothing that comes after', async () => {
      const heard = listen();
      const { bus, endpoints } = await startOrchestrator(heard.handlers);
      const node = await joinedNode(endpoints, heard);
      node.bus.send(bytes('goodbye'));
      await node.bus.stop();
      node.bus.send(bytes('from beyond'));
      node.bus.publish('output/m/', bytes('from beyond'));
      expect(text((await heard.control.next()).frame)).toBe('goodbye');
      const last = await joinedNode(endpoints, heard);
      for (let i = 0; i < 20; i++) bus.send(last.route, new Uint8Array(256 * 1024));
      bus.send(last.route, bytes('closing'));
      await bus.stop();
      bus.send(last.route, bytes('from beyond'));
      bus.publish('task/p/1/', bytes('from beyond'));
      expect(text((await last.frames.take(21)).at(-1)!)).toBe('closing');
      expect(heard.control.waiting).toBe(0);
    });

    it('stops as often as one likes, also before it was started, and does not start again', async () => {
      const unstarted = harness.orchestrator();
      await unstarted.stop();
      await expect(unstarted.start(listen().handlers)).rejects.toMatchObject({ code: 'bus_started' });
      const { bus, endpoints } = await startOrchestrator(listen().handlers);
      const node = await startNode(endpoints);
      await Promise.all([node.bus.stop(), node.bus.stop()]);
      await Promise.all([bus.stop(), bus.stop()]);
      await bus.stop();
      await expect(node.bus.start({ onControl: () => {} })).rejects.toMatchObject({ code: 'bus_started' });
    });

    it('refuses addresses in use with a coded error, and gives them back at once when it stops', async () => {
      const { bus } = await startOrchestrator(listen().handlers);
      const second = harness.orchestrator();
      await expect(second.start(listen().handlers)).rejects.toMatchObject({
        code: 'port_in_use',
        message: expect.stringContaining('control'),
      });
      await bus.stop();
      const heard = listen();
      const { endpoints } = await startOrchestrator(heard.handlers);
      await joinedNode(endpoints, heard);
    });
  });
}
