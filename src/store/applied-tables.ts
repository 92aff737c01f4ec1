/** The tables alone, read beside the process that works on the store: they show what `Store.applied` has waited for. */
import type { LmdbTables } from './lmdb-tables.js';
import type { Reader } from './store.js';

export class AppliedTables {
  readonly #tables: LmdbTables;

  constructor(tables: LmdbTables) {
    this.#tables = tables;
  }

  /** Read with one view of the data, however much is written meanwhile. */
  async snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    const view = this.#tables.view(() => []);
    try {
      return await read(view);
    } finally {
      view.end();
    }
  }
}
