import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** JSON lines as the elements of one JSON list, as they come. */
export async function* jsonArray(lines: Readable): AsyncGenerator<string> {
  let before = '[';
  for await (const line of createInterface({ input: lines, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === '') continue;
    yield `${before}\n${line}`;
    before = ',';
  }
  yield before === '[' ? '[]\n' : '\n]\n';
}
