import { describe, expect, it } from 'vitest';
import { readYaml } from '../../../src/config/yaml/yaml.js';
import { MAX_GRAPH_BYTES } from '../../../src/model/graph.js';

/** As many of these as fit into a graph. */
function filled(part: (index: number) => string, bytes = MAX_GRAPH_BYTES): string {
  let text = '';
  for (let index = 0; ; index += 1) {
    const next = part(index);
    if (text.length + next.length > bytes) return text;
    text += next;
  }
}

function codesOf(text: string): string[] {
  const read = readYaml(text);
  return read.ok ? [] : read.faults.map(({ code }) => code);
}

function messagesOf(text: string): string[] {
  const read = readYaml(text, { file: 'g.yaml' });
  return read.ok ? [] : read.faults.map(({ message }) => message);
}

const LAUGHS = Array.from({ length: 30 }, (_, level) => {
  const parts = Array(10).fill(level === 0 ? 'x' : `*a${level - 1}`);
  return `a${level}: &a${level} [${parts.join(', ')}]\n`;
}).join('');
const MERGES = `x: &x {${filled((index) => `k${index}: 1,`, 20_000)}}\n${Array.from({ length: 1000 }, (_, index) => `m${index}: {<<: *x}\n`).join('')}`;

describe('a YAML text that is more than is read', () => {
  const cases: Record<string, readonly [string, string]> = {
    'opens lists only': ['[', 'too_deep'],
    'opens maps only': ['{', 'too_deep'],
    'opens both by turns': ['[{', 'too_deep'],
    'has lists in lists, as blocks': ['- ', 'too_deep'],
    'has keys that are maps': ['? ', 'too_deep'],
  };
  for (const [title, [part, code]] of Object.entries(cases)) {
    it(`${title}, at any length: ${code}`, () => {
      for (const bytes of [2_000, 10_000, 200_000]) {
        expect(codesOf(part.repeat(bytes / part.length))).toEqual([code]);
      }
    });
  }

  it('is indented by one more in each line: too_deep', () => {
    expect(codesOf(filled((index) => `${' '.repeat(index)}a:\n`))).toEqual(['too_deep']);
  });

  const large: Record<string, string> = {
    'has more bytes than a graph may have': 'a'.repeat(MAX_GRAPH_BYTES + 1),
    'has characters of several bytes': 'é'.repeat(MAX_GRAPH_BYTES / 2 + 1),
    'repeats one key': filled(() => 'a: 1\n'),
    'is a list of empty maps': `[${filled(() => '{},', 250_000)}]`,
    'is comments': filled(() => '#\n'),
    'is empty lines': filled(() => '\n'),
    'is mistakes': filled(() => '}\n'),
    'has an anchor and its alias in each line': filled((index) => `- &a${index} x\n- *a${index}\n`),
    'repeats one alias': `- &a x\n${filled(() => '- *a\n', 200_000)}`,
    'merges a large map a thousand times': MERGES,
  };
  for (const [title, text] of Object.entries(large)) {
    it(`${title}: too_large`, () => {
      expect(codesOf(text)).toEqual(['too_large']);
    });
  }

  it('doubles at each alias: refused before it is expanded', () => {
    expect(codesOf(LAUGHS)).toHaveLength(1);
  });

  it('says where it passes the bound, with the name of its file', () => {
    expect(messagesOf('['.repeat(100))).toEqual(['g.yaml:1:51: nested more than 50 levels deep']);
    expect(messagesOf(`${'a'.repeat(MAX_GRAPH_BYTES)}b`)).toEqual([
      `g.yaml: the text has ${MAX_GRAPH_BYTES + 1} bytes, expected at most ${MAX_GRAPH_BYTES}`,
    ]);
  });

  it('is read nevertheless where it was stored before', () => {
    const text = `a: "${'x'.repeat(MAX_GRAPH_BYTES)}"`;
    expect(readYaml(text, { isTrusted: true })).toMatchObject({ ok: true });
  });
});

describe('a YAML text within the bounds', () => {
  it('may have 50 levels, and brackets of any number in texts and comments', () => {
    expect(codesOf(`${'['.repeat(50)}${']'.repeat(50)}`)).toEqual([]);
    expect(codesOf('['.repeat(51))).toEqual(['too_deep']);
    expect(readYaml(`a: "${'['.repeat(1000)}" # ${'{'.repeat(1000)}\nb: |\n  ${'- '.repeat(1000)}`).ok).toBe(
      true,
    );
  });

  const one: Record<string, string> = {
    'one word': 'x'.repeat(MAX_GRAPH_BYTES - 3),
    'escapes in quotes': `"${'\\n'.repeat(120_000)}"`,
    'lines in quotes': `"${'x\n '.repeat(80_000)}"`,
    'a folded block': `>\n${'  x\n'.repeat(60_000)}`,
    spaces: ' '.repeat(MAX_GRAPH_BYTES - 3),
    digits: '1'.repeat(MAX_GRAPH_BYTES - 3),
  };
  for (const [title, value] of Object.entries(one)) {
    it(`may be one value of the largest size: ${title}`, () => {
      expect(readYaml(`a: ${value}`)).toMatchObject({ ok: true });
    });
  }

  it('names its mistakes, at most 50 of them', () => {
    expect(codesOf('}\n'.repeat(1000))).toEqual(Array(50).fill('bad_yaml'));
  });
});

describe('keys', () => {
  it('are there once in each map, whatever their form', () => {
    expect(messagesOf('a: 1\nb: 2\n"a": 3\n')).toEqual(['g.yaml:3:1: the key "a" is given twice']);
    expect(messagesOf('1: a\n"1": b\n')).toEqual(['g.yaml:2:1: the key "1" is given twice']);
    expect(messagesOf('a: {b: 1}\nc: {b: 1}\n')).toEqual([]);
  });
});

describe('merge keys', () => {
  const defaults = 'd: &d { a: 1, b: 2 }\n';
  const cases: Record<string, readonly [string, unknown]> = {
    'fill in what a map does not have': ['{ <<: *d, c: 3 }', { a: 1, b: 2, c: 3 }],
    'never replace what it has, whichever comes first': ['{ b: 3, <<: *d }', { b: 3, a: 1 }],
    'take several maps, the first before the others': ['{ <<: [*d, { b: 9, e: 5 }] }', { a: 1, b: 2, e: 5 }],
    'are an ordinary key in quotes': ['{ "<<": 1 }', { '<<': 1 }],
  };
  for (const [title, [map, value]] of Object.entries(cases)) {
    it(title, () => {
      expect(readYaml(`${defaults}m: ${map}\n`)).toMatchObject({ value: { m: value } });
    });
  }

  it('name a map: anything else is a mistake, and so is a second merge key', () => {
    expect(codesOf('m: { <<: 5 }')).toEqual(['bad_yaml']);
    expect(messagesOf(`${defaults}m: { <<: *d, <<: *d }`)).toEqual([
      'g.yaml:2:14: the key "<<" is given twice: merge several maps with <<: [*a, *b]',
    ]);
    expect(codesOf('m: { <<: *nothing }')).toEqual(['bad_yaml']);
  });
});
