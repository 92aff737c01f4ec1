import { describe, expect, it } from 'vitest';
import type { LogDestination } from '../../src/base/log-destination.js';
import type { LogFormat } from '../../src/config/options.js';
import { logStream } from '../../src/server/log-format.js';

async function written(format: LogFormat, isTTY: boolean, entry: object): Promise<string> {
  let text = '';
  const log = { write: (line: string) => (text += line) } as unknown as LogDestination;
  const stream = await logStream(format, log, { isTTY });
  stream.write(`${JSON.stringify(entry)}\n`);
  return text;
}

const ENTRY = { level: 40, time: 0, pid: 1, hostname: 'h', via: 'control', msg: 'refused' };

describe('the format of the log', () => {
  it('is JSON where nobody looks at a terminal, unless told otherwise', async () => {
    expect(await written('auto', false, ENTRY)).toBe(`${JSON.stringify(ENTRY)}\n`);
    expect(await written('json', true, ENTRY)).toBe(`${JSON.stringify(ENTRY)}\n`);
    expect(await written('pretty', false, ENTRY)).toMatch(/^\[.*\] WARN: refused \{"via":"control"\}\n$/);
    expect(await written('auto', true, ENTRY)).toContain('refused');
    expect(await written('auto', true, ENTRY)).not.toMatch(/^\{/);
  });

  it('lets nothing that others wrote act on the terminal', async () => {
    const entry = { ...ENTRY, 'k\u001b[2J': 'v\u001b]0;x\u0007', msg: 'a\u001b[2Jb\u202ec' };
    const text = await written('pretty', false, entry);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    expect(text).not.toMatch(/[\u001b\u0007\u202e]/);
    expect(text).toContain('a\\x1b[2Jb\\u202ec');
  });
});
