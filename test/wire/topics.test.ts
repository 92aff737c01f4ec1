import { describe, expect, it } from 'vitest';
import {
  nodeTopic,
  OUTPUTS_PREFIX,
  outputTopic,
  parseOutputTopic,
  taskTopic,
} from '../../src/wire/topics.js';

describe('topics', () => {
  it('name the module of an output, and give it back', () => {
    expect(outputTopic('ml_model')).toBe('output/ml_model/');
    expect(outputTopic('ml_model').startsWith(OUTPUTS_PREFIX)).toBe(true);
    expect(parseOutputTopic('output/ml_model/')).toBe('ml_model');
  });

  it.each(['', 'output/', 'output//', 'output/m', 'output/m/x', 'output/m//', 'event/m/', 'xoutput/m/'])(
    'topics of another form, such as %j, name no module',
    (topic) => {
      expect(parseOutputTopic(topic)).toBeUndefined();
    },
  );

  it('name the node or the task of an event', () => {
    expect(nodeTopic('n1')).toBe('node/n1/');
    expect(taskTopic({ problemId: 'p', iterationId: 2 })).toBe('task/p/2/');
  });
});
