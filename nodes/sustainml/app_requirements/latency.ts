/**
 * Latency bounds read from text, in milliseconds for one inference.
 *
 * - A time with a bound ("under 50 ms", "within two seconds", "latency: 20 ms", "10 ms per image", "sub-second").
 * - A rate that has to be kept up ("30 frames per second", "600 parts per minute"): 1000 / rate per second.
 * Lengths of the data ("clips of less than 10 seconds"), sampling rates ("sampled at 100 Hz") and horizons ("fails within 30 minutes")
 * are none.
 */
import type { Sentence } from './text.js';
import { NUMBER, NUMBER_OR_WORD, numberOf } from './text.js';

export interface LatencyReading {
  ms: number;
  field: string;
  phrase: string;
  note?: string;
}

const UNIT = String.raw`(?:ms|msecs?|milli-?seconds?|[µμu]s|micro-?seconds?|s|secs?|seconds?|mins?|minutes?)\b`;
const BOUND = String.raw`(?:under|below|less than|within|inside|at most|at maximum|no more than|not more than|(?:no|not) longer than|up to|max(?:imum|\.)?(?: of)?|faster than|quicker than|(?:not|never|cannot|can't) (?:to )?(?:exceed|(?:take|wait|last|need|be) (?:longer|more|slower) than)|<=?|≤|in)`;
const ABOUT = '(?:(?:about|around|roughly|some|approximately|~) ?)?';
const ITEM = `(?:image|picture|photo|frame|item|part|piece|inference|request|prediction|query|document|decision|message|utterance|word|token|transaction|product|bottle|sentence|call)`;
const RATE_ITEM = `(?:frames|images|pictures|photos|parts|pieces|items|products|bottles|cans|packages|parcels|inferences|predictions|classifications|requests|queries|decisions|transactions|documents|messages|objects|units|vehicles|cars|fruits?|apples|potatoes|tomatoes|tablets|pills|vials|sheets|labels|components|boards|letters|boxes|bags|eggs|tiles|times)`;
const SUBJECT = `(?:latency|response times?|inference times?|processing times?|reaction times?|cycle times?|takt times?|time budget|delay|lag|deadline)`;

const TIMED = [
  { pattern: `(?<![\\w-])${BOUND} ?${ABOUT}(?<number>${NUMBER_OR_WORD}) ?(?<unit>${UNIT})`, kind: 'bound' },
  {
    pattern: `\\b${SUBJECT}\\b[^.;\\d]{0,40}?(?<number>${NUMBER_OR_WORD}) ?(?<unit>${UNIT})`,
    kind: 'subject',
  },
  {
    pattern: `(?<![\\d.,-])(?<number>${NUMBER}) ?(?<unit>${UNIT}) (?:of )?(?:${SUBJECT}|(?:per|for each|for every|an?|each) ${ITEM}\\b|or (?:less|faster|better)|at most|max(?:imum)?\\b|tops)`,
    kind: 'subject',
  },
  {
    pattern: `\\b(?:an?|one|each|every|new) ${ITEM} every (?<number>${NUMBER_OR_WORD}) ?(?<unit>${UNIT})`,
    kind: 'subject',
  },
  { pattern: `\\bsub-?(?<number>${NUMBER}) ?-?(?<unit>${UNIT})`, kind: 'subject' },
  {
    pattern: `\\b(?:decisions?|verdicts?|predictions?|inferences?|answers?|results?|estimates?|classifications?) [^.;\\d]{0,30}?\\bevery (?<number>${NUMBER}) ?(?<unit>${UNIT})`,
    kind: 'subject',
  },
].map(({ pattern, kind }) => ({ pattern: new RegExp(pattern, 'gi'), kind }));

const SUB_SECOND = /\bsub-?second\b|\b(?:a )?(?:small )?fraction of a second\b/gi;
const SINGLE_DIGIT = /\bsingle-digit milliseconds?\b/gi;
const RATES = [
  `(?<![\\w.,-])(?<number>${NUMBER}) ?(?:fps|frames? ?(?:per|a|/|each|every) ?(?:s|sec|second))\\b`,
  `(?<![\\w.,-])(?<number>${NUMBER}) (?:[a-z-]+ )?${RATE_ITEM} ?(?:per|a|an|/|each|every) ?(?<per>s|sec|second|min|minute)\\b`,
].map((pattern) => new RegExp(pattern, 'gi'));
const HERTZ = new RegExp(`(?<![\\w.,-])(?<number>${NUMBER}) ?hz\\b`, 'gi');

