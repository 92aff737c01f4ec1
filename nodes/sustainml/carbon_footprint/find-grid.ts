/**
 * From what the user wrote about the place to one row of the table of grid intensities.
 *
 * Order, first hit wins:
 * 1. the whole region text is a country's ISO code, name, alias, or a place within a country;
 * 2. one of its parts ("Bilbao, Spain": the last part that names a country) is, or holds such a name ("the north of Spain");
 * 3. the region text names a region of the table ("Scandinavia", "EU");
 * 4. the continent text, by the same rules;
 * 5. the table's default, the world.
 * A country without a figure stands for its region. Whatever was not used as it was written is said in `notes`: a fallback is
 * never silent.
 */
import type { CountryRow, Figure, GridIndex, NamedBy, NamedPlace, Place, RegionRow } from './grid-table.js';
import { placeKey } from './grid-table.js';

/** How the row was found. `within`: the name stands inside a longer text. `region_of_country`: the country has no figure. */
export type MatchedBy = NamedBy | 'within' | 'region_of_country' | 'continent' | 'default';

export interface FoundGrid extends Figure {
  name: string;
  kind: 'country' | 'continent' | 'group' | 'world';
  iso2?: string;
  iso3?: string;
  matched_by: MatchedBy;
  /** The part of the user's text that named the row; empty for the default. */
  matched_text: string;
  /** What was not taken as it was written, and why. */
  notes: string[];
}

/** Longer texts are not names of places; the rest is ignored. */
const MAX_PLACE_CHARACTERS = 500;
/** The longest names of the table have seven words. */
const MAX_NAME_WORDS = 8;
/** "Oman" has four letters; anything shorter inside a text is more likely a common word. */
const MIN_NAME_WITHIN = 4;
/** Two-letter codes that are also US postal codes: "San Francisco, CA" is not in Canada. */
const US_POSTAL_CODES = new Set(
  (
    'al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa ' +
    'ri sc sd tn tx ut vt va wa wv wi wy dc pr'
  ).split(' '),
);

/** In the continent's field two letters are a continent's (GeoNames), not a country's: NA is not Namibia there. */
const CONTINENT_CODES: Readonly<Record<string, string>> = {
  af: 'Africa',
  as: 'Asia',
  eu: 'Europe',
  na: 'North America',
  oc: 'Oceania',
  sa: 'South America',
};

interface Hit {
  place: Place;
  by: NamedBy | 'within';
  text: string;
}

/** Finds the row for a region and a continent as the user wrote them; either may be empty. */
export function findGrid(index: GridIndex, region: string, givenContinent: string): FoundGrid {
  const notes: string[] = [];
  const continent = CONTINENT_CODES[placeKey(givenContinent)] ?? givenContinent;
  const fromRegion = hitIn(index, region, continent, notes);
  if (fromRegion !== undefined) {
    noteOtherContinent(index, fromRegion.place, continent, notes);
    return found(index, fromRegion, fromRegion.by, notes);
  }
  notes.push(
    region.trim() === '' ? 'No region was given.' : `The region "${cut(region)}" is not in the table.`,
  );
  const fromContinent = hitIn(index, continent, '', notes);
  if (fromContinent !== undefined) {
    notes.push(`The row of ${fromContinent.place.row.name} is used, from the continent given.`);
    return found(index, fromContinent, 'continent', notes);
  }
  notes.push(
    continent.trim() === ''
      ? 'No continent was given.'
      : `The continent "${cut(continent)}" is not in the table.`,
    `The default, ${index.world.name}, is used.`,
  );
  return { ...figure(index.world), kind: 'world', matched_by: 'default', matched_text: '', notes };
}

function found(index: GridIndex, hit: Hit, by: MatchedBy, notes: string[]): FoundGrid {
  const { place } = hit;
  switch (place.kind) {
    case 'country': {
      const { iso2, iso3 } = place.row;
      if (by === 'place') notes.push(`The figure is that of the whole of ${place.row.name}.`);
      return {
        ...figure(place.row),
        kind: 'country',
        iso2,
        iso3,
        matched_by: by,
        matched_text: hit.text,
        notes,
      };
    }
    case 'region':
      return { ...figure(place.row), kind: place.row.kind, matched_by: by, matched_text: hit.text, notes };
    case 'without_figure': {
      const row = index.region(place.row.region);
      notes.push(`The sources have no figure for ${place.row.name}; the row of ${row.name} is used.`);
      return {
        ...figure(row),
        kind: row.kind,
        matched_by: 'region_of_country',
        matched_text: hit.text,
        notes,
      };
    }
    default:
      return place satisfies never;
  }
}

