/** The JSON of an event: what a public fact shows, in the order of its declaration. */
import { printJson } from '../../base/json/json-text.js';
import { ownFieldsOf, type PublicFact, type ShownWord, type Subject } from '../../model/facts.js';

/** The event as one JSON object without line breaks. Throws what `JSON.stringify` throws. */
export function eventJson(seq: number, at: string, fact: PublicFact): string {
  // Most events are about an execution: these fields are written without a look at their words.
  const { type, problem_id, project, iteration_id, module }: Subject = fact;
  const { pass, item, execution_id, attempt, node_id }: Subject = fact;
  let json = `{"seq":${seq},"at":"${at}","type":"${type}"`;
  if (problem_id !== undefined) json += `,"problem_id":"${problem_id}"`;
  if (project !== undefined) json += `,"project":"${project}"`;
  if (iteration_id !== undefined) json += `,"iteration_id":${iteration_id}`;
  if (module !== undefined) {
    json += `,"module":${JSON.stringify(module)}`;
    // Where it is not about a module, that is a field of its own.
    if (pass !== undefined) json += `,"pass":${pass}`;
    if (item !== undefined) json += `,"item":${item}`;
  }
  if (execution_id !== undefined) json += `,"execution_id":"${execution_id}"`;
  if (attempt !== undefined) json += `,"attempt":${attempt}`;
  if (node_id !== undefined) json += `,"node_id":"${node_id}"`;
  const fields: Readonly<Record<string, unknown>> = fact;
  for (const { name, word } of ownFieldsOf(fact.type)) {
    const value = fields[name];
    if (value !== undefined) json += `,"${name}":${valueJson(word, value)}`;
  }
  return `${json}}`;
}

const HEAD = /^\{"seq":(\d+),"at":"([^"]*)","type":"([^"]*)"/;

/** What the text of an event says first; the rest, which may be long, is not read. */
export function headOfEvent(json: string): {
  readonly seq: string;
  readonly at: string;
  readonly type: string;
} {
  const [, seq, at, type] = HEAD.exec(json) ?? [];
  if (seq === undefined || at === undefined || type === undefined)
    throw new Error(`an event begins ${JSON.stringify(json.slice(0, 80))}`);
  return { seq, at, type };
}

/** The type of an event, from its text. */
export function typeOfEvent(json: string): string {
  return headOfEvent(json).type;
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
