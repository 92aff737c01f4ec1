/** Artifacts that implement operations: scripts and playbooks, by the names that types and templates give them. */
import { show } from '../../faults.js';
import { type At, own, type Report } from './report.js';

/** A value as it is written, with its place. */
export interface Written {
  readonly value: unknown;
  readonly at: At;
}

/** By name, the path of the file. */
export type Artifacts = ReadonlyMap<string, Written>;

const FIELDS = ['file', 'type', 'description'];
const TYPES = [
  'tosca.artifacts.Implementation',
  'tosca.artifacts.Implementation.Bash',
  'tosca.artifacts.Implementation.Python',
];

/** `from`: those that the type derives from. */
export function artifactsOf(given: unknown, at: At, from: Artifacts, report: Report): Artifacts {
  const artifacts = new Map(from);
  for (const [name, value] of Object.entries(report.record(given, at))) {
    const artifact = artifactOf(value, [...at, name], report);
    if (artifact) artifacts.set(name, artifact);
  }
  return artifacts;
}

/** A path, or `{file, type}`. */
export function artifactOf(value: unknown, at: At, report: Report): Written | undefined {
  if (typeof value === 'string' && value !== '') return { value, at };
  const given = report.fields(value, at, FIELDS);
  const type = own(given, 'type');
  if (type !== undefined && !TYPES.includes(String(type)))
    report.unsupported(
      [...at, 'type'],
      `${show(type)} is not supported: an artifact is a script or a playbook, of ${TYPES.join(', ')}`,
    );
  const file = report.text(own(given, 'file'), [...at, 'file'], 'the path of a script or a playbook');
  return file === undefined ? undefined : { value: file, at: [...at, 'file'] };
}
