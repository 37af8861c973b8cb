// sscanf(3) of 2003's C for a model: words and 32-bit numbers, one after the other.

/** White space by isspace(). */
const SPACE = '[\\t-\\r ]*';

export class Scanner {
  private at = 0;

  /** `text` ends at its first NUL. */
  constructor(private readonly text: string) {}

  /** %s: the next word, or null if there is none. */
  word(most: number): string | null {
    return this.match(`${SPACE}([^\\0\\t-\\r ]{1,${most}})`);
  }

  /** %u and %lu: too large a number gives the largest; a minus sign wraps. */
  unsigned(): number | null {
    const digits = this.match(`${SPACE}([-+]?[0-9]+)`);
    if (digits === null) return null;
    const value = Math.abs(Number(digits));
    if (value > 0xffffffff) return 0xffffffff;
    return digits.startsWith('-') ? -value >>> 0 : value;
  }

  /** %d: the nearest 32-bit number. */
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
