// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII.
const ASCII = /^[\u0000-\u007f]*$/;

/**
 * A text as a search compares it: without regard to case, and to how its characters are written. `é` is found whether it is one character
 * or two (macOS writes two), `ß` as `ss`, full-width letters as usual ones, a final `ς` as `σ`; `I`, `ı`, `İ` and `i` are one letter,
 * since the language of a text is unknown. Accents count: `cafe` does not find `café`.
 */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  // Only capitals know what belongs together (ß and SS, ς and Σ, ı and I), but for the capital ẞ itself.
  const lower = text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
  return lower.replaceAll('ς', 'σ').replaceAll('i\u0307', 'i');
}