/** What a bound in seconds or minutes has to stand with, before it in the same sentence, to be about the answer. */
const ANSWER =
  /\b(?:latency|respon\w*|answer\w*|repl(?:y|ies)|deci(?:de|sion)\w*|results?|inference|process\w*|react\w*|alarms?|alerts?|warn\w*|trigger\w*|returns?|takes?|runs?|running|deliver\w*|predictions?|verdicts?|transcri\w*|translat\w*|delay\w*|wait\w*|available|finish\w*|classif\w*|label\w*|scores?|times?|captions?|subtitles?|suggest\w*|appears?|shown?|notif\w*|detect\w*|stop\w*|reject\w*|done|ready|works?|recogni[sz]\w*|flag\w*)\b/i;
/** Words right before or after that make it the length of the data or a horizon. */
const DATA_BEFORE =
  /\b(?:clips?|recordings?|audio|videos?|windows?|segments?|snippets?|utterances?|songs?|lasts?|lasting|length|long|duration|shorter|every|fails?|failure|break\w*|churn\w*|default\w*|occurs?|happens?|next|ahead|horizon|sampled|measured)(?: (?:of|is|are|that|than|for|in))* ?$/i;
const DATA_AFTER =
  /^[ -](?:long|clips?|windows?|recordings?|segments?|snippets?|utterances?|of (?:audio|speech|video|data|recording|sound)|ahead|before|in advance|intervals?)\b/i;
const WAIVED = /\b(?:(?:does|do)(?: not|n't) (?:have|need) to|no need|need not|needn't)\b[^,;]{0,30}$/i;
const RECORDED = /\b(?:record\w*|film\w*|shot|captur\w*|sampl\w*|digiti[sz]ed)\b[^,;]{0,25}$/i;
const RUNS =
  /\b(?:runs?|running|inference\w*|predict\w*|decisions?|updates?|updated|refresh\w*|loop|control)\b/i;
const SIGNAL =
  /\b(?:sampl\w*|sensors?|accelerometers?|microphones?|signals?|mains|record\w*|measur\w*|vibration)\b/i;

/** Every latency bound of one sentence, each phrase once, in order of kind. */
export function latencyIn(sentence: Sentence): LatencyReading[] {
  const { field, text } = sentence;
  const readings: LatencyReading[] = [];
  const taken: [number, number][] = [];
  const add = (match: RegExpExecArray, ms: number, note?: string): void => {
    const end = match.index + match[0].length;
    if (!(ms > 0) || WAIVED.test(text.slice(0, match.index))) return;
    if (taken.some(([from, to]) => match.index < to && end > from)) return;
    taken.push([match.index, end]);
    readings.push({ ms, field, phrase: match[0].trim(), ...(note === undefined ? {} : { note }) });
  };

  for (const { pattern, kind } of TIMED) {
    for (const match of text.matchAll(pattern)) {
      const unitMs = millisecondsOf(match.groups?.unit ?? '');
      const before = text.slice(0, match.index);
      if (DATA_AFTER.test(text.slice(match.index + match[0].length))) continue;
      if (
        kind === 'bound' &&
        (DATA_BEFORE.test(before) || (!ANSWER.test(before) && needsAnswer(match[0], unitMs)))
      )
        continue;
      add(match, numberOf(match.groups?.number ?? '') * unitMs);
    }
  }
  for (const match of text.matchAll(SUB_SECOND)) add(match, 1000, 'read as under one second');
  for (const match of text.matchAll(SINGLE_DIGIT)) add(match, 10, 'read as under ten milliseconds');
  for (const pattern of RATES) {
    for (const match of text.matchAll(pattern)) {
      if (RECORDED.test(text.slice(0, match.index))) continue;
      const perSecond =
        numberOf(match.groups?.number ?? '') / (/^min/i.test(match.groups?.per ?? '') ? 60 : 1);
      add(match, 1000 / perSecond, 'the time between two at that rate');
    }
  }
  for (const match of text.matchAll(HERTZ)) {
    if (!RUNS.test(text) || SIGNAL.test(text)) continue;
    add(match, 1000 / numberOf(match.groups?.number ?? ''), 'the time between two at that rate');
  }
  return readings;
}

/** A bound in milliseconds speaks for itself; one in seconds or minutes, or with a mere "in", needs a word about the answer. */
function needsAnswer(phrase: string, unitMs: number): boolean {
  return unitMs >= 1000 || /^in /i.test(phrase);
}

function millisecondsOf(unit: string): number {
  const name = unit.toLowerCase();
  if (/^(?:[µμu]s|micro)/.test(name)) return 0.001;
  if (/^(?:ms|milli)/.test(name)) return 1;
  return name.startsWith('min') ? 60_000 : 1000;
}
