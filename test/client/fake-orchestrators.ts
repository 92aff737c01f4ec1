/** Servers that answer as orchestrators of one store do, of which one leads, and clients in both languages that know their addresses. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { ClientError, Tutti } from '../../src/client/index.js';
import { python, root } from '../python/python.js';
import type { Scene } from '../support/processes.js';

/** `hangs_up`: it takes a request, and its answer is lost. */
export type Role = 'leader' | 'standby' | 'hangs_up' | 'refuses';

export interface Asked {
  readonly method: string;
  readonly key: string | undefined;
}

export class FakeOrchestrator {
  readonly asked: Asked[] = [];
  /** By turn, the last one from then on. */
  roles: Role[];
  onStream: (socket: WebSocket) => void = (socket) => socket.terminate();
  readonly #server: Server;
  readonly #name: string;

  private constructor(name: string, roles: Role[]) {
    this.#name = name;
    this.roles = roles;
    this.#server = createServer((request, response) => this.#answer(request, response));
    new WebSocketServer({ server: this.#server }).on('connection', (socket) => this.onStream(socket));
  }

  static async up(scene: Scene, name: string, ...roles: Role[]): Promise<FakeOrchestrator> {
    const fake = new FakeOrchestrator(name, roles);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    scene.atEnd(() => fake.close());
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const role = (this.roles.length > 1 ? this.roles.shift() : this.roles[0])!;
    const key = request.headers['idempotency-key'];
    this.asked.push({ method: request.method!, key: key as string | undefined });
    request.resume();
    const say = (status: number, body: object, headers = {}): void => {
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(body));
    };
    if (role === 'leader') say(200, { name: this.#name }, { 'tutti-cursor': '0' });
    else if (role === 'standby')
      say(503, { error: { code: role, message: 'waits' } }, { 'retry-after': '0' });
    else if (role === 'refuses') say(409, { error: { code: 'no_token', message: 'no' } });
    else request.once('end', () => response.destroy());
  }
}

/** An address at which nobody listens. */
export async function nobody(scene: Scene): Promise<string> {
  const fake = await FakeOrchestrator.up(scene, 'nobody', 'leader');
  const { url } = fake;
  fake.close();
  return url;
}

/** `name` of who has answered, or the code of the error with its message. */
export type Answer = { readonly name: string } | { readonly code: string; readonly message: string };

export interface FakeClient {
  /** One request after the other: `GET` or `POST`. */
  ask(url: string, ...methods: ('GET' | 'POST')[]): Promise<Answer[]>;
  /** The numbers of the first events. */
  follow(url: string, count: number): Promise<number[]>;
}

export const inTypeScript: FakeClient = {
  async ask(url, ...methods) {
    const tutti = new Tutti({ url });
    const answers: Answer[] = [];
    for (const method of methods) {
      const asked =
        method === 'GET' ? tutti.request('GET /v1/me', {}) : tutti.request('POST /v1/sessions', { body: {} });
      answers.push(
        await asked.then(
          (value) => value as unknown as Answer,
          (error: ClientError) => ({ code: error.code, message: error.message }),
        ),
      );
    }
    return answers;
  },
  async follow(url, count) {
    const stop = new AbortController();
    const seen: number[] = [];
    for await (const followed of new Tutti({ url }).follow({ cursor: 0, signal: stop.signal })) {
      if (followed.kind === 'events') seen.push(...followed.events.map(({ seq }) => seq));
      if (seen.length >= count) stop.abort();
    }
    return seen;
  },
};

const ASK = `
import json, sys
from tutti import Tutti
from tutti.client import ClientError
tutti = Tutti(sys.argv[1])
def asked(method):
    try:
        return tutti.request(method, "/v1/me" if method == "GET" else "/v1/sessions", body={} if method == "POST" else None)
    except ClientError as error:
        return {"code": error.code, "message": error.message}
print(json.dumps([asked(method) for method in sys.argv[2:]]))
`;
const FOLLOW = `
import json, sys
from itertools import islice
from tutti import Tutti
print(json.dumps([each["seq"] for each in islice(Tutti(sys.argv[1]).follow(cursor=0), int(sys.argv[2]))]))
`;

export function inPython(scene: Scene): FakeClient {
  const run = async (program: string, ...args: string[]): Promise<unknown> => {
    const env = { PYTHONPATH: `${root}/python/src`, PYTHONDONTWRITEBYTECODE: '1' };
    const ran = scene.spawn(['-c', program, ...args], env, root, python);
    const { code } = await ran.exited;
    if (code !== 0) throw new ClientError('python', ran.stderr);
    return JSON.parse(ran.stdout);
  };
  return {
    ask: async (url, ...methods) => (await run(ASK, url, ...methods)) as Answer[],
    follow: async (url, count) => (await run(FOLLOW, url, String(count))) as number[],
  };
}
