import { describe, expect, it } from 'vitest';
import { extensionOf, kindOfBytes } from '../../src/model/content-kind.js';
import { isBytes, isTextual, mediaTypeOf } from '../../src/model/media-type.js';

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the kind of bytes', () => {
  it.each<readonly [string, Uint8Array, string]>([
    ['image/png', latin1('\x89PNG\r\n\x1a\n....'), 'png'],
    ['image/jpeg', latin1('\xff\xd8\xff\xe0'), 'jpg'],
    ['image/webp', latin1('RIFF....WEBPVP8 '), 'webp'],
    ['image/svg+xml', utf8('<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="x"/>'), 'svg'],
    ['application/x-npy', latin1('\x93NUMPY\x01\0'), 'npy'],
    ['application/pdf', utf8('%PDF-1.7'), 'pdf'],
    ['application/zip', latin1('PK\x03\x04'), 'zip'],
    ['application/vnd.apache.parquet', utf8('PAR1....'), 'parquet'],
    ['text/html', utf8('  <!DOCTYPE html><p>'), 'html'],
    ['application/json', utf8('{"a": 1}'), 'json'],
    ['application/x-ndjson', utf8('{"a": 1}\n{"a": 2}\n'), 'jsonl'],
    ['text/markdown', utf8('# Title\n\nText with, commas.'), 'md'],
    ['text/csv', utf8('a,b\n1,"x,y"\n2,3\n'), 'csv'],
    ['text/tab-separated-values', utf8('a\tb\n1\t2\n'), 'tsv'],
    ['text/plain', utf8('Grüße, and a line\nand another'), 'txt'],
    ['text/plain', utf8('ä'.repeat(5000)), 'txt'],
    ['application/octet-stream', Uint8Array.from([0, 1, 2, 255]), 'bin'],
    ['application/octet-stream', latin1('text\xff\xfe'), 'bin'],
    ['application/octet-stream', new Uint8Array(), 'bin'],
  ])('is %s as the first of them tell', (kind, bytes, ending) => {
    expect(kindOfBytes(bytes)).toBe(kind);
    expect(extensionOf(kind)).toBe(ending);
  });

  it('bytes of an unknown kind have a file ending all the same', () => {
    expect(extensionOf('text/x-unheard-of')).toBe('txt');
    expect(extensionOf('application/x-unheard-of')).toBe('bin');
  });
});

describe('a type of bytes', () => {
  it('may name a media type, and nothing else', () => {
    expect(mediaTypeOf('bytes:image/svg+xml')).toBe('image/svg+xml');
    expect(mediaTypeOf('bytes')).toBeUndefined();
    expect(['bytes', 'bytes:text/csv'].every(isBytes)).toBe(true);
    for (const type of ['bytes:', 'bytes:png', 'bytes:Image/PNG', 'bytes:a/b; q=1', 'byte:a/b', 'json'])
      expect(isBytes(type)).toBe(false);
  });

  it('is a text where its media type is one', () => {
    expect(['text/csv', 'application/json', 'image/svg+xml', 'application/ld+json'].every(isTextual)).toBe(
      true,
    );
    expect(['image/png', 'application/x-npy', 'application/jsonx'].some(isTextual)).toBe(false);
  });
});
