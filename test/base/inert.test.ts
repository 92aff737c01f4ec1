import { describe, expect, it } from 'vitest';
import { inertJson, inertText } from '../../src/base/inert.js';

describe('inert text', () => {
  it.each([
    ['\u001b[2J', '\\x1b[2J'],
    ['\u001b]52;c;aGk=\u0007', '\\x1b]52;c;aGk=\\x07'],
    ['\u009b31m', '\\x9b31m'],
    ['a\u0008b\u007f', 'a\\x08b\\x7f'],
    ['over\rwritten', 'over\\x0dwritten'],
    ['\u0000', '\\x00'],
    ['exe.\u202egnp', 'exe.\\u202egnp'],
    ['\u2066\u2069\u061c', '\\u2066\\u2069\\u061c'],
    ['a\u200bb\ufeff\u00ad', 'a\\u200bb\\ufeff\\xad'],
    ['\u2028', '\\u2028'],
    ['\u{e0041}', '\\u{e0041}'],
    ['\ud800', '\\ud800'],
    ['\u3164', '\\u3164'],
  ])('shows %j as an escape', (text, shown) => {
    expect(inertText(text)).toBe(shown);
  });

  it.each(['two\nlines', 'a\tcell', 'Größe 日本語 עברית 😀 e\u0301', '\\x1b'])(
    'leaves %j as it is',
    (text) => {
      expect(inertText(text)).toBe(text);
    },
  );

  it('writes JSON without anything that a terminal acts on, and with the same meaning', () => {
    const value = { title: '\u001b[2J\u009b2J\u007f\u202e\ufeff\u2028 日本語 😀' };
    const json = inertJson(JSON.stringify(value));
    expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    expect(JSON.parse(json)).toEqual(value);
  });
});
