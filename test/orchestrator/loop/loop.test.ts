import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TuttiError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/logger.js';
import type { Journal } from '../../../src/orchestrator/core/journal.js';
import { State } from '../../../src/orchestrator/core/state.js';
import type { Settings, Step } from '../../../src/orchestrator/core/turn.js';
import { load } from '../../../src/orchestrator/loop/load.js';
import { Loop } from '../../../src/orchestrator/loop/loop.js';
import { look } from '../../../src/orchestrator/proposals/look.js';
import type { Proposal, Weighed } from '../../../src/orchestrator/proposals/proposals.js';
import { createMemoryStore } from '../../../src/store/memory.js';
import type { CommitOutcome, Write } from '../../../src/store/store.js';
import { typesFromDescriptors } from '../../../src/wire/types.js';
import { memoryFiles } from '../../support/memory-files.js';

const waits = vi.hoisted(() => ({ pauses: [] as { ms: number; end: () => void }[] }));
// The pauses between attempts end when a test says so.
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<typeof import('node:timers/promises')>()),
  setTimeout: (ms: number) => new Promise<void>((end) => waits.pauses.push({ ms, end })),
}));

const SETTINGS: Settings = {
  ...{
    epoch: 1,
    storeId: 's',
    token: undefined,
    heartbeatIntervalMs: 1000,
    outputWindow: 1,
    inlineMaxBytes: 1,
  },
  ...{
    graceMs: 1,
    maxFrameBytes: 1,
    maxTasks: 1000,
    outputsEndpoint: '',
    controlEndpoint: '',
    blobUrl: '',
    isTracing: false,
  },
};
const COMMITTED: CommitOutcome = { kind: 'committed' };
const FULL: CommitOutcome = { kind: 'full', message: 'no room' };
const UNKNOWN: CommitOutcome = { kind: 'unknown', message: 'no answer' };

let outcomes: CommitOutcome[];
let commits: number[];
/** The tables that each commit is about. */
let tables: string[][];
let performed: Journal[];
let lost: string[];
let loop: Loop;
let state: State;
/** Settles the commit in hand; commits settle by themselves when it is not armed. */
let gate: Promise<void>;
/** What the next commit throws. */
let failure: Error | undefined;
/** So many batches cannot be performed. */
let unperformable: number;
let timesFull: number;
/** Why the store says nothing about proposals. */
let unseen: Error | undefined;
/** Why the store cannot say what a step needs. */
let unreadable: (step: Step) => TuttiError | undefined;

beforeEach(() => {
  outcomes = [];
  commits = [];
  tables = [];
  performed = [];
  lost = [];
  waits.pauses.length = 0;
  gate = Promise.resolve();
  failure = undefined;
  unperformable = 0;
  timesFull = 0;
  unreadable = () => undefined;
  unseen = undefined;
  const store = createMemoryStore();
  state = new State();
  loop = new Loop({
    state,
    settings: SETTINGS,
    store: {
      async commit(_epoch: number, writes: readonly Write[]) {
        commits.push(writes.length);
        tables.push([...new Set(writes.map(({ table }) => table))]);
        await gate;
        const thrown = failure;
        failure = undefined;
        if (thrown) throw thrown;
        return outcomes.shift() ?? COMMITTED;
      },
    },
    clock: { nowMs: () => 0, wallMs: () => 0 },
    ids: { uuid: () => 'id', secret: () => 'secret' },
    logger: silentLogger,
    mailboxLimit: 4,
    mailboxBytes: 1000,
    load: (steps) => {
      const error = steps.map(unreadable).find((found) => found !== undefined);
      return error
        ? Promise.reject(error)
        : load(store, state, steps, { files: memoryFiles(), inlineMaxBytes: 65_536 });
    },
    look: (proposal) => {
      if (unseen) throw unseen;
      return look(store, proposal);
    },
    perform: async (journal) => {
      if (unperformable-- > 0) throw new Error('it cannot be sent');
      performed.push(journal);
    },
    onFull: () => {
      timesFull += 1;
    },
    onLost: ({ code }) => lost.push(code),
  });
});

afterEach(async () => {
  const stopped = loop.stop();
  endPause();
  await stopped;
});

/** A step that writes a row and is answered. */
const blob = (id: number): Step => ({ kind: 'blob', id, sha256: String(id), size: 1 });
const answered = (): number[] => performed.flatMap(({ replies }) => replies.map(({ request }) => request));

const answers = (): unknown[] =>
  performed.flatMap(({ replies }) =>
    replies.map((reply) => [reply.request, reply.kind === 'answer' ? reply.answer.kind : reply.kind]),
  );
