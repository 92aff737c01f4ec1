/** Service files: `services: [{ name, … }]`. */
import type { Fault } from '../base/errors.js';
import type { ServiceSpec } from '../model/service.js';
import { formatPath, issuesToFaults } from './faults.js';
import { ServiceName, ServiceSchema } from './forms/service-schema.js';
import { isRecord, readYaml } from './yaml/yaml.js';

export interface FiledService {
  readonly spec: ServiceSpec;
  /** As the file has it, without its name. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export type ParsedServices =
  | { readonly ok: true; readonly services: readonly FiledService[] }
  | { readonly ok: false; readonly faults: readonly Fault[] };

const EXPECTED = 'give a list of services, like services: [{ name: web, command: [node, web.js] }]';

/** `file`: its name, for the messages about its syntax. */
export function parseServices(text: string, file: string): ParsedServices {
  const read = readYaml(text, { file });
  if (!read.ok) return read;
  const { value } = read;
  const items = isRecord(value) ? value.services : undefined;
  if (!isRecord(value) || !Array.isArray(items) || items.length === 0)
    return { ok: false, faults: [{ path: 'services', code: 'missing_field', message: EXPECTED }] };
  const faults: Fault[] = Object.keys(value).flatMap((key) =>
    key === 'services' || key.startsWith('x-')
      ? []
      : [
          {
            path: formatPath([key]),
            code: 'unknown_field',
            message: `${key} is not known here: there is services`,
          },
        ],
  );
  const services: FiledService[] = [];
  for (const [index, item] of items.entries()) {
    const prefix = `services[${index}]`;
    if (!isRecord(item)) {
      faults.push({
        path: prefix,
        code: 'wrong_type',
        message: 'give an object, like { name: web, command: [node, web.js] }',
      });
      continue;
    }
    const { name, ...raw } = item;
    const named = ServiceName.safeParse(name);
    const given = ServiceSchema.safeParse(raw);
    const within = (fault: Fault): Fault => ({ ...fault, path: join(prefix, fault.path) });
    if (!named.success) faults.push(...issuesToFaults(named.error, name, ['name']).map(within));
    if (!given.success) faults.push(...issuesToFaults(given.error, raw).map(within));
    if (!named.success || !given.success) continue;
    if (services.some(({ spec }) => spec.name === named.data)) {
      const message = `${named.data} is given twice: give each service its own name`;
      faults.push({ path: `${prefix}.name`, code: 'duplicate', message });
    }
    services.push({ spec: { name: named.data, ...given.data.spec }, raw });
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, services };
}

function join(prefix: string, path: string): string {
  if (path === '') return prefix;
  return path.startsWith('[') ? prefix + path : `${prefix}.${path}`;
}
