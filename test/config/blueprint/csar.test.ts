/** Archives of strangers: what is in them is looked at as a whole before anything is unpacked. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openCsar } from '../../../src/config/blueprint/csar.js';
import { type ZipEntry, zipOf } from '../../support/zip.js';

const META = 'TOSCA-Metadata/TOSCA.meta';
const meta = (...lines: string[]): ZipEntry => ({
  name: META,
  content: ['TOSCA-Meta-File-Version: 1.1', ...lines].join('\n'),
});
const YAML = { name: 'service.yaml', content: 'a: 1' };
const MIB = 1024 * 1024;
/** Nothing makes it smaller. */
const NOISE = createHash('shake256', { outputLength: 700_000 }).digest();

async function faultsOf(...entries: ZipEntry[]): Promise<string[]> {
  const opened = await openCsar(zipOf(entries));
  return opened.ok ? [] : opened.faults.map(({ path, code }) => `${path} ${code}`);
}

async function mainFileOf(...entries: ZipEntry[]): Promise<string | undefined> {
  const opened = await openCsar(zipOf(entries));
  return opened.ok ? opened.mainFile : undefined;
}

describe('the template of an archive', () => {
  it('is the one that the metadata names, however its lines are written', async () => {
    const template = { name: 'Definitions/main.yaml', content: 'a: 1' };
    const lines = ['CSAR-Version: 1.1', 'Created-By: me', 'Entry-Definitions: Definitions/main.yaml'];
    expect(await mainFileOf(meta(...lines), template, YAML)).toBe(template.name);
    const wrapped = [
      'CSAR-Version:1.0\r',
      'Entry-Definitions: "Definitions/\r',
      ' main.yaml"\r',
      '\r',
      'Name: x',
    ];
    expect(await mainFileOf(meta(...wrapped), template)).toBe(template.name);
  });

  it('is the only YAML file at the root if there is no metadata', async () => {
    const below = { name: 'lib/types.yaml', content: '' };
    expect(await mainFileOf({ name: 'lib/' }, below, YAML)).toBe('service.yaml');
    expect(await faultsOf(below)).toEqual([' bad_csar']);
    expect(await faultsOf(YAML, { name: 'other.yml' })).toEqual([' bad_csar']);
  });

  it('has to be there, in metadata of a version that is known', async () => {
    const named = 'Entry-Definitions: service.yaml';
    expect(await faultsOf(meta(named), YAML)).toEqual([`${META} unsupported`]);
    expect(await faultsOf(meta('CSAR-Version: 2.0', named), YAML)).toEqual([`${META} unsupported`]);
    expect(await faultsOf(meta('CSAR-Version: 1.1'), YAML)).toEqual([`${META} missing_field`]);
    expect(await faultsOf(meta('CSAR-Version: 1.1', 'Entry-Definitions: ../x.yaml'), YAML)).toEqual([
      `${META} missing_file`,
    ]);
    const other = 'Other-Definitions: more.yaml';
    expect(await faultsOf(meta('CSAR-Version: 1.1', named, other), YAML)).toEqual([`${META} unsupported`]);
  });
});

