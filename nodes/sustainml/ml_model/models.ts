/** The model catalogue, `data/models.json`: real public models and the document that each figure comes from. */
import { readFileSync } from 'node:fs';
import type { ModelFigures } from '../estimate/roofline.js';

/** A published figure of quality. Models of one goal and modality share metric and data set, so that they can be compared. */
export interface Quality {
  metric: string;
  value: number;
  dataset: string;
  better: 'higher' | 'lower';
  note?: string;
}

/** Where figures were looked up: a file of a repository at a commit, or a public page. */
export type Source = { figures: string; row?: string; note?: string } & (
  | { repository: string; file: string; commit: string }
  | { url: string; title?: string }
);

export interface CatalogueModel extends ModelFigures {
  name: string;
  goal: string;
  /** What it takes: "image", "audio", "text", "tabular", "time series", "video". */
  modalities: string[];
  /** What one inference is. */
  inference: string;
  /** How the figure came about: `published: …` or `derived: …`; so with the other `…_from`. */
  parameters_from: string;
  macs_from: string;
  activation_from: string;
  parameters_read_from?: string;
  /** One item a dimension. */
  input: string[];
  /** Length of the signal that one inference takes, for inputs that have one. */
  input_seconds?: number;
  quality: Quality;
  /** A public address. */
  model_path: string;
  sources: Source[];
}

/** Reads the catalogue that lies beside this module. Once, at start. */
export function readModels(): CatalogueModel[] {
  const json = JSON.parse(readFileSync(new URL('../data/models.json', import.meta.url), 'utf8')) as {
    models: CatalogueModel[];
  };
  return json.models;
}

/** A public address of the document. */
export function sourceAddress(source: Source): string {
  return 'url' in source
    ? source.url
    : `https://github.com/${source.repository}/blob/${source.commit}/${source.file}`;
}

/** Best first: negative when `a` is better. */
export function compareQuality(a: Quality, b: Quality): number {
  return a.better === 'higher' ? b.value - a.value : a.value - b.value;
}
