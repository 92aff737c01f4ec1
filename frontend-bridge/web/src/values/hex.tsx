import type { ReactNode } from 'react';

const ROW_BYTES = 16;
const ROWS = 16;

/** The first bytes of anything, in hexadecimal and as letters. */
export function Hex({ bytes }: { bytes: Uint8Array }): ReactNode {
  const rows = Math.min(ROWS, Math.ceil(bytes.length / ROW_BYTES));
  const lines = Array.from({ length: rows }, (_, at) =>
    hexLine(bytes.subarray(at * ROW_BYTES, (at + 1) * ROW_BYTES), at * ROW_BYTES),
  );
  const rest = bytes.length - rows * ROW_BYTES;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard.
    <section className="raw" tabIndex={0} aria-label="The first bytes">
      <pre>{lines.join('\n')}</pre>
      {rest > 0 && <p className="value-note">and {rest.toLocaleString('en-US')} more bytes</p>}
    </section>
  );
}

export function hexLine(bytes: Uint8Array, at: number): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const letters = Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
  ).join('');
  return `${at.toString(16).padStart(6, '0')}  ${digits.padEnd(ROW_BYTES * 3 - 1)}  ${letters}`;
}
