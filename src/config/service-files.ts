/** Service files with the files beside them that their services name. */

import { readFile } from 'node:fs/promises';
import { decodeText } from '../base/decode-text.js';
import type { Fault } from '../base/errors.js';
import { filesOfGraph } from '../model/graph.js';
import { serviceGraph } from '../model/service.js';
import { type FileBeside, filesBeside } from './graph/graph-files.js';
import { type FiledService, parseServices } from './service-file.js';
import { withPlaces } from './yaml/places.js';

export interface ServiceWithFiles extends FiledService {
  readonly files: readonly FileBeside[];
}

export type ReadServices =
  | { readonly ok: true; readonly services: readonly ServiceWithFiles[] }
  /** With their lines. */
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Rejects where the file cannot be read. */
export async function readServices(file: string): Promise<ReadServices> {
  const yaml = decodeText(await readFile(file));
  const parsed = parseServices(yaml, file);
  if (!parsed.ok) return { ok: false, faults: withPlaces(parsed.faults, yaml) };
  const services: ServiceWithFiles[] = [];
  const faults: Fault[] = [];
  for (const [index, service] of parsed.services.entries()) {
    const { spec } = service;
    const beside = await filesBeside(file, filesOfGraph(serviceGraph(spec.name, spec)));
    if (beside.ok) services.push({ ...service, files: beside.files });
    else
      faults.push(
        ...beside.faults.map((fault) => ({
          ...fault,
          path: fault.path.replace(/^modules\.[^.]+\.run/, `services[${index}]`),
        })),
      );
  }
  return faults.length > 0 ? { ok: false, faults: withPlaces(faults, yaml) } : { ok: true, services };
}