const types = typesFromDescriptors(new Uint8Array());

/** A step whose event is as long as this name. */
function graphStored(id: number, name: string): Step {
  const graph = { name, source: { name: 'source', type: 'json' }, modules: [] };
  const request = { kind: 'put_graph', name, yaml: '', graph, types, typesJson: types.toJson([]) } as const;
  return { kind: 'request', id, request, bound: '*', dedupe: undefined };
}

/** Ends the pause that the loop makes, and says how long it was to be. */
function endPause(): number | undefined {
  const pause = waits.pauses.shift();
  pause?.end();
  return pause?.ms;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await turnOfTheEventLoop();
}

describe('the loop', () => {
  it('commits all that waits in one transaction, then performs it', async () => {
    for (const id of [1, 2, 3]) void loop.post(blob(id));
    loop.start();
    await settle();
    expect(commits).toEqual([3]);
    expect(answered()).toEqual([1, 2, 3]);
  });

  it('tells nobody anything before the commit has succeeded', async () => {
    let open = (): void => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    void loop.post(blob(1));
    loop.start();
    await settle();
    expect([commits.length, performed.length]).toEqual([1, 0]);
    open();
    await settle();
    expect(answered()).toEqual([1]);
  });

  it('commits nothing where nothing was written, and performs all the same', async () => {
    void loop.post({ kind: 'inspect nodes', id: 7, nodeId: undefined, bound: '*' });
    loop.start();
    await settle();
    expect([commits, answered()]).toEqual([[], [7]]);
  });

  it('keeps a batch that finds no room, decides nothing meanwhile, and commits it when there is room', async () => {
    outcomes = [FULL, FULL];
    void loop.post(blob(1));
    loop.start();
    await settle();
    void loop.post(blob(2));
    expect([loop.blocked, performed.length, loop.depth]).toEqual(['no room', 0, 1]);
    expect(endPause()).toBe(250);
    await settle();
    expect([loop.blocked, commits, performed.length]).toEqual(['no room', [1, 1], 0]);
    expect(endPause()).toBe(500);
    await settle();
    expect([loop.blocked, commits, answered()]).toEqual([undefined, [1, 1, 1, 1], [1, 2]]);
    // Said once, however often it was tried.
    expect(timesFull).toBe(1);
  });

  it('a batch is tried again before anything else while it is unknown whether it is stored, and nobody is told of it', async () => {
    outcomes = [UNKNOWN, UNKNOWN];
    void loop.post(blob(1));
    loop.start();
    await settle();
    const removal = loop.propose({ kind: 'remove commands', commandIds: ['a'] });
    await settle();
    expect([loop.blocked, tables, performed.length]).toEqual(['no answer', [['blobs']], 0]);
    expect(endPause()).toBe(250);
    await settle();
    expect([loop.blocked, tables, performed.length]).toEqual(['no answer', [['blobs'], ['blobs']], 0]);
    expect(endPause()).toBe(250);
    expect(await removal).toMatchObject({ kind: 'done', count: 1 });
    expect([loop.blocked, tables, answered()]).toEqual([
      undefined,
      [['blobs'], ['blobs'], ['blobs'], ['commands']],
      [1],
    ]);
  });

  it('makes its producers wait while the mailbox is full', async () => {
    outcomes = [FULL];
    void loop.post(blob(0));
    loop.start();
    await settle();
    const rooms = [1, 2, 3, 4].map((id) => loop.post(blob(id)));
    expect(rooms.map((room) => room !== undefined)).toEqual([false, false, false, true]);
    let hasRoom = false;
    void rooms[3]!.then(() => {
      hasRoom = true;
    });
    await settle();
    expect(hasRoom).toBe(false);
    expect(endPause()).toBe(250);
    await settle();
    expect(hasRoom).toBe(true);
  });

  it('makes them wait also for the size of what they sent', async () => {
    let hasRoom = false;
    expect(loop.post(blob(1), 999)).toBeUndefined();
    void loop.post(blob(2), 1)?.then(() => {
      hasRoom = true;
    });
    await settle();
    expect([hasRoom, loop.bytes]).toEqual([false, 1000]);
    loop.start();
    await settle();
    expect([hasRoom, loop.bytes]).toEqual([true, 0]);
    expect(loop.post(blob(3), 999)).toBeUndefined();
  });

  it('stops for good, without performing anything, once another epoch reigns', async () => {
    outcomes = [{ kind: 'fenced', epoch: 2 }];
    void loop.post(blob(1));
    loop.start();
    await settle();
    void loop.post(blob(2));
    await settle();
    expect([lost, commits.length, performed]).toEqual([['fenced'], 1, []]);
  });

  it('stops for good when the store will take nothing more from it', async () => {
    failure = new TuttiError('store_failed', 'the disk is broken');
    void loop.post(blob(1));
    loop.start();
    await settle();
    expect([lost, performed]).toEqual([['store_failed'], []]);
  });

  it('treats a store that throws otherwise like one without room', async () => {
    failure = new Error('for a moment');
    void loop.post(blob(1));
    loop.start();
    await settle();
    expect([loop.blocked, performed]).toEqual(['for a moment', []]);
    expect(endPause()).toBe(250);
    await settle();
    expect([loop.blocked, answered()]).toEqual([undefined, [1]]);
  });

  it('goes on when a committed batch cannot be performed', async () => {
    unperformable = 1;
    void loop.post(blob(1));
    loop.start();
    await settle();
    void loop.post(blob(2));
    await settle();
    expect([commits, answered()]).toEqual([[1, 1], [2]]);
  });

  it('ends a batch at so much of events, and decides the rest next, in order', async () => {
    const large = 'x'.repeat(5 * 1024 * 1024);
    for (const id of [1, 2, 3, 4]) void loop.post(graphStored(id, `${id}${large}`), 100);
    void loop.post(blob(5));
    loop.start();
    await settle();
    expect(performed.map(({ replies }) => replies.map(({ request }) => request))).toEqual([
      [1, 2],
      [3, 4],
      [5],
    ]);
    expect(performed.flatMap(({ events }) => events.map(({ seq }) => seq))).toEqual([1, 2, 3, 4]);
    expect([loop.depth, loop.bytes]).toEqual([0, 0]);
  });

  it('answers `internal` where a step cannot be decided, decides the others, and goes on', async () => {
    void loop.post(blob(1));
    // What `JSON.stringify` throws over.
    void loop.post({ ...blob(2), size: 1n } as unknown as Step);
    void loop.post(blob(3));
    loop.start();
    await settle();
    expect(answers()).toEqual([
      [1, 'done'],
      [2, 'internal'],
      [3, 'done'],
    ]);
    void loop.post(blob(4));
    await settle();
    expect(answers().at(-1)).toEqual([4, 'done']);
  });

  it('refuses a step that needs a damaged value, decides the others, and goes on', async () => {
    const damage = new TuttiError('store_damaged', 'idempotency ["k"] is damaged');
    unreadable = (step) => (step.kind === 'blob' && step.id === 2 ? damage : undefined);
    for (const id of [1, 2, 3]) void loop.post(blob(id));
    loop.start();
    await settle();
    expect(answers()).toEqual([
      [1, 'done'],
      [2, 'internal'],
      [3, 'done'],
    ]);
    expect(loop.blocked).toBeUndefined();
  });

  it('answers `internal` to a whole batch of which a row cannot be encoded, sends nothing, and goes on', async () => {
    const node = state.addNode({
      ...{ nodeId: 'n', module: 'm', instance: 'i', bootId: 'b', incarnation: 1, version: '', capacity: 1 },
      ...{ desired: 'started', status: 'IDLE', liveness: 'alive', error: undefined, lastSeenAt: 0 },
      ...{ labels: { zone: 1n as unknown as string }, executions: new Set() },
    });
    state.setRoute(node, 'r');
    state.undo.keep();
    void loop.post(blob(1));
    const command = { kind: 'node_command', nodeId: 'n', command: 'stop' } as const;
    void loop.post({ kind: 'request', id: 2, request: command, bound: '*', dedupe: undefined });
    loop.start();
    await settle();
    expect(answers()).toEqual([
      [1, 'internal'],
      [2, 'internal'],
    ]);
    expect(performed[0]?.sendings).toEqual([]);
    void loop.post(blob(3));
    await settle();
    expect(answers().at(-1)).toEqual([3, 'done']);
  });

  it('finishes the batch in hand when it is stopped, and leaves the rest', async () => {
    let open = (): void => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    void loop.post(blob(1));
    loop.start();
    await settle();
    void loop.post(blob(2));
    const stopped = loop.stop();
    open();
    await stopped;
    expect([answered(), loop.depth]).toEqual([[1], 1]);
  });
});

