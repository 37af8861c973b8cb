// sscanf(3) of C in 2003, as a model needs it: words and 32-bit numbers, one after the other.

/** What isspace() takes for white space. */
const SPACE = '[\\t-\\r ]*';

export class Scanner {
  private at = 0;

  /** `text` ends at its first NUL. */
  constructor(private readonly text: string) {}

  /** %s: the next word, or null if there is none. */
  word(most: number): string | null {
    return this.match(`${SPACE}([^\\0\\t-\\r ]{1,${most}})`);
  }

  /** %u and %lu: a number that is too large is the largest; a minus sign wraps. */
  unsigned(): number | null {
    const digits = this.match(`${SPACE}([-+]?[0-9]+)`);
    if (digits === null) return null;
    const value = Math.abs(Number(digits));
    if (value > 0xffffffff) return 0xffffffff;
    return digits.startsWith('-') ? -value >>> 0 : value;
  }

  /** %d: the nearest there is. */
  signed(): number | null {
    const digits = this.match(`${SPACE}([-+]?[0-9]+)`);
    return digits === null ? null : Math.max(-0x80000000, Math.min(0x7fffffff, Number(digits)));
  }

  private match(pattern: string): string | null {
    const regexp = new RegExp(pattern, 'y');
    regexp.lastIndex = this.at;
    const found = regexp.exec(this.text);
    if (found === null) return null;
    this.at = regexp.lastIndex;
    return found[1];
  }
}
