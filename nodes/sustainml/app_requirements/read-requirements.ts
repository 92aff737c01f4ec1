/** What the application needs from the model, read from the user's fields and words. */
import { encodeExtraData } from '../extra-data.js';
import type { AppRequirements, UserInput } from '../types.js';
import type { LatencyReading } from './latency.js';
import { latencyIn } from './latency.js';
import type { SamplesReading } from './samples.js';
import { samplesIn } from './samples.js';
import type { Reading } from './text.js';
import { MAX_FIELD_CHARACTERS, sentencesOf } from './text.js';
import type { Wish, WishReading } from './wishes.js';
import { wishesIn } from './wishes.js';

const WISHES: readonly Wish[] = ['privacy', 'on_device', 'explainability', 'real_time'];

/**
 * The requirements of a user input, in this order and each at most once: `max_latency_ms=<number>`, `min_samples=<int>`,
 * `max_samples=<int>`, `privacy`, `on_device`, `explainability`, `real_time`.
 *
 * - `max_latency_ms`: the strictest bound of the text, rounded to three decimals.
 * - `min_samples`, `max_samples`: the fields when they are over 0 (1 in both counts as not given), else the text; a plain number ("2,000 labelled images") is
 *   both, the largest one when there are several.
 * - The bare names: when at least one phrase asks for them that is not taken back ("real time is not required").
 *
 * `extra_data`: `requirements` (each with the field and the phrase it was read from), `also_read` (further phrases for the same, and
 * looser bounds), `taken_back` (negated phrases), `notes`. An input that asks for nothing gives an empty list.
 */
export function readRequirements(input: UserInput): AppRequirements {
  const sentences = sentencesOf(input);
  const requirements: Reading[] = [];
  const alsoRead: Reading[] = [];
  const takenBack: Reading[] = [];
  const notes: string[] = [];

  latency(sentences.flatMap(latencyIn), requirements, alsoRead);
  samples(input, sentences.flatMap(samplesIn), requirements, alsoRead, notes);
  wishes(sentences.flatMap(wishesIn), requirements, alsoRead, takenBack);
  const long = [input.problem_short_description, input.problem_definition, ...input.inputs, ...input.outputs];
  if (long.some((text) => text.length > MAX_FIELD_CHARACTERS)) {
    notes.push(`Only the first ${MAX_FIELD_CHARACTERS} characters of each field were read.`);
  }
  return {
    app_requirements: requirements.map((reading) => reading.requirement),
    extra_data: encodeExtraData({ requirements, also_read: alsoRead, taken_back: takenBack, notes }),
  };
}

function latency(readings: readonly LatencyReading[], requirements: Reading[], alsoRead: Reading[]): void {
  const strictest = readings.reduce<LatencyReading | undefined>(
    (least, reading) => (least === undefined || reading.ms < least.ms ? reading : least),
    undefined,
  );
  for (const reading of readings) {
    const { ms, ...from } = reading;
    (reading === strictest ? requirements : alsoRead).push({
      requirement: `max_latency_ms=${rounded(ms)}`,
      ...from,
    });
  }
}

/** Three decimals: a microsecond. What is shorter keeps three digits. */
function rounded(ms: number): number {
  return ms >= 0.01 ? Math.round(ms * 1000) / 1000 : Number(ms.toPrecision(3));
}

function samples(
  input: UserInput,
  readings: readonly SamplesReading[],
  requirements: Reading[],
  alsoRead: Reading[],
  notes: string[],
): void {
  // A form that nobody has touched sends 1 and 1.
  const isGiven = input.minimum_samples !== 1 || input.maximum_samples !== 1;
  const least = isGiven && input.minimum_samples > 0 ? input.minimum_samples : undefined;
  const most = isGiven && input.maximum_samples > 0 ? input.maximum_samples : undefined;
  const used = [
    bound('min_samples', 'minimum_samples', least, 'at_least', readings, requirements),
    bound('max_samples', 'maximum_samples', most, 'at_most', readings, requirements),
  ];
  for (const reading of readings) {
    if (used.includes(reading)) continue;
    const name = reading.bound === 'at_most' ? 'max_samples' : 'min_samples';
    alsoRead.push({ requirement: `${name}=${reading.count}`, field: reading.field, phrase: reading.phrase });
  }
  if (least !== undefined && most !== undefined && least > most) {
    notes.push(
      `minimum_samples (${least}) is larger than maximum_samples (${most}); both are passed on as given.`,
    );
  }
}

/** Pushes one of the two requirements and gives back the reading that it rests on, if it rests on one. */
function bound(
  name: 'min_samples' | 'max_samples',
  field: 'minimum_samples' | 'maximum_samples',
  given: number | undefined,
  wanted: 'at_least' | 'at_most',
  readings: readonly SamplesReading[],
  requirements: Reading[],
): SamplesReading | undefined {
  if (given !== undefined) {
    requirements.push({ requirement: `${name}=${given}`, field, phrase: String(given) });
    return undefined;
  }
  const explicit = largest(readings.filter((reading) => reading.bound === wanted));
  const chosen = explicit ?? largest(readings.filter((reading) => reading.bound === 'exactly'));
  if (chosen !== undefined) {
    requirements.push({ requirement: `${name}=${chosen.count}`, field: chosen.field, phrase: chosen.phrase });
  }
  return chosen;
}

function largest(readings: readonly SamplesReading[]): SamplesReading | undefined {
  return readings.reduce<SamplesReading | undefined>(
    (most, reading) => (most === undefined || reading.count > most.count ? reading : most),
    undefined,
  );
}

function wishes(
  readings: readonly WishReading[],
  requirements: Reading[],
  alsoRead: Reading[],
  takenBack: Reading[],
): void {
  for (const wish of WISHES) {
    const own = readings.filter((reading) => reading.wish === wish);
    const first = own.find((reading) => !reading.negated);
    for (const reading of own) {
      const list = reading.negated ? takenBack : reading === first ? requirements : alsoRead;
      list.push({ requirement: wish, field: reading.field, phrase: reading.phrase });
    }
  }
}
