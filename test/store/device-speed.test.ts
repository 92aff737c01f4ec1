/** Which way a write of the log goes: on the loop's own thread only where the device has shown that it is quick. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceSpeed } from '../../src/store/log/device-speed.js';

let speed: DeviceSpeed;
beforeEach(() => {
  speed = new DeviceSpeed();
});

function note(ms: number, times: number): void {
  for (let i = 0; i < times; i += 1) speed.note(ms);
}

describe('a device', () => {
  it('counts as slow until a few writes were quick', () => {
    expect(speed.isSlow).toBe(true);
    note(0.1, 3);
    expect(speed.isSlow).toBe(true);
    note(0.1, 1);
    expect(speed.isSlow).toBe(false);
  });

  it('stays slow where its writes are', () => {
    note(20, 100);
    expect(speed.isSlow).toBe(true);
  });

  it('is slow again after one write that would have held up heartbeats, and quick again soon', () => {
    note(0.1, 40);
    speed.note(101);
    expect(speed.isSlow).toBe(true);
    note(0.1, 8);
    expect(speed.isSlow).toBe(false);
  });

  it('does not become slow by a few that took long', () => {
    note(0.1, 40);
    note(50, 8);
    expect(speed.isSlow).toBe(false);
    note(50, 24);
    expect(speed.isSlow).toBe(true);
  });
});