describe('an archive is refused, with the path of each entry,', () => {
  const cases: readonly (readonly [string, readonly ZipEntry[], readonly string[]])[] = [
    [
      'that leads out of it',
      ['../x', '/etc/passwd', 'a/../../x', 'a\\b', 'C:\\x', `a${'/b'.repeat(200)}`].map((name) => ({ name })),
      [
        ...['../x bad_path', '/etc/passwd bad_path', 'a/../../x bad_path', 'a\\b bad_path', 'C:\\x bad_path'],
        `a${'/b'.repeat(200)} bad_path`,
      ],
    ],
    [
      'that is a symbolic link, a device or a folder with content',
      [
        { name: 'link', content: '/etc/passwd', mode: 0o120777 },
        { name: 'device', mode: 0o060644 },
        { name: 'folder', mode: 0o040755 },
        { name: 'file/', mode: 0o100644 },
      ],
      ['link bad_entry', 'device bad_entry', 'folder bad_entry', 'file bad_entry'],
    ],
    ['that is encrypted', [{ name: 'secret', flags: 1 }], ['secret encrypted']],
    [
      'that is there twice, in other words or as a folder as well',
      [{ name: 'a' }, { name: './a' }, { name: 'b/c' }, { name: 'b' }, { name: 'd' }, { name: 'd/e' }],
      ['a duplicate', 'b duplicate', 'd duplicate'],
    ],
    [
      'that grows too much when it is unpacked',
      [{ name: 'zeros', content: new Uint8Array(8 * MIB) }],
      ['zeros too_large'],
    ],
    [
      'that comes to too much together with those before it',
      ['f0', 'f1', 'f2'].map((name) => ({ name, content: NOISE, declaredSize: 100 * MIB })),
      ['f1 too_large'],
    ],
  ];
  it.each(cases)('%s', async (_, entries, expected) => {
    const opened = await openCsar(zipOf([...entries, YAML]));
    const faults = opened.ok ? [] : opened.faults.map(({ path, code }) => `${path} ${code}`);
    expect(faults.filter((fault) => expected.includes(fault))).toEqual(expected);
  });
});

describe('an archive', () => {
  it('is refused if it has too many entries, is too large, or is not an archive', async () => {
    const many = Array.from({ length: 5001 }, (_, index) => ({ name: `f${index}` }));
    expect(await faultsOf(...many)).toEqual([' too_large']);
    expect(await faultsOf(...many.slice(0, 200).map(({ name }) => ({ name: `../${name}` })))).toHaveLength(
      100,
    );
    const codeOf = async (bytes: Uint8Array): Promise<string | undefined> => {
      const opened = await openCsar(bytes);
      return opened.ok ? undefined : opened.faults[0]?.code;
    };
    expect(await codeOf(new Uint8Array(32 * MIB + 1))).toBe('too_large');
    expect(await codeOf(Buffer.from('PK\x03\x04 not at all'))).toBe('bad_csar');
    expect(await codeOf(zipOf([YAML]).subarray(0, -3))).toBe('bad_csar');
  });

  it('gives its files, and of a folder all those below it', async () => {
    const opened = await openCsar(
      zipOf([YAML, { name: 'app/' }, { name: 'app/a.txt', content: 'A' }, { name: 'app/b/c' }]),
    );
    if (!opened.ok) throw new Error('not opened');
    const { beside } = opened;
    expect(await beside.list('app')).toEqual(['app/a.txt', 'app/b/c']);
    expect(await beside.list('app/a.txt')).toEqual(['app/a.txt']);
    expect(await beside.list('ap')).toEqual(['ap']);
    expect(await beside.read('app/a.txt')).toEqual({ ok: true, bytes: Buffer.from('A') });
    expect(await beside.read('app')).toMatchObject({ ok: false, code: 'missing_file' });
  });

  it('never gives more bytes of an entry than its table says, nor other ones', async () => {
    const opened = await openCsar(
      zipOf([YAML, { name: 'more', content: 'x'.repeat(1000), declaredSize: 10 }]),
    );
    if (!opened.ok) throw new Error('not opened');
    expect(await opened.beside.read('more')).toMatchObject({ ok: false, code: 'bad_entry' });
  });

  it('is read or refused, and nothing else, whatever bytes of it are changed', async () => {
    const whole = zipOf([
      meta('CSAR-Version: 1.1', 'Entry-Definitions: service.yaml'),
      YAML,
      { name: 'a/b' },
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        async (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          const opened = await openCsar(bytes);
          const read = opened.ok ? await opened.beside.read(opened.mainFile) : undefined;
          if (!opened.ok) expect(opened.faults.length).toBeGreaterThan(0);
          else expect(read).toMatchObject(read?.ok ? { ok: true } : { code: 'bad_entry' });
        },
      ),
    );
  });
});
