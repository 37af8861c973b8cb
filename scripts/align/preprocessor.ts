// Decides which lines of a C file a Linux build would compile, from its #if directives alone.

/** What a Linux build of these sources defines; all else is undefined, such as WIN32, USE_LOG and USE_DEBUG. */
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

  /** `text` is the directive without its `#`, on one line; directives that are not conditional change nothing. */
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
        // C does not read the condition in a branch that is not compiled, either.
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

/** Conditions made of `defined`, names, integers, `!`, `&&`, `||` and parentheses. */
function evaluate(condition: string, line: number): boolean {
  const words: string[] = condition.match(/\w+|&&|\|\||\S/g) ?? [];

  function fail(): never {
    throw new SyntaxError(`line ${line}: cannot read #if ${condition.trim()}`);
  }

  function accept(word: string): boolean {
    if (words.at(0) !== word) return false;
    words.shift();
    return true;
  }

  function primary(): boolean {
    if (accept('!')) return !primary();
    if (accept('(')) {
      const value = disjunction();
      return accept(')') ? value : fail();
    }
    if (accept('defined')) {
      const parenthesised = accept('(');
      const name = words.shift() ?? fail();
      return parenthesised && !accept(')') ? fail() : DEFINED.has(name);
    }
    const word = words.shift() ?? fail();
    if (/^\d/.test(word)) return Number.parseInt(word) !== 0;
    return /^\w/.test(word) ? DEFINED.has(word) : fail();
  }

  function conjunction(): boolean {
    let value = primary();
    while (accept('&&')) value = primary() && value;
    return value;
  }

  function disjunction(): boolean {
    let value = conjunction();
    while (accept('||')) value = conjunction() || value;
    return value;
  }

  const value = disjunction();
  return words.length === 0 ? value : fail();
}
