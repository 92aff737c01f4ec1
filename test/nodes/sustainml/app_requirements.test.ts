import { describe, expect, it } from 'vitest';
import { readRequirements } from '../../../nodes/sustainml/app_requirements/read-requirements.js';
import type { UserInput } from '../../../nodes/sustainml/types.js';
import { STATEMENTS, userInput } from './problem-statements.js';
import { extra } from './samples.js';

const read = (said: Partial<UserInput>) => readRequirements(userInput(said));
const requirementsOf = (text: string) => read({ problem_definition: text }).app_requirements;
const latencyOf = (text: string) =>
  requirementsOf(text)
    .filter((requirement) => requirement.startsWith('max_latency_ms='))
    .map((requirement) => Number(requirement.slice('max_latency_ms='.length)))[0];

describe('max_latency_ms', () => {
  it.each<[string, number]>([
    ['The answer must come in under 50 ms.', 50],
    ['under 50ms', 50],
    ['It has less than 33.3 milliseconds per frame.', 33.3],
    ['Latency: 20 ms', 20],
    ['We need a latency of at most 1,500 ms.', 1500],
    ['a response time below 2 seconds', 2000],
    ['The truck has to react within 200 ms.', 200],
    ['Results should be available within two seconds.', 2000],
    ['It should answer in half a second', 500],
    ['The decision may take at most 0.5 s.', 500],
    ['10 ms per image', 10],
    ['a 20 ms latency', 20],
    ['The time for one part must not exceed 80 ms', 80],
    ['Inference should be <= 5 ms', 5],
    ['inference < 800 µs', 0.8],
    ['sub-100 ms', 100],
    ['We want sub-second answers', 1000],
    ['Every document has to be processed in under a minute.', 60_000],
    ['A decision every 250 ms', 250],
    ['It has to run at 30 frames per second', 33.333],
    ['60 FPS', 16.667],
    ['We cannot wait longer than 300 ms for an answer.', 300],
    ['One image every 40 ms comes from the camera.', 40],
    ['one part every two seconds', 2000],
    ['Must respond in real-time (<100ms).', 100],
    ['p99 latency must be below 150ms', 150],
    ['25 frames/s', 40],
    ['It inspects 600 parts per minute', 100],
    ['1,200 bottles a minute pass the camera', 50],
    ['8 images per second', 125],
    ['The control loop runs at 100 Hz.', 10],
  ])('reads "%s" as %d', (text, ms) => {
    expect(latencyOf(text)).toBe(ms);
  });

  it.each([
    'Clips are shorter than 10 seconds.',
    'Each recording lasts under 5 seconds.',
    'We have ten second windows of 50 ms frames.',
    'The accelerometer is sampled at 100 Hz.',
    'Vibration sensors deliver a signal of 100 Hz.',
    'Predict if the machine fails within 30 minutes.',
    'Audio at 16 kHz',
    'A reading every 10 seconds',
    'It does not have to answer in under 50 ms.',
    'Videos were recorded at 25 fps.',
    'The company was founded in 1950.',
    'We get 500 e-mails a day.',
    '128 samples per second',
  ])('reads no latency in "%s"', (text) => {
    expect(latencyOf(text)).toBeUndefined();
  });

  it('takes the strictest bound and shows the others', () => {
    const said = read({
      problem_definition: 'Answer within 2 seconds. At the line 20 frames per second are needed.',
    });
    expect(said.app_requirements).toEqual(['max_latency_ms=50']);
    expect(extra(said)).toMatchObject({
      requirements: [
        { requirement: 'max_latency_ms=50', field: 'problem_definition', phrase: '20 frames per second' },
      ],
      also_read: [{ requirement: 'max_latency_ms=2000', phrase: 'within 2 seconds' }],
    });
  });
});

describe('bare requirements', () => {
  it.each<[string, string]>([
    ['real_time', 'It has to work in real time.'],
    ['real_time', 'Near-real-time alerts'],
    ['real_time', 'for live subtitles'],
    ['on_device', 'The model runs on the device.'],
    ['on_device', 'on-device inference'],
    ['on_device', 'It must work offline.'],
    ['on_device', 'no cloud'],
    ['on_device', 'without an internet connection'],
    ['on_device', 'There is no mobile coverage in the valley.'],
    ['on_device', 'It runs on a Raspberry Pi.'],
    ['on_device', 'an edge device beside the line'],
    ['on_device', 'It should run locally on the phone.'],
    ['on_device', 'Images are never sent to the cloud.'],
    ['on_device', 'The video must not leave the tablet.'],
    ['on_device', 'Voices stay on the phone.'],
    ['privacy', 'The pictures are private.'],
    ['on_device', 'Cloud processing is not allowed.'],
    ['privacy', 'GDPR applies.'],
    ['privacy', "We can't upload pictures to third parties."],
    ['privacy', 'All processing stays in-house.'],
    ['explainability', 'Feature importance is asked for.'],
    ['privacy', 'Data must not leave the hospital.'],
    ['privacy', 'The data never leaves our servers.'],
    ['privacy', 'Recordings have to stay on the device.'],
    ['privacy', 'The mails hold personal data.'],
    ['privacy', 'It has to be hosted on-premises.'],
    ['explainability', 'We have to explain each refusal.'],
    ['explainability', 'an interpretable model'],
    ['explainability', 'Agents should see why a ticket was sent to them.'],
    ['explainability', 'It must not be a black box.'],
    ['explainability', 'the reasons for each decision'],
  ])('reads %s in "%s"', (requirement, text) => {
    expect(requirementsOf(text)).toContain(requirement);
  });

  it.each<[string, string]>([
    ['real_time', 'Real time is not required.'],
    ['real_time', 'It does not need to run in real time.'],
    ['on_device', 'It need not run offline: no need for on-device inference.'],
    ['on_device', 'An offline analysis of last year.'],
    ['on_device', 'Photos taken with a phone'],
    ['on_device', 'Cloud is fine.'],
    ['explainability', 'A black box is fine.'],
    ['privacy', 'Private households send us photos of roofs.'],
    ['privacy', 'We are a private company.'],
    ['privacy', 'Privacy is not a concern.'],
    ['privacy', 'Predict which employees will not stay.'],
    ['privacy', 'There is no personal data in it.'],
    ['explainability', 'There is no need to explain the result.'],
    ['explainability', 'Transparent plastic bottles'],
    ['explainability', 'The reason for the call is one of ten.'],
  ])('reads no %s in "%s"', (requirement, text) => {
    expect(requirementsOf(text)).not.toContain(requirement);
  });

  it('shows what the text takes back', () => {
    const said = read({ problem_definition: 'A forecast once a day is enough, real time is not required.' });
    expect(said.app_requirements).toEqual([]);
    expect(extra(said).taken_back).toEqual([
      { requirement: 'real_time', field: 'problem_definition', phrase: 'real time' },
    ]);
  });
});

