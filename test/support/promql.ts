/** Which metrics and labels a PromQL expression names. Throws where it is not PromQL. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Named {
  readonly metrics: readonly string[];
  /** Of matchers and of groupings. */
  readonly labels: readonly string[];
}

export function namesIn(expression: string): Named {
  const metrics = new Set<string>();
  const labels = new Set<string>();
  parser.parse(expression).iterate({
    enter({ name, type, from, to, node }) {
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`no PromQL at character ${from}: ${expression}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.add(text);
      if (name === 'LabelName') labels.add(text);
    },
  });
  return { metrics: [...metrics], labels: [...labels] };
}