describe('a proposal', () => {
  const removes = (...commandIds: string[]): Proposal => ({ kind: 'remove commands', commandIds });
  const doubts: Proposal = { kind: 'doubt ages', doubt: { expected_at: 1, leapt_to: 2 } };
  /** How those of these that have been answered were, so far. */
  function follow(...proposals: Promise<Weighed>[]): unknown[] {
    const answers: unknown[] = [];
    for (const [at, one] of proposals.entries())
      one.then(
        (weighed) => answers.push([at, weighed.kind === 'done' ? weighed.count : weighed.kind]),
        ({ message }: Error) => answers.push([at, message]),
      );
    return answers;
  }

  it('is a batch of its own, between two others', async () => {
    void loop.post(blob(1));
    const answers = follow(loop.propose(removes('a', 'b')), loop.propose(doubts));
    loop.start();
    await settle();
    expect([tables, answers]).toEqual([
      [['commands'], ['blobs'], ['meta']],
      [
        [0, 2],
        [1, 1],
      ],
    ]);
    // Nothing else has to happen for it.
    expect(await loop.propose(removes('c'))).toEqual({ kind: 'done', count: 1, isMore: false });
  });

  it('a removal is committed before a batch that waits for room, which is soon tried again; an addition comes after it', async () => {
    outcomes = [FULL, FULL, COMMITTED, FULL];
    void loop.post(graphStored(1, 'g'));
    loop.start();
    await settle();
    expect(endPause()).toBe(250);
    await settle();
    const answers = follow(loop.propose(doubts), loop.propose(removes('a')));
    await settle();
    expect([tables, answers, loop.blocked]).toEqual([
      [['graphs', 'events', 'meta'], ['graphs', 'events', 'meta'], ['commands']],
      [[1, 1]],
      'no room',
    ]);
    // Its record is older than those of the batch.
    expect(performed.flatMap(({ facts }) => facts.map(({ fact, seq }) => [fact.type, seq]))).toEqual([
      ['commands.removed', 0],
    ]);
    expect(endPause()).toBe(500);
    await settle();
    expect(endPause()).toBe(250);
    await settle();
    expect([tables.slice(3), answers, loop.blocked]).toEqual([
      [['graphs', 'events', 'meta'], ['graphs', 'events', 'meta'], ['meta']],
      [
        [1, 1],
        [0, 1],
      ],
      undefined,
    ]);
  });

  it('a proposal that finds no room leaves nothing behind, and the loop continues', async () => {
    const node = state.addNode({
      ...{ nodeId: 'n', module: 'm', instance: 'i', bootId: 'b', incarnation: 1, version: '', capacity: 1 },
      ...{ desired: 'started', status: 'IDLE', liveness: 'dead', error: undefined, lastSeenAt: 0 },
      ...{ labels: {}, executions: new Set() },
    });
    state.undo.keep();
    outcomes = [FULL];
    loop.start();
    const forgets: Proposal = { kind: 'remove nodes', seenBefore: 1, kept: 0 };
    expect(await loop.propose(forgets)).toEqual({ kind: 'no room' });
    expect([state.nodes.get('n'), performed, loop.blocked]).toEqual([node, [], undefined]);
    void loop.post(blob(1));
    await settle();
    expect(answered()).toEqual([1]);
    expect(await loop.propose(forgets)).toMatchObject({ kind: 'done', count: 1 });
    expect(state.nodes.size).toBe(0);
  });

  it('a proposal is tried again while it is unknown whether it is stored, and is carried out or undone according to the answer', async () => {
    outcomes = [UNKNOWN, COMMITTED, UNKNOWN, FULL];
    loop.start();
    const answers = follow(loop.propose(removes('a')), loop.propose(removes('b')));
    await settle();
    expect([loop.blocked, answers, tables]).toEqual(['no answer', [], [['commands']]]);
    endPause();
    await settle();
    expect([loop.blocked, answers]).toEqual(['no answer', [[0, 1]]]);
    endPause();
    await settle();
    expect([loop.blocked, answers]).toEqual([
      undefined,
      [
        [0, 1],
        [1, 'no room'],
      ],
    ]);
    expect(performed.flatMap(({ facts }) => facts.map(({ fact }) => fact.type))).toContain(
      'commands.removed',
    );
  });

  it('a proposal that cannot be decided is rejected with the reason, and the loop continues', async () => {
    unseen = new Error('a value is damaged');
    loop.start();
    await expect(loop.propose(removes('a'))).rejects.toThrow('a value is damaged');
    unseen = undefined;
    expect(await loop.propose(removes('a'))).toMatchObject({ kind: 'done' });
  });

  it('is answered that the loop has stopped where it takes nothing more', async () => {
    outcomes = [{ kind: 'fenced', epoch: 2 }];
    loop.start();
    const answers = follow(loop.propose(removes('a')), loop.propose(removes('b')));
    await settle();
    await loop.stop();
    expect([answers, lost, await loop.propose(removes('c'))]).toEqual([
      [
        [0, 'stopped'],
        [1, 'stopped'],
      ],
      ['fenced'],
      { kind: 'stopped' },
    ]);
  });
});