describe('samples', () => {
  it.each<[string, string[]]>([
    ['We have 2,000 labelled images.', ['min_samples=2000', 'max_samples=2000']],
    ['at least 300 examples', ['min_samples=300']],
    ['We have around 12k annotated X-ray images.', ['min_samples=12000', 'max_samples=12000']],
    ['We can provide up to 10,000 rows.', ['max_samples=10000']],
    ['There are between 500 and 800 annotated images.', ['min_samples=500', 'max_samples=800']],
    ['We have 500-800 photos', ['min_samples=500', 'max_samples=800']],
    ['We collected 10k photos.', ['min_samples=10000', 'max_samples=10000']],
    ['1.5 million transactions are available', ['min_samples=1500000', 'max_samples=1500000']],
    ['We have 2,000 labelled images and 300 images of defects.', ['min_samples=2000', 'max_samples=2000']],
    ['a data set of 40\u00a0000 chest x-rays', ['min_samples=40000', 'max_samples=40000']],
    ['a data set of 40 000 chest x-rays', ['min_samples=40000', 'max_samples=40000']],
  ])('reads "%s" as %j', (text, requirements) => {
    expect(requirementsOf(text)).toEqual(requirements);
  });

  it.each([
    'We have 500 images a day.',
    'We have 500 pictures an hour to handle.',
    'There are 100 classes of images.',
    'We have 10 second recordings and 16 kHz recordings.',
    'The camera has 640x480 images.',
    'We have 4K images.',
    'It looks at 200 images.',
  ])('reads no number of samples in "%s"', (text) => {
    expect(requirementsOf(text).filter((requirement) => requirement.includes('samples'))).toEqual([]);
  });

  it('lets the fields go before the text', () => {
    const said = read({
      minimum_samples: 100,
      maximum_samples: 900,
      problem_definition: 'We have 2,000 labelled images.',
    });
    expect(said.app_requirements).toEqual(['min_samples=100', 'max_samples=900']);
    expect(extra(said)).toMatchObject({
      requirements: [{ field: 'minimum_samples', phrase: '100' }, { field: 'maximum_samples' }],
      also_read: [{ requirement: 'min_samples=2000', phrase: '2,000 labelled images' }],
    });
  });

  it('passes contradicting fields on and says so', () => {
    const said = read({ minimum_samples: 900, maximum_samples: 100 });
    expect(said.app_requirements).toEqual(['min_samples=900', 'max_samples=100']);
    expect(extra(said).notes[0]).toContain('larger than');
  });
});

describe('a whole input', () => {
  it('gives each requirement once, in the documented order, with its phrase', () => {
    const said = read({
      problem_short_description: 'Real-time checks, explained',
      problem_definition:
        'On the device, in real time, private, under 10 ms. We have 50 labelled photos. Explain why.',
      inputs: ['photo at 5 fps'],
    });
    expect(said.app_requirements).toEqual([
      'max_latency_ms=10',
      'min_samples=50',
      'max_samples=50',
      'privacy',
      'on_device',
      'explainability',
      'real_time',
    ]);
    for (const { phrase, field } of extra(said).requirements)
      expect([phrase, field].every(Boolean)).toBe(true);
  });

  it('finds every phrase in the field it names', () => {
    for (const { short, text } of STATEMENTS) {
      const input = userInput({ problem_short_description: short, problem_definition: text });
      for (const { phrase, field } of extra(readRequirements(input)).requirements) {
        expect(field === 'problem_definition' ? text : short).toContain(phrase);
      }
    }
  });

  it('asks for nothing when the input is empty or in another script', () => {
    expect(read({}).app_requirements).toEqual([]);
    expect(requirementsOf('我们需要检测钢板上的裂纹 🙂')).toEqual([]);
  });

  it.each([
    'a',
    ' ',
    '1',
    '1,000',
    'no ',
    'in 5 ',
    'data ',
    'under 50 ms per image ',
    'runs on the 9 images; ',
    'between 1 and 2 ',
  ])('reads a huge text of "%s" in bounded time and says that it stopped', (piece) => {
    const start = performance.now();
    const said = read({ problem_definition: piece.repeat(Math.ceil(1_000_000 / piece.length)) });
    expect(performance.now() - start).toBeLessThan(5000);
    expect(extra(said).notes[0]).toContain('first 50000 characters');
  });
});