function figure(row: CountryRow | RegionRow): Figure & { name: string } {
  return { name: row.name, g_per_kwh: row.g_per_kwh, year: row.year, source: row.source };
}

/** Rules 1 to 3 for one text; `continent` only decides whether a two-letter code within a list is a country's. */
function hitIn(index: GridIndex, text: string, continent: string, notes: string[]): Hit | undefined {
  const given = text.slice(0, MAX_PLACE_CHARACTERS);
  const whole = index.byKey.get(placeKey(given));
  if (whole !== undefined) return { ...whole, text: given.trim() };

  const parts = given.split(/[,;|()\n]|\s[-–—]\s/).filter((part) => placeKey(part) !== '');
  const hits = parts.flatMap((part): Hit[] => {
    const exact = index.byKey.get(placeKey(part));
    if (exact !== undefined && (parts.length === 1 || !isPostalCode(part, exact, continent))) {
      return [{ ...exact, text: part.trim() }];
    }
    const within = namesWithin(index, part);
    const countries = distinct(within.filter((hit) => hit.place.kind !== 'region'));
    if (countries.length > 1) {
      notes.push(
        `"${cut(part)}" names more than one country: ${countries.map((hit) => hit.place.row.name).join(', ')}.`,
      );
      return [];
    }
    return countries.length === 1 ? countries : distinct(within).slice(0, 1);
  });

  const countries = distinct(hits.filter((hit) => hit.place.kind !== 'region'));
  const last = countries.at(-1);
  if (last === undefined) return hits.at(-1);
  for (const other of countries.slice(0, -1)) {
    notes.push(
      `"${other.text}" is also ${other.place.row.name}; the last part, "${last.text}", is taken as the country.`,
    );
  }
  return last;
}

function isPostalCode(part: string, hit: NamedPlace, continent: string): boolean {
  if (hit.by !== 'iso_code' || !US_POSTAL_CODES.has(placeKey(part)) || hit.place.kind === 'region')
    return false;
  const said = placeKey(continent);
  const { continent: own } = hit.place.row;
  return own === 'North America' || said !== placeKey(own);
}

/** Names of the table inside a text, longest first at each word, none overlapping. Codes do not count. */
function namesWithin(index: GridIndex, text: string): Hit[] {
  const words = placeKey(text).split(' ');
  const hits: Hit[] = [];
  for (let start = 0; start < words.length; ) {
    let taken = 1;
    for (let length = Math.min(MAX_NAME_WORDS, words.length - start); length > 0; length--) {
      const key = words.slice(start, start + length).join(' ');
      const named = index.byKey.get(key);
      if (named === undefined || named.by === 'iso_code' || key.length < MIN_NAME_WITHIN) continue;
      hits.push({ place: named.place, by: 'within', text: key });
      taken = length;
      break;
    }
    start += taken;
  }
  return hits;
}

/** The last hit of each place, in order. */
function distinct(hits: readonly Hit[]): Hit[] {
  return hits.filter((hit, at) => !hits.slice(at + 1).some((later) => later.place === hit.place));
}

function noteOtherContinent(index: GridIndex, place: Place, continent: string, notes: string[]): void {
  if (place.kind === 'region') return;
  const said = index.byKey.get(placeKey(continent))?.place;
  if (said?.kind !== 'region' || said.row.kind !== 'continent') return;
  if (said.row.name === place.row.continent || said.row.name === place.row.region) return;
  notes.push(`${place.row.name} is not in ${said.row.name}, the continent given; the country decides.`);
}

function cut(text: string): string {
  const one = text.trim().replace(/\s+/g, ' ');
  return one.length > 60 ? `${one.slice(0, 60)}…` : one;
}
