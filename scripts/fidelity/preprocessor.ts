// Decides which lines of a C file a Linux build would compile, from its #if directives alone.

/** What a Linux build of these sources has; anything else is undefined, as WIN32, USE_LOG and USE_DEBUG are. */
const DEFINED: ReadonlySet<string> = new Set([
  '__linux__', 'HAVE_CONFIG_H', 'HAVE_SYS_TIME_H', 'HAVE_EPOLL', 'HAVE_POLL', 'HAVE_SELECT',
]);

interface Level {
  outerActive: boolean;
  /** Whether a branch of this #if was taken already. */
  taken: boolean;
  active: boolean;
}

export class Conditionals {
  private readonly levels: Level[] = [];

  get active(): boolean {
    return this.levels.at(-1)?.active ?? true;
  }

  /** `text` is the directive without its `#`, on one line; those that are not conditional change nothing. */
  directive(text: string, line: number): void {
    const [, name = '', rest = ''] = /^\s*(\w*)\s*(.*)$/s.exec(text) ?? [];
    switch (name) {
      case 'ifdef':
        this.open(DEFINED.has(rest.trim()));
        break;
      case 'ifndef':
        this.open(!DEFINED.has(rest.trim()));
        break;
      case 'if':
        // In a branch that is not compiled C does not read the condition either.
        this.open(this.active && evaluate(rest, line));
        break;
      case 'elif': {
        const level = this.innermost(name, line);
        const wanted = level.outerActive && !level.taken && evaluate(rest, line);
        level.active = wanted;
        level.taken ||= wanted;
        break;
      }
      case 'else': {
        const level = this.innermost(name, line);
        level.active = level.outerActive && !level.taken;
        level.taken = true;
        break;
      }
      case 'endif':
        this.innermost(name, line);
        this.levels.pop();
        break;
    }
  }

  private open(condition: boolean): void {
    const outerActive = this.active;
    this.levels.push({ outerActive, taken: condition, active: outerActive && condition });
  }

  private innermost(name: string, line: number): Level {
    const level = this.levels.at(-1);
    if (level === undefined) throw new SyntaxError(`line ${line}: #${name} without #if`);
    return level;
  }
}

/** Conditions out of `defined`, names, integers, `!`, `&&`, `||` and parentheses. */
function evaluate(condition: string, line: number): boolean {
  const words = condition.match(/\w+|&&|\|\||\S/g) ?? [];
  let at = 0;

  function fail(): never {
    throw new SyntaxError(`line ${line}: cannot read #if ${condition.trim()}`);
  }

  function expect(word: string): void {
    if (words[at++] !== word) fail();
  }

  function primary(): boolean {
    const word = words[at++];
    if (word === undefined) fail();
    if (word === '!') return !primary();
    if (word === '(') {
      const value = disjunction();
      expect(')');
      return value;
    }
    if (word === 'defined') {
      const parenthesised = words[at] === '(';
      if (parenthesised) at++;
      const name = words[at++] ?? fail();
      if (parenthesised) expect(')');
      return DEFINED.has(name);
    }
    if (/^\d/.test(word)) return Number.parseInt(word, 10) !== 0;
    if (/^\w/.test(word)) return DEFINED.has(word);
    return fail();
  }

  function conjunction(): boolean {
    let value = primary();
    while (words[at] === '&&') {
      at++;
      const right = primary();
      value = value && right;
    }
    return value;
  }

  function disjunction(): boolean {
    let value = conjunction();
    while (words[at] === '||') {
      at++;
      const right = conjunction();
      value = value || right;
    }
    return value;
  }

  const value = disjunction();
  if (at !== words.length) fail();
  return value;
}
