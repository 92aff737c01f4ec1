/** `tutti up --sustainml`: the facade for SustainML's front ends, with the graph and the catalogue that the package brings. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { createFacade } from '../../frontend-bridge/sustainml/facade.js';
import type { CatalogueModel } from '../../frontend-bridge/sustainml/models.js';
import { GRAPH } from '../../frontend-bridge/sustainml/words.js';
import { TuttiError } from '../base/errors.js';
import type { Answer, Coordinator, Request, Workspace } from '../orchestrator/port.js';
import type { TypeRegistry } from '../wire/types.js';

/** Beside the compiled code. */
const packaged = (path: string): string =>
  fileURLToPath(new URL(`../../nodes/sustainml/${path}`, import.meta.url));

export interface FacadeSettings {
  readonly port: number;
  readonly types: TypeRegistry;
  readonly logger: Logger;
  readonly token: string | undefined;
}

/** Throws `TuttiError` `port_in_use`, `cannot_listen`. */
export async function openFacade(
  coordinator: Coordinator & Pick<Workspace, 'queries'>,
  { port, types, logger, token }: FacadeSettings,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  if (token !== undefined)
    logger.warn(
      'programs on this machine can use the graph sustainml without the token, through the port of --sustainml',
    );
  const hub = process.env.HF_TOKEN || undefined;
  let catalogue: readonly CatalogueModel[] | undefined;
  const facade = createFacade({
    coordinator,
    port,
    logger,
    decode: (type, bytes) => {
      const decoded = types.decode(type, bytes);
      return decoded.ok ? decoded.shown : undefined;
    },
    models: {
      catalogue: () => {
        catalogue ??= readCatalogue();
        return catalogue;
      },
      ...(hub !== undefined && { hub: { token: hub, fetch } }),
    },
  });
  const { url } = await facade.start();
  return { url, stop: () => facade.stop() };
}

/**
 * Stores the package's graph. One that is stored already is left as it is: somebody may have changed it. Throws `TuttiError` `bad_graph`.
 */
export async function haveGraph(
  { queries }: Pick<Workspace, 'queries'>,
  request: (request: Request) => Promise<Answer>,
): Promise<void> {
  if (!('ok' in (await queries.graph(GRAPH)))) return;
  const yaml = await readFile(packaged('graph.yaml'), 'utf8');
  const answer = await request({ kind: 'put_graph', name: GRAPH, yaml });
  if (!answer.ok) throw new TuttiError('bad_graph', answer.message, { details: answer.details ?? [] });
}

function readCatalogue(): readonly CatalogueModel[] {
  return (JSON.parse(readFileSync(packaged('data/models.json'), 'utf8')) as { models: CatalogueModel[] })
    .models;
}
