import { describe, expect, it } from 'vitest';
import { Printed, runPrinting } from '../../src/sdk/printed.js';

function printed(): { told: unknown[]; to: Printed } {
  const told: unknown[] = [];
  return { told, to: new Printed((level, message, { stream }) => told.push([level, stream, message])) };
}

describe('what a handler prints', () => {
  it.each([
    ['lines', ['a\nb\n'], ['a', 'b']],
    ['a line in pieces, and one that is not complete', ['a', 'b\n', 'c'], ['ab', 'c']],
    ['bytes that are cut within a character', [Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a])], ['é']],
    ['blank lines, colours and CRLF', ['\n  \n\x1b[31mred\x1b[0m\r\n'], ['red']],
    ['a progress bar', ['1%\r', '2%\r', '3%', '\n'], ['3%']],
    ['what is neither text nor bytes', [7, null, undefined], []],
  ])('is told by complete lines: %s', (_what, chunks, lines) => {
    const { told, to } = printed();
    for (const chunk of chunks) to.write('stdout', chunk);
    to.end();
    expect(told).toEqual(lines.map((line) => ['info', 'stdout', line]));
  });

  it('is bounded: long lines are cut, and lines beyond the log are counted', () => {
    const { told, to } = printed();
    to.write('stderr', `${'x'.repeat(1 << 20)}\n`);
    expect(told).toEqual([['warn', 'stderr', 'x'.repeat(8_193)]]);
    to.write('stdout', 'y\n'.repeat(100_001));
    to.end();
    to.write('stdout', 'late\n');
    expect(told).toHaveLength(100_001);
    expect(told.at(-1)).toEqual([
      'warn',
      undefined,
      "2 lines of output were left out: the execution's log is full",
    ]);
  });

  it('goes to the execution that has started the code, once, and what is printed meanwhile by the log itself to nobody', async () => {
    const { told, to: first } = printed();
    const { told: others, to: second } = printed();
    const noisy: unknown[] = [];
    const third = new Printed((_level, message) => {
      noisy.push(message);
      process.stderr.write('about the log\n');
    });
    await Promise.all([
      runPrinting(first, async () => {
        await null;
        process.stdout.write('one\n');
      }),
      runPrinting(second, async () => process.stderr.write('two\n')),
      runPrinting(third, () => process.stdout.write('three\n')),
    ]);
    process.stdout.write('of no execution\n');
    expect(told).toEqual([['info', 'stdout', 'one']]);
    expect(others).toEqual([['warn', 'stderr', 'two']]);
    expect(noisy).toEqual(['three']);
  });
});
