/**
 * A store that is only read, beside the process that works on it or without one: the tables of one moment, and what the log had beyond them.
 */
import { TuttiError } from '../base/errors.js';
import type { LmdbTables, LogState, View } from './lmdb-tables.js';
import { readLog, tailOf } from './log/folders.js';
import { Layer, type Layers } from './overlay.js';
import type { Reader, StoreStats } from './store.js';

/** An orchestrator recycles its log while it is read; each time the tables have passed what is gone. */
const TRIES = 20;

export class ReadOnlyStore {
  readonly #dir: string;
  readonly #tables: LmdbTables;
  #isClosed = false;

  constructor(dir: string, tables: LmdbTables) {
    this.#dir = dir;
    this.#tables = tables;
  }

  get storeId(): string {
    return this.#tables.storeId;
  }

  /**
   * Read with one view of the data.
   * @throws `store_damaged`: the log, naming the file and the offset.
   */
  async snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    const view = await this.#view();
    try {
      return await read(view);
    } finally {
      view.end();
    }
  }

  async stats(): Promise<StoreStats> {
    return this.#tables.stats();
  }

  async close(): Promise<void> {
    if (!this.#isClosed) await this.#tables.close();
    this.#isClosed = true;
  }

  async #view(): Promise<View> {
    if (this.#isClosed) throw new TuttiError('store_closed', 'the store is closed');
    for (let tries = 1; ; tries += 1) {
      const layers: Layer[] = [];
      let state: LogState | undefined;
      const view = this.#tables.view((found): Layers => {
        state = found;
        return layers;
      });
      try {
        layers.push(...(await this.#layersBeyond(state!)));
        return view;
      } catch (error) {
        view.end();
        if (tries === TRIES || this.#tables.logState().position === state!.position) throw error;
      }
    }
  }

  async #layersBeyond({ needed, position }: LogState): Promise<Layer[]> {
    if (needed === undefined) return [];
    const { rows } = tailOf(await readLog(this.#dir, needed, position), position);
    return rows.length === 0 ? [] : [new Layer(rows)];
  }
}
