import { describe, expect, it } from 'vitest';
import { READ_CPU_MS, READ_WALL_MS, whatIsLeft } from '../../../src/config/yaml/time.js';

describe('a text that is being read', () => {
  it('is first looked at when it could have taken too long', () => {
    expect(whatIsLeft({ cpuMs: 0, wallMs: 0 })).toBe(READ_CPU_MS);
  });

  it('goes on on a machine that has no time for it, and is looked at when it could have used its own', () => {
    expect(whatIsLeft({ cpuMs: 400, wallMs: 20_000 })).toBe(READ_CPU_MS - 400);
    expect(whatIsLeft({ cpuMs: READ_CPU_MS - 1, wallMs: 20_000 })).toBe(100);
  });

  it('may always take as long by the clock as it may take of a processor, whatever the rest of the process uses', () => {
    expect(whatIsLeft({ cpuMs: 3 * READ_CPU_MS, wallMs: 2_000 })).toBe(READ_CPU_MS - 2_000);
  });

  it('is given up when it has used its time of a processor, or far more by the clock', () => {
    expect(whatIsLeft({ cpuMs: READ_CPU_MS, wallMs: READ_CPU_MS })).toBe(0);
    expect(whatIsLeft({ cpuMs: 400, wallMs: READ_WALL_MS - 50 })).toBe(50);
    expect(whatIsLeft({ cpuMs: 400, wallMs: READ_WALL_MS })).toBe(0);
  });
});
