/** The JSON of an event: what a public fact shows, in the order of its declaration. */
import { printJson } from '../../base/json/json-text.js';
import { type PublicFact, type ShownWord, shownFieldsOf } from '../../model/facts.js';

/** The event as one JSON object without line breaks. Throws what `JSON.stringify` throws. */
export function eventJson(seq: number, at: string, fact: PublicFact): string {
  let json = `{"seq":${seq},"at":"${at}","type":"${fact.type}"`;
  const fields: Readonly<Record<string, unknown>> = fact;
  for (const { name, word } of shownFieldsOf(fact.type)) {
    const value = fields[name];
    if (value !== undefined) json += `,"${name}":${valueJson(word, value)}`;
  }
  return `${json}}`;
}

function valueJson(word: ShownWord, value: unknown): string {
  switch (word) {
    // Tutti has made it itself: it needs no escapes.
    case 'id':
      return `"${String(value)}"`;
    case 'count':
    case 'flag':
      return String(value);
    case 'text':
      return JSON.stringify(value);
    default:
      return printJson(value);
  }
}
