/** A blueprint as it is given, and what reading it comes to. */
import type { Fault } from '../base/errors.js';
import type { Blueprint } from './blueprint.js';

/** Of the archive, in bytes: it is read into memory. */
export const MAX_CSAR_BYTES: number = 32 * 1024 * 1024;

/** The content of a file, or why there is none. */
export type Content =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The files beside a blueprint, by their paths from the folder that holds all of them. */
export interface Beside {
  read(path: string): Promise<Content>;
  /** The files at a path: the path itself, or, for a folder, those below it. */
  list(path: string): Promise<readonly string[]>;
}

export interface BlueprintSource {
  /** YAML, of our own or a TOSCA template; or a CSAR, which brings its files with it. */
  readonly content:
    | { readonly kind: 'yaml'; readonly yaml: string; readonly beside: Beside }
    | { readonly kind: 'csar'; readonly bytes: Uint8Array };
  /** Those of the deployment. @default only the defaults are known */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** The cluster of a name, or the one that is reached at an address. @default no cluster is looked for */
  readonly clusterAt?: (host: string) => string | undefined;
}

export type ReadBlueprint =
  | {
      readonly ok: true;
      readonly blueprint: Blueprint;
      /** Those of the deployment, with the defaults; none if the source has none. */
      readonly inputs: Readonly<Record<string, unknown>>;
      /** By path, where it is named: the files that are needed beside it. */
      readonly files: ReadonlyMap<string, string>;
      readonly beside: Beside;
    }
  /** `of`: what has the faults. Inputs are looked at once the blueprint has none. */
  | { readonly ok: false; readonly of: 'blueprint' | 'inputs'; readonly faults: readonly Fault[] };
