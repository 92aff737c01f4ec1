/** The user's words for the kind of data, as the catalogue's modalities. */

const WORDS: readonly (readonly [modality: string, pattern: RegExp])[] = [
  ['image', /\b(images?|photos?|photographs?|pictures?|frames?|camera|visual|vision|imagery|scans?)\b/],
  ['video', /\b(videos?|clips?|footage)\b/],
  ['audio', /\b(audio|sounds?|speech|voices?|acoustics?|recordings?|microphones?|music|noise)\b/],
  ['text', /\b(texts?|documents?|language|nlp|sentences?|words?|textual)\b/],
  ['tabular', /\b(tabular|tables?|csv|rows?|spreadsheets?|structured|database)\b/],
  ['time series', /\b(time[\s_-]?series|timeseries|signals?|sensors?|telemetry|series|temporal)\b/],
];

/**
 * The modalities that the text names, in the catalogue's words. Empty when it names none, which rules nothing out.
 *
 * @example modalitiesOf('Images (RGB)') // ['image']
 */
export function modalitiesOf(text: string): string[] {
  const lower = text.toLowerCase();
  return WORDS.filter(([, pattern]) => pattern.test(lower)).map(([modality]) => modality);
}
