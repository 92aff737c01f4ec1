import { describe, expect, it } from 'vitest';
import {
  carbonKg,
  energyKwh,
  estimateFootprint,
} from '../../../nodes/sustainml/carbon_footprint/estimate-footprint.js';
import { findGrid } from '../../../nodes/sustainml/carbon_footprint/find-grid.js';
import { indexTable, readGridTable } from '../../../nodes/sustainml/carbon_footprint/grid-table.js';
import type { HWResource, MLModel, UserInput } from '../../../nodes/sustainml/types.js';
import { userInput } from './problem-statements.js';
import { bytes, extra } from './samples.js';

const table = readGridTable();
const grids = indexTable(table);
const find = (region: string, continent = '') => findGrid(grids, region, continent);

function estimate(said: Partial<UserInput> = {}, hardware: Partial<HWResource> = {}) {
  const ml_model: MLModel = {
    model_path: '',
    model: 'mobilenet',
    raw_model: new Uint8Array(),
    model_properties_path: '',
    model_properties: '{}',
    input_batch: [],
    target_latency: 0,
    extra_data: new Uint8Array(),
  };
  const hw_resources: HWResource = {
    hw_description: 'a device',
    power_consumption: 10,
    latency: 36,
    memory_footprint_of_ml_model: 1,
    max_hw_memory_footprint: 100,
    extra_data: new Uint8Array(),
    ...hardware,
  };
  return estimateFootprint({ user_input: userInput(said), ml_model, hw_resources }, grids);
}

describe('the formulas, by hand', () => {
  it('10 W for 36 ms, a million times, is 0.1 kWh', () => {
    expect(energyKwh(10, 36, 1_000_000)).toBeCloseTo(0.1, 12);
  });

  it('one kWh is 1000 W for an hour', () => {
    expect(energyKwh(1000, 3_600_000, 1)).toBe(1);
  });

  it('0.1 kWh at 146.15 g/kWh is 14.615 g', () => {
    expect(carbonKg(0.1, 146.15)).toBeCloseTo(0.014615, 12);
  });

  it('go together for Spain', () => {
    const footprint = estimate({ geo_location_region: 'Spain' });
    expect(footprint.energy_consumption).toBeCloseTo(0.1, 12);
    expect(footprint.carbon_intensity).toBe(146.15);
    expect(footprint.carbon_footprint).toBeCloseTo(0.014615, 12);
    expect(extra(footprint)).toMatchObject({
      inferences: { value: 1_000_000, from: 'default' },
      power_w: 10,
      latency_ms: 36,
      model: 'mobilenet',
      hardware: 'a device',
      grid: { name: 'Spain', iso3: 'ESP', year: 2024, matched_by: 'name', notes: [] },
    });
    expect(extra(footprint).grid.source).toMatch(
      /^github:thegreenwebfoundation\/co2\.js@[0-9a-f]{40}:data\//,
    );
  });

  it('is for the inferences that the user names', () => {
    const footprint = estimate({ geo_location_region: 'Spain', extra_data: bytes({ inferences: 500 }) });
    expect(footprint.energy_consumption).toBeCloseTo(0.00005, 15);
    expect(extra(footprint).inferences).toEqual({ value: 500, from: 'user' });
  });

  it('compares with the footprint asked for, per million inferences', () => {
    const said = { geo_location_region: 'Spain', extra_data: bytes({ inferences: 500 }) };
    expect(extra(estimate({ ...said, desired_carbon_footprint: 0.02 })).desired).toMatchObject({ met: true });
    const missed = extra(estimate({ ...said, desired_carbon_footprint: 0.01 })).desired;
    expect(missed).toMatchObject({ kg_per_million: 0.01, met: false });
    expect(missed.reached_kg_per_million).toBeCloseTo(0.014615, 12);
    expect(extra(estimate(said)).desired).toBeUndefined();
  });

  it.each([
    ['power_consumption', 0],
    ['power_consumption', Number.NaN],
    ['latency', -1],
    ['latency', Number.POSITIVE_INFINITY],
  ])('refuses %s %d: no footprint comes from it', (field, value) => {
    expect(() => estimate({}, { [field]: value })).toThrow(
      expect.objectContaining({ code: 'no_hardware_figures', message: expect.stringContaining(field) }),
    );
  });

  it('refuses bad extra_data, naming the field', () => {
    expect(() => estimate({ extra_data: bytes({ inferences: 'many' }) })).toThrow(
      expect.objectContaining({ code: 'bad_extra_data', message: expect.stringContaining('inferences') }),
    );
  });
});

