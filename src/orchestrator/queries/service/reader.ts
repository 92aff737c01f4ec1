/**
 * A reader: it answers questions from a store that somebody else writes, in a process of its own or, for tests, in the same one.
 *
 * R1. A question is answered in one view of the store, which begins after the question has come.
 * R2. Questions share the reader's time in slices; a cancelled one ends with its slice, and nothing more is said of it.
 * R3. A store may let only so many views be under way: a question waits for its view outside of its part of the time, which those that have a
 *     view need to end it.
 * R4. An export hands out a piece each time that it is asked for one: it holds no more, however slow its caller is.
 */
import { messageOf } from '../../../base/errors.js';
import { createExpressionParser, type ExpressionParser } from '../../../base/expression/grammar.js';
import { printJson } from '../../../base/json/json-text.js';
import type { Reader, Store } from '../../../store/store.js';
import type { ExportFormat, Refusal, StreamEvent, View } from '../../port.js';
import { ProjectReader } from '../../projects/reader.js';
import { cursorOf } from '../../tables/tables.js';
import { eventsAfter } from '../event-lines.js';
import { exportedRows, exportedText, type Look } from '../export.js';
import { type ReadStoredGraph, StoredGraphs } from '../graph-versions.js';
import { type Moment, momentOf, problemOf } from '../moment.js';
import { isRefusal } from '../pages.js';
import type { Decoded } from '../payloads.js';
import { JSON_QUESTIONS, type JsonQuestion, OUTPUT_QUESTIONS } from '../questions.js';
import { type Slices, Turnstile } from '../slices.js';
import type { FromReader, Question, Reply, Send, ToReader } from './messages.js';

export interface ReaderDeps {
  readonly store: Pick<Store, 'snapshot'>;
  readonly readGraph: ReadStoredGraph;
  readonly send: Send<FromReader>;
}

/** Answers a question as of a moment. */
type Work = (moment: Moment, cursor: number) => Promise<Said | Refusal>;
/** A reply and its body. */
type Said = readonly [reply: Reply, body?: Uint8Array];

interface UnderWay {
  readonly abort: AbortController;
  readonly slices: Slices;
  /** Of an export, once it has begun. */
  pieces?: AsyncGenerator<Uint8Array>;
}

export class QuestionReader {
  readonly #deps: ReaderDeps;
  readonly #graphs: StoredGraphs;
  /** Made with the first filter. */
  #parser: ExpressionParser | undefined;
  readonly #turnstile = new Turnstile();
  readonly #underWay = new Map<number, UnderWay>();

  constructor(deps: ReaderDeps) {
    this.#deps = deps;
    this.#graphs = new StoredGraphs(deps.readGraph);
  }

  take(message: ToReader): void {
    switch (message.kind) {
      case 'ask':
        void this.#ask(message.id, message.question);
        break;
      case 'more':
        void this.#more(message.id);
        break;
      case 'cancel':
        this.#cancel(message.id);
        break;
      case 'ping':
        this.#deps.send({ kind: 'pong', residentBytes: process.memoryUsage.rss() });
        break;
      default:
        message satisfies never;
    }
  }

