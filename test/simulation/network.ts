/**
 * The network between simulated nodes and the orchestrator.
 *
 * 1. Control is ordered on each connection. A cut loses what is under way, in both directions, and the next connection is
 *    another route; neither end is told.
 * 2. Outputs are lost, doubled, delayed and reordered at will, independently of control.
 */
import type { World } from './world.js';

/** The orchestrator's end, while there is one. */
export interface Hub {
  control(route: string, frame: Uint8Array): void;
  outputs(frame: Uint8Array): void;
  unreachable(route: string): void;
  disconnected(route: string): void;
}

export class Link {
  route: string;
  isUp = true;
  /** Distinguishes what is under way on this connection from what was on the one before. */
  connection = 0;
  upAt = 0;
  downAt = 0;
  readonly receive: (frame: Uint8Array) => void;

  constructor(route: string, receive: (frame: Uint8Array) => void) {
    this.route = route;
    this.receive = receive;
  }
}

export class Network {
  readonly #world: World;
  readonly #links = new Set<Link>();
  readonly #byRoute = new Map<string, Link>();
  #hub: Hub | undefined;
  #routes = 0;

  constructor(world: World) {
    this.#world = world;
  }

  connect(receive: (frame: Uint8Array) => void): Link {
    const link = new Link(this.#newRoute(), receive);
    this.#links.add(link);
    this.#byRoute.set(link.route, link);
    return link;
  }

  close(link: Link): void {
    const { route } = link;
    link.isUp = false;
    link.connection += 1;
    this.#links.delete(link);
    this.#byRoute.delete(link.route);
    if (this.#world.random.chance(0.7)) this.#world.after(1, () => this.#hub?.disconnected(route));
  }

  cut(link: Link): void {
    if (!this.#links.has(link)) return;
    const { random } = this.#world;
    const { route } = link;
    this.#drop(link);
    if (random.chance(0.5)) this.#hub?.disconnected(route);
    const { connection } = link;
    this.#world.after(this.#world.calm ? 1 : random.whole(1, 1500), () => this.#reconnect(link, connection));
  }

  /** The orchestrator is there, or there again; nothing: it is gone, and all connections with it. */
  setHub(hub: Hub | undefined): void {
    this.#hub = hub;
    for (const link of this.#links) {
      this.#drop(link);
      if (!hub) continue;
      const { connection } = link;
      this.#world.after(this.#world.random.whole(1, 300), () => this.#reconnect(link, connection));
    }
  }

  toHub(link: Link, frame: Uint8Array): void {
    if (!link.isUp || !this.#hub) return;
    const { connection } = link;
    link.upAt = Math.max(link.upAt, this.#world.now + this.#delay());
    for (let copy = this.#world.fault(0.03) ? 2 : 1; copy > 0; copy -= 1) {
      this.#world.after(link.upAt - this.#world.now, () => {
        if (link.connection === connection) this.#hub?.control(link.route, frame);
      });
    }
  }

  toNode(route: string, frame: Uint8Array): void {
    const link = this.#byRoute.get(route);
    if (!link?.isUp) {
      const hub = this.#hub;
      this.#world.after(1, () => hub?.unreachable(route));
      return;
    }
    const { connection } = link;
    link.downAt = Math.max(link.downAt, this.#world.now + this.#delay());
    for (let copy = this.#world.fault(0.03) ? 2 : 1; copy > 0; copy -= 1) {
      this.#world.after(link.downAt - this.#world.now, () => {
        if (link.connection === connection) link.receive(frame);
      });
    }
  }

  publish(frame: Uint8Array): void {
    for (let copy = this.#world.fault(0.15) ? 2 : 1; copy > 0; copy -= 1) {
      if (this.#world.fault(0.15)) continue;
      const hub = this.#hub;
      const late = this.#world.fault(0.1) ? this.#world.random.whole(0, 4000) : 0;
      this.#world.after(this.#delay() + late, () => {
        if (this.#hub === hub) hub?.outputs(frame);
      });
    }
  }

  #delay(): number {
    return this.#world.calm ? 1 : this.#world.random.whole(1, this.#world.random.chance(0.1) ? 400 : 8);
  }

  #drop(link: Link): void {
    link.isUp = false;
    link.connection += 1;
    this.#byRoute.delete(link.route);
  }

  #reconnect(link: Link, connection: number): void {
    if (link.connection !== connection || !this.#links.has(link) || !this.#hub) return;
    link.route = this.#newRoute();
    link.isUp = true;
    link.upAt = this.#world.now;
    link.downAt = this.#world.now;
    this.#byRoute.set(link.route, link);
  }

  #newRoute(): string {
    this.#routes += 1;
    return `route-${this.#routes}`;
  }
}