describe('finding the grid', () => {
  it.each([
    ['Spain', 'ESP', 'name'],
    ['  sPAIN ', 'ESP', 'name'],
    ['ES', 'ESP', 'iso_code'],
    ['esp', 'ESP', 'iso_code'],
    ['España', 'ESP', 'alias'],
    ['Catalonia', 'ESP', 'place'],
    ['USA', 'USA', 'iso_code'],
    ['U.S.A.', 'USA', 'iso_code'],
    ['US', 'USA', 'iso_code'],
    ['United States of America', 'USA', 'alias'],
    ['the United States', 'USA', 'name'],
    ['California', 'USA', 'place'],
    ['UK', 'GBR', 'alias'],
    ['Great Britain', 'GBR', 'alias'],
    ['England', 'GBR', 'place'],
    ['Northern Ireland', 'GBR', 'place'],
    ['Türkiye', 'TUR', 'name'],
    ['Turkey', 'TUR', 'alias'],
    ["Cote d'Ivoire", 'CIV', 'name'],
    ['Côte d’Ivoire', 'CIV', 'name'],
    ['Ivory Coast', 'CIV', 'alias'],
    ['日本', 'JPN', 'alias'],
    ['Россия', 'RUS', 'alias'],
    ['South Korea', 'KOR', 'name'],
    ['Republic of Korea', 'KOR', 'alias'],
    ['Czech Republic', 'CZE', 'alias'],
    ['Holland', 'NLD', 'alias'],
    ['Congo', 'COG', 'alias'],
    ['DR Congo', 'COD', 'alias'],
    ['St. Lucia', 'LCA', 'name'],
    ['Trinidad & Tobago', 'TTO', 'name'],
    ['Kosovo', 'XKX', 'name'],
    ['Namibia', 'NAM', 'name'],
    ['Bilbao, Spain', 'ESP', 'name'],
    ['Zaragoza (Spain)', 'ESP', 'name'],
    ['Bilbao, ES', 'ESP', 'iso_code'],
    ['Atlanta, Georgia, USA', 'USA', 'iso_code'],
    ['Northern Spain', 'ESP', 'within'],
    ['a factory in the north of Spain', 'ESP', 'within'],
    ['Papua New Guinea', 'PNG', 'name'],
    ['New Mexico', 'USA', 'place'],
    ['New Jersey', 'USA', 'place'],
    ['Inner Mongolia', 'CHN', 'place'],
  ])('takes "%s" for %s by %s', (region, iso3, by) => {
    const grid = find(region);
    expect([grid.iso3, grid.matched_by]).toEqual([iso3, by]);
  });

  it('says that the figure of a place is that of its country', () => {
    expect(find('Catalonia').notes).toEqual(['The figure is that of the whole of Spain.']);
  });

  it('finds regions of the table by name and alias', () => {
    expect(find('EU')).toMatchObject({ name: 'European Union', kind: 'group' });
    expect(find('South America')).toMatchObject({ name: 'Latin America and Caribbean', matched_by: 'alias' });
    expect(find('Worldwide')).toMatchObject({ name: 'World', matched_by: 'alias' });
  });

  it('falls back to the continent, and says so', () => {
    const grid = find('Ruritania', 'Europe');
    expect(grid).toMatchObject({
      name: 'Europe',
      kind: 'continent',
      matched_by: 'continent',
      matched_text: 'Europe',
    });
    expect(grid.notes.join(' ')).toMatch(/"Ruritania" is not in the table.*Europe is used/);
  });

  it('falls back to the world, and says so', () => {
    const grid = find('Ruritania', 'Atlantis');
    expect(grid).toMatchObject({ name: 'World', kind: 'world', matched_by: 'default', matched_text: '' });
    expect(grid.notes.join(' ')).toMatch(/"Ruritania".*"Atlantis".*default, World/);
  });

  it('names the default when nothing was given', () => {
    const grid = find('', '');
    expect(grid).toMatchObject({ name: 'World', matched_by: 'default' });
    expect(grid.notes).toEqual([
      'No region was given.',
      'No continent was given.',
      'The default, World, is used.',
    ]);
  });

  it('uses the continent alone when there is no region', () => {
    expect(find('', 'asia')).toMatchObject({ name: 'Asia', matched_by: 'continent' });
    expect(find('', 'NA')).toMatchObject({ name: 'North America', matched_by: 'continent' });
    expect(find('', 'South America')).toMatchObject({
      name: 'Latin America and Caribbean',
      matched_by: 'continent',
    });
  });

  it('lets a country without a figure stand for its region, and says so', () => {
    const grid = find('Andorra', 'Europe');
    expect(grid).toMatchObject({ name: 'Europe', matched_by: 'region_of_country', matched_text: 'Andorra' });
    expect(grid.notes).toEqual(['The sources have no figure for Andorra; the row of Europe is used.']);
    expect(find('Antarctica')).toMatchObject({ name: 'World', matched_by: 'region_of_country' });
  });

  it('says when the continent given is another one', () => {
    expect(find('Spain', 'Asia').notes[0]).toContain('Spain is not in Asia');
    expect(find('Spain', 'Europe').notes).toEqual([]);
    expect(find('Mexico', 'North America').notes).toEqual([]);
  });

  it('does not choose between two countries', () => {
    const grid = find('Spain and France', 'Europe');
    expect(grid).toMatchObject({ name: 'Europe', matched_by: 'continent' });
    expect(grid.notes[0]).toContain('more than one country: Spain, France');
  });

  it('takes the last of a list for the country, and says so', () => {
    const grid = find('Georgia, USA');
    expect(grid.iso3).toBe('USA');
    expect(grid.notes[0]).toContain('also Georgia');
  });

  it('does not take a US postal code for a country', () => {
    expect(find('Fresno, CA', 'North America')).toMatchObject({
      name: 'North America',
      matched_by: 'continent',
    });
    expect(find('Augsburg, DE', 'Europe')).toMatchObject({ iso3: 'DEU', matched_by: 'iso_code' });
  });

  it('reads any text in bounded time', () => {
    const start = performance.now();
    for (const piece of ['Spain ', ', ', 'ñ', '(', 'x y ', '🙂'])
      find(piece.repeat(200_000), piece.repeat(200_000));
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

describe('the table', () => {
  const rows = [...table.countries, ...table.regions];

  it('has every country of the sources, regions and a default', () => {
    expect(table.countries.length).toBeGreaterThanOrEqual(200);
    expect(table.regions.length).toBeGreaterThanOrEqual(10);
    expect(grids.world.kind).toBe('world');
  });

  it.each(rows.map((row) => [row.name, row] as const))(
    '%s has source, year and a plausible figure',
    (_, row) => {
      expect(row.source).toMatch(/^github:[\w.-]+\/[\w.-]+@[0-9a-f]{40}:[\w./-]+$/);
      expect(table.sources[row.source]).toBeTruthy();
      expect(row.year).toBeGreaterThanOrEqual(2009);
      expect(row.year).toBeLessThanOrEqual(2024);
      expect(row.g_per_kwh).toBeGreaterThan(0);
      // Gas that heats as well as it makes power takes Turkmenistan over 1300; nothing is above that.
      expect(row.g_per_kwh).toBeLessThan(1400);
    },
  );

  it('has one row for each pair of ISO codes, all of them found by code and by name', () => {
    const countries = [...table.countries, ...table.without_figure];
    expect(new Set(countries.map(({ iso2 }) => iso2)).size).toBe(countries.length);
    expect(new Set(countries.map(({ iso3 }) => iso3)).size).toBe(countries.length);
    for (const row of table.countries) {
      expect(row.iso2).toMatch(/^[A-Z]{2}$/);
      expect(row.iso3).toMatch(/^[A-Z]{3}$/);
      for (const text of [row.iso2, row.iso3, row.name, row.name.toUpperCase(), ...row.aliases]) {
        expect(find(text), text).toMatchObject({ iso3: row.iso3, g_per_kwh: row.g_per_kwh });
      }
      for (const place of row.places) expect(find(place).iso3, place).toBe(row.iso3);
    }
  });

  it('has the figures of the source for a few countries, looked up by hand', () => {
    const figures = Object.fromEntries(
      table.countries.map(({ iso3, g_per_kwh, year }) => [iso3, [g_per_kwh, year]]),
    );
    expect(figures).toMatchObject({
      ESP: [146.15, 2024],
      FRA: [44.18, 2024],
      DEU: [342.06, 2024],
      POL: [614.98, 2024],
      USA: [383.55, 2024],
      GBR: [215.79, 2024],
      CHN: [557.5, 2024],
      IND: [708.96, 2024],
      NOR: [30.75, 2024],
      GIB: [600, 2022],
    });
    expect(grids.world.g_per_kwh).toBe(472.94);
  });
});