  /** Ends everything that is under way. */
  stop(): void {
    for (const id of [...this.#underWay.keys()]) this.#cancel(id);
  }

  async #ask(id: number, question: Question): Promise<void> {
    const abort = new AbortController();
    const one: UnderWay = { abort, slices: this.#turnstile.slices(abort.signal) };
    this.#underWay.set(id, one);
    await this.#say(id, one, () => this.#answer(id, question, one));
    if (!one.pieces) this.#underWay.delete(id);
  }

  /** R4. */
  async #more(id: number): Promise<void> {
    const one = this.#underWay.get(id);
    if (!one?.pieces) return;
    const { pieces } = one;
    await this.#say(id, one, async () => {
      await one.slices.begin();
      const piece = await pieces.next();
      if (!piece.done) return [{ kind: 'piece', id }, piece.value];
      this.#underWay.delete(id);
      return [{ kind: 'end', id }];
    });
  }

  /** What fails is said instead. */
  async #say(id: number, { abort, slices }: UnderWay, work: () => Promise<Said>): Promise<void> {
    let said: Said;
    try {
      said = await work();
    } catch (thrown) {
      const code = (thrown as { readonly code?: unknown } | undefined)?.code;
      const message = messageOf(thrown);
      said = [{ kind: 'failed', id, message, ...(typeof code === 'string' && { code }) }];
      this.#underWay.delete(id);
    } finally {
      slices.pause();
    }
    if (!abort.signal.aborted) this.#deps.send(...said);
  }

  /** R2. */
  #cancel(id: number): void {
    const one = this.#underWay.get(id);
    this.#underWay.delete(id);
    one?.abort.abort();
  }

  #answer(id: number, { name, args, bound }: Question, one: UnderWay): Promise<Said> {
    const { slices } = one;
    const at = (work: Work): Promise<Said> => this.#at(id, slices, bound, work);
    switch (name) {
      case 'output':
      case 'executionOutput': {
        const ask = OUTPUT_QUESTIONS[name] as (
          moment: Moment,
          ...args: unknown[]
        ) => Promise<Decoded | Refusal>;
        return at(async (moment, cursor) => {
          const found = await ask(moment, ...args);
          return isRefusal(found) ? found : outputReply(id, cursor, found);
        });
      }
      case 'events': {
        const [after, limit] = args as [number, number];
        return this.#view(slices, async (reader) =>
          eventsReply(id, await eventsAfter(reader, slices, after, limit)),
        );
      }
      case 'exportOf': {
        const [problemId, format] = args as [string, ExportFormat];
        return at(async (moment, cursor) => {
          const problem = await problemOf(moment, problemId);
          if (isRefusal(problem)) return problem;
          const atMoment: Look = (look) =>
            this.#view(slices, (reader) => look(this.#moment(reader, slices, bound)));
          const rows = (): AsyncGenerator<View> => exportedRows(atMoment, problemId);
          one.pieces = exportedText(rows, format);
          return [{ kind: 'export', id, cursor }];
        });
      }
      default: {
        const ask = JSON_QUESTIONS[name satisfies JsonQuestion] as (
          moment: Moment,
          ...args: unknown[]
        ) => Promise<unknown>;
        return at(async (moment, cursor) => {
          const found = await ask(moment, ...args);
          return isRefusal(found) ? found : [{ kind: 'json', id, cursor }, Buffer.from(printJson(found))];
        });
      }
    }
  }

  /** Runs a question in one view of the store (R1). */
  #at(id: number, slices: Slices, bound: string, work: Work): Promise<Said> {
    return this.#view(slices, async (reader) => {
      const result = await work(this.#moment(reader, slices, bound), await cursorOf(reader));
      return isRefusal(result) ? [{ kind: 'refused', id, refusal: result }] : result;
    });
  }

  /** R3. */
  #view<T>(slices: Slices, read: (reader: Reader) => Promise<T>): Promise<T> {
    slices.pause();
    return this.#deps.store.snapshot(async (reader) => {
      await slices.begin();
      return read(reader);
    });
  }

  /** With nothing in it but what the asker may see. */
  #moment(whole: Reader, slices: Slices, bound: string): Moment {
    const reader = new ProjectReader(whole, bound);
    const parseFilter: ExpressionParser = (text) => {
      this.#parser ??= createExpressionParser();
      return this.#parser(text);
    };
    return momentOf({ reader, graphs: this.#graphs.at(reader), slices, parseFilter });
  }
}

function outputReply(id: number, cursor: number, { json, type, name, raw, reusedFrom }: Decoded): Said {
  const text = Buffer.from(printJson(json ?? null));
  const common = { kind: 'output', id, cursor, jsonBytes: text.length, type } as const;
  const more = { ...(name !== undefined && { name }), ...(reusedFrom && { reusedFrom }) };
  return raw.kind === 'blob'
    ? [{ ...common, ...more, blob: raw.blob }, text]
    : [{ ...common, ...more }, Buffer.concat([text, raw.bytes])];
}

function eventsReply(id: number, events: readonly StreamEvent[]): Said {
  const first = events[0]?.seq ?? 0;
  const problems = events.map(({ problemId }) => problemId ?? '');
  const projects = events.map(({ project }) => project ?? '');
  return [
    { kind: 'events', id, first, problems, projects },
    Buffer.from(events.map(({ json }) => json).join('\n')),
  ];
}
