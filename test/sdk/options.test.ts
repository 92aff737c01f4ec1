import { describe, expect, it } from 'vitest';
import { TuttiError } from '../../src/base/errors.js';
import type { LogLine } from '../../src/model/protocol.js';
import { asDialled } from '../../src/sdk/addresses.js';
import { inFrames, messageSize, outputSize } from '../../src/sdk/frames.js';
import { readOptions } from '../../src/sdk/options.js';
import { encodeOutputs, encodeToOrchestrator } from '../../src/wire/codec.js';

describe('options of a node', () => {
  it('have defaults that run on one machine', () => {
    expect(readOptions('ml_model', {}, {})).toMatchObject({
      ...{ module: 'ml_model', capacity: 1, labels: {}, version: '', token: '', outputType: '' },
      ...{ controls: ['tcp://127.0.0.1:7400'], exitOnTerminate: true },
    });
  });

  it('come from the environment where the code does not say', () => {
    const env = {
      TUTTI_CONTROL: 'tcp://[::1]:9000,tcp://b:7400',
      TUTTI_INSTANCE: 'left',
      TUTTI_TOKEN: 'secret',
      TUTTI_MODULE: 'ml_model',
    };
    expect(readOptions('', {}, env)).toMatchObject({
      ...{ module: 'ml_model', instance: 'left', token: 'secret' },
      controls: ['tcp://[::1]:9000', 'tcp://b:7400'],
    });
    const given = { instance: 'right', token: 'mine' };
    expect(readOptions('hw_resources', { ...given, control: 'tcp://host:1' }, env)).toMatchObject({
      ...{ module: 'hw_resources', controls: ['tcp://host:1'], ...given },
    });
  });

  it('give the instance a name of its own where nobody does: containers share their host’s name and their pid', () => {
    const named = [1, 2].map(() => readOptions('ml_model', {}, {}).instance);
    for (const name of named) expect(name).toMatch(new RegExp(`^ml_model@.+:${process.pid}-[0-9a-f]{6}$`));
    expect(named[0]).not.toBe(named[1]);
  });

  it('are refused all at once, each with its name, its value and what would be right', () => {
    try {
      readOptions('ML model', { capacity: 0, control: 'tcp://a:1,localhost', instance: '', flushMs: -1 }, {});
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(TuttiError);
      const { code, details } = error as TuttiError;
      expect(code).toBe('bad_option');
      expect(details.map(({ path }) => path)).toEqual([
        'module',
        'capacity',
        'instance',
        'control',
        'flushMs',
      ]);
      expect(details[1]?.message).toBe('capacity: 0 is not a whole number from 1 on');
    }
  });
});

describe('a host of *', () => {
  it.each([
    ['tcp://*:7401', 'tcp://10.0.0.2:7400', 'tcp://10.0.0.2:7401'],
    ['http://*:7480/v1/blobs', 'tcp://tutti.example:7400', 'http://tutti.example:7480/v1/blobs'],
    ['http://*/v1/blobs', 'tcp://[::1]:7400', 'http://[::1]/v1/blobs'],
    ['tcp://10.0.0.9:7401', 'tcp://10.0.0.2:7400', 'tcp://10.0.0.9:7401'],
  ])('%s as dialled by %s is %s', (address, control, dialled) => {
    expect(asDialled(address, control)).toBe(dialled);
  });
});

describe('frames', () => {
  it('stay below the limit, in order, and a larger item goes alone', () => {
    expect(inFrames([3, 3, 3, 20, 1], (size) => size, 7)).toEqual([[3, 3], [3], [20], [1]]);
    expect(inFrames([1, 2], (size) => size, Number.POSITIVE_INFINITY)).toEqual([[1, 2]]);
    const many = Array.from({ length: 2500 }, () => 1);
    expect(inFrames(many, () => 1, 1e6).map(({ length }) => length)).toEqual([1000, 1000, 500]);
    expect(inFrames([], () => 1, 7)).toEqual([]);
  });

  it('are never larger than their estimate', () => {
    const log: LogLine = {
      ...{ kind: 'log', executionId: 'e'.repeat(36), lease: 'l'.repeat(24), at: Date.now(), level: 'error' },
      message: '漢'.repeat(8_000),
      fields: { 'field ß': '😀'.repeat(500), b: '' },
    };
    const frame = encodeToOrchestrator({
      protocolVersion: 1,
      nodeId: 'n'.repeat(36),
      incarnation: 9,
      messages: [log],
    });
    expect(frame.byteLength).toBeLessThanOrEqual(messageSize(log));
    const output = {
      ...{
        executionId: 'e'.repeat(36),
        lease: 'l'.repeat(24),
        seq: 2 ** 40,
        last: true,
        type: 't'.repeat(200),
      },
      payload: { kind: 'inline', bytes: new Uint8Array(70_000) },
    } as const;
    expect(encodeOutputs({ protocolVersion: 1, outputs: [output] }).byteLength).toBeLessThanOrEqual(
      outputSize(output),
    );
  });
});
