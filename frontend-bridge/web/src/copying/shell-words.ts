/** Words that a shell takes as they are, without quotes. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** A command as a line that a POSIX shell takes for the same words. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}
