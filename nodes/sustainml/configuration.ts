/**
 * The configuration queries of SustainML's form: a text such as `metrics, cover_tag: image`, answered with JSON.
 *
 * A list is one text with ", " between its items, since the form takes it apart there: no item holds a comma itself.
 */
import { NonRetryableError } from 'tutti/sdk';

/** By the query's name, its answer to the rest of the text. */
export type Queries = Readonly<Record<string, (argument: string) => unknown>>;

/**
 * What a node's `onConfigure` does with such a query.
 *
 * @throws NonRetryableError `unknown_query`, naming those that the node answers.
 */
export function answering(queries: Queries): (configuration: string) => string {
  return (configuration) => {
    const [, name = '', rest = ''] = /^\s*([^,]*?)\s*(?:,([\s\S]*))?$/.exec(configuration) ?? [];
    if (!Object.hasOwn(queries, name)) {
      throw new NonRetryableError(
        'unknown_query',
        `This node does not answer ${JSON.stringify(name.slice(0, 80))}: it answers ${Object.keys(queries).join(', ')}.`,
      );
    }
    return JSON.stringify(queries[name]!(rest.trim()));
  };
}

/** As the form takes it apart again. */
export function listed(items: Iterable<string>): string {
  return [...new Set([...items].map((item) => item.replace(/,\s*/g, ' ').trim()))].join(', ');
}

/** The items of such a list. */
export function itemsOf(list: string): string[] {
  return list.split(',').flatMap((item) => item.trim() || []);
}
