import { describe, expect, it } from 'vitest';
import { fileAt, readBlueprint } from '../../../frontend-bridge/web/src/deployments/blueprint-form.js';
import { valuesOf } from '../../../frontend-bridge/web/src/deployments/blueprint-inputs.js';
import { joined } from '../../../frontend-bridge/web/src/deployments/chosen-files.js';
import { blueprintOf } from '../../../src/config/blueprint/blueprint-file.js';
import { readYaml } from '../../../src/config/yaml/yaml.js';
import { filesOfBlueprint } from '../../../src/model/blueprint.js';

const SHOP = `
blueprint: shop
inputs:
  model: { type: string, default: base, description: which one }
  port: { type: integer }
  debug: { type: boolean, default: false }
components:
  store:
    operations: { create: ./install.sh, start: { script: ./bin/start.sh, args: [a] } }
    files: [./lib.sh]
  web: { after: [store], operations: { start: ./site.yml } }
  detect: { service: { script: ./detect.sh, files: { conf: ./detect.conf } } }
`;

describe('the form of a blueprint', () => {
  it('asks for the files that the orchestrator finds in it, and for its inputs', () => {
    const form = readBlueprint(SHOP)!;
    const parsed = blueprintOf(readYaml(SHOP));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    expect([...form.files].sort()).toEqual([...filesOfBlueprint(parsed.blueprint).keys()].sort());
    expect(form).toMatchObject({
      name: 'shop',
      inputs: [
        { name: 'model', type: 'string', default: 'base', description: 'which one' },
        { name: 'port', type: 'integer', default: undefined },
        { name: 'debug', type: 'boolean', default: false },
      ],
    });
  });

  it('is made of a blueprint only', () => {
    expect(readBlueprint('- hosts: all')).toBeUndefined();
    expect(readBlueprint('name: a-graph\nmodules: {}')).toBeUndefined();
    expect(readBlueprint('a: [')).toBeUndefined();
    expect(readBlueprint('blueprint: empty')).toEqual({ name: 'empty', inputs: [], files: [] });
  });

  it('sends what was typed, each value of its type, and leaves to the orchestrator what is not', () => {
    const { inputs } = readBlueprint(SHOP)!;
    expect(valuesOf(inputs, {})).toEqual({});
    expect(valuesOf(inputs, { model: '7', port: '7', debug: 'true' })).toEqual({
      model: '7',
      port: 7,
      debug: true,
    });
    expect(valuesOf(inputs, { model: '', port: '', debug: 'perhaps' })).toEqual({
      model: '',
      debug: 'perhaps',
    });
  });
});

describe('the files of a blueprint', () => {
  const file = (path: string) => ({ path, file: new File([path], path) });

  it('are those beside it, or single files of their names', () => {
    const files = [file('shop/shop.yaml'), file('shop/bin/start.sh'), file('start.sh')];
    expect(fileAt(files, 'shop/shop.yaml', 'bin/start.sh')?.path).toBe('shop/bin/start.sh');
    expect(fileAt(files, 'shop/shop.yaml', 'start.sh')).toBeUndefined();
    expect(fileAt(files, 'shop.yaml', 'bin/start.sh')?.path).toBe('start.sh');
    expect(fileAt(files, 'shop.yaml', 'bin/stop.sh')).toBeUndefined();
  });

  it('are replaced by those of the same path that are chosen later', () => {
    const [old, other, now] = [file('a.sh'), file('b.sh'), file('a.sh')];
    expect(joined([old, other], [now])).toEqual([now, other]);
    expect(joined([old], [now])[0]).toBe(now);
  });
});
