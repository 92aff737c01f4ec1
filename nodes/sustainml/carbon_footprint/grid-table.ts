/**
 * The table of grid intensities, `data/grid_intensity.json`, and its index of names.
 *
 * Invariants:
 * 1. A key means one place only: the two codes and the name of a country come first, then names of regions, then aliases
 *    (other spellings and languages), then places within a country (states, provinces, capitals). The file is built so that no key is
 *    claimed twice; `indexTable` refuses one that is.
 * 2. Every row with a figure names its year and its source.
 */
import { readFileSync } from 'node:fs';

/** One figure: grams of CO2e for a kWh from the grid, averaged over `year`. */
export interface Figure {
  g_per_kwh: number;
  year: number;
  /** `github:<owner>/<repo>@<commit>:<path>`: the file that the figure was looked up in. */
  source: string;
}

interface CountryNames {
  name: string;
  /** ISO 3166-1 alpha-2 (`XK`, user-assigned, for Kosovo). */
  iso2: string;
  /** ISO 3166-1 alpha-3 (`XKX`, user-assigned, for Kosovo). */
  iso3: string;
  /** The continent by GeoNames. */
  continent: string;
  /** The row of `regions` that stands in where the country has no figure. */
  region: string;
  aliases: string[];
  /** States, provinces, the capital: their figure is the country's. */
  places: string[];
}

export interface CountryRow extends CountryNames, Figure {}

export interface RegionRow extends Figure {
  kind: 'continent' | 'group' | 'world';
  name: string;
  aliases: string[];
}

/** The file as it is. */
export interface GridTable {
  about: string;
  unit: string;
  /** The name of the row of `regions` that is used when nothing better is known. */
  default: string;
  /** What each source is and where it has its figures from. */
  sources: Record<string, string>;
  names_source: string;
  regions: RegionRow[];
  countries: CountryRow[];
  /** Countries that are known by name but have no figure in the sources. */
  without_figure: CountryNames[];
}

export type Place =
  | { kind: 'country'; row: CountryRow }
  | { kind: 'without_figure'; row: CountryNames }
  | { kind: 'region'; row: RegionRow };

/** How a text named a place. */
export type NamedBy = 'iso_code' | 'name' | 'alias' | 'place';

export interface NamedPlace {
  place: Place;
  by: NamedBy;
}

export interface GridIndex {
  readonly world: RegionRow;
  readonly byKey: ReadonlyMap<string, NamedPlace>;
  region(name: string): RegionRow;
}

/** Reads the table that comes with the module. */
export function readGridTable(): GridTable {
  return JSON.parse(
    readFileSync(new URL('../data/grid_intensity.json', import.meta.url), 'utf8'),
  ) as GridTable;
}

/**
 * The form in which names are compared: no case, no accents, no punctuation, `&` as "and", "St." as "saint", no leading "the".
 * "Côte d’Ivoire" and "cote d'ivoire" are the same, and so are "U.S.A." and "usa".
 */
export function placeKey(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/&/g, ' and ')
    .replace(/['’.]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .replace(/\bst\b/g, 'saint')
    .replace(/^the /, '');
}

/** @throws Error when a name is claimed twice or a region is missing: the file is wrong. */
export function indexTable(table: GridTable): GridIndex {
  const byKey = new Map<string, NamedPlace>();
  const add = (text: string, place: Place, by: NamedBy): void => {
    const key = placeKey(text);
    const owner = byKey.get(key);
    if (owner === undefined) byKey.set(key, { place, by });
    else if (owner.place !== place)
      throw new Error(`${text} names ${owner.place.row.name} and ${place.row.name}`);
  };
  const countries: Exclude<Place, { kind: 'region' }>[] = [
    ...table.countries.map((row) => ({ kind: 'country' as const, row })),
    ...table.without_figure.map((row) => ({ kind: 'without_figure' as const, row })),
  ];
  const regions: Place[] = table.regions.map((row) => ({ kind: 'region', row }));
  for (const country of countries) {
    add(country.row.name, country, 'name');
    add(country.row.iso2, country, 'iso_code');
    add(country.row.iso3, country, 'iso_code');
  }
  for (const region of regions) add(region.row.name, region, 'name');
  for (const place of [...regions, ...countries]) {
    for (const alias of place.row.aliases) add(alias, place, 'alias');
  }
  for (const country of countries) for (const place of country.row.places) add(place, country, 'place');

  const region = (name: string): RegionRow => {
    const row = table.regions.find((candidate) => candidate.name === name);
    if (row === undefined) throw new Error(`the table has no region ${name}`);
    return row;
  };
  for (const country of countries) region(country.row.region);
  return { world: region(table.default), byKey, region };
}
