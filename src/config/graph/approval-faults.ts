/** Faults between `approve` and the rest of its module. The file may have other faults as well. */
import type { Fault } from '../../base/errors.js';
import { formatPath } from '../faults.js';
import { isRecord } from '../yaml/yaml.js';

/** The fields of a module that does no work. */
const FIELDS = ['inputs', 'approve', 'when', 'on_error'];

/** `raw`: the file's content. */
export function approvalFaults(raw: unknown): Fault[] {
  const faults: Fault[] = [];
  if (!isRecord(raw) || !isRecord(raw.modules)) return faults;
  for (const [name, module] of Object.entries(raw.modules)) {
    if (!isRecord(module) || module.approve === undefined) continue;
    for (const field of Object.keys(module)) {
      if (FIELDS.includes(field)) continue;
      const why = field.startsWith('output') ? 'its output is the decision' : 'nothing runs for it';
      const message = `a module with approve has no ${field}, since ${why}: leave it out`;
      faults.push({ path: formatPath(['modules', name, field]), code: 'not_with_approve', message });
    }
  }
  return faults;
}
