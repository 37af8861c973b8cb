// Cuts the body of a function, of either language, into its statements. A head such as `if (…)` is a statement of its
// own, and the parent of the statements under it.
import type { Definition, Lexeme } from './lexeme';
import { isText } from './lexeme';

export interface Statement {
  lexemes: readonly Lexeme[];
  /** The head or case that it is under; null right in the function. */
  parent: Statement | null;
}

/** Heads with parentheses behind them, and heads without. */
const WITH_CONDITION: ReadonlySet<string> = new Set(['if', 'while', 'for', 'switch', 'catch']);
const ALONE: ReadonlySet<string> = new Set(['else', 'do', 'try', 'finally']);
/** Words that do not make a declaration of the name after them. */
const NO_TYPE: ReadonlySet<string> = new Set(['return', 'goto', 'throw', 'await', 'delete', 'typeof', 'yield']);

export function statementsOf(
  lexemes: readonly Lexeme[], partner: ReadonlyMap<number, number>, { body, end }: Definition,
): Statement[] {
  const statements: Statement[] = [];
  let at = body;
  while (at < end) one(null);
  return statements;

  function emit(to: number, parent: Statement | null): Statement {
    const statement = { lexemes: lexemes.slice(at, to), parent };
    statements.push(statement);
    at = to;
    return statement;
  }

  function one(parent: Statement | null): void {
    const { kind, text } = lexemes[at];
    if (text === '{' && kind === 'punctuator') {
      block(parent);
    } else if (text === ';' && kind === 'punctuator') {
      at++;
    } else if (kind === 'word' && ALONE.has(text) && !isText(lexemes[at + 1], 'if')) {
      // The block of a `try` stands where it would stand without.
      const head = emit(at + 1, parent);
      if (at < end) one(text === 'try' ? parent : head);
    } else {
      const close = conditionEnd();
      if (close === null) simple(parent);
      else ruled(emit(close + 1, parent));
    }
  }

  function block(parent: Statement | null): void {
    const close = partner.get(at) ?? end;
    at++;
    let ruler = parent;
    while (at < close) {
      const label = labelEnd();
      if (label === null) one(ruler);
      else ruler = emit(label, parent);
      if (label !== null && isText(lexemes[at], ':')) at++;
    }
    at = close + 1;
  }

  function ruled(head: Statement): void {
    if (at < end) one(head);
    const isIf = isText(head.lexemes[0], 'if') || isText(head.lexemes[1], 'if');
    if (isIf && at < end && isText(lexemes[at], 'else')) one(head);
  }

  function simple(parent: Statement | null): void {
    let to = at;
    while (to < end && !isText(lexemes[to], ';') && !isText(lexemes[to], '}')) to = (partner.get(to) ?? to) + 1;
    to = Math.min(Math.max(to, at + 1), end);
    const first = at + prefixLength(lexemes, at, to);
    if (first > at) declarations(first, to, parent);
    else emit(to, parent);
    if (at < end && isText(lexemes[at], ';')) at++;
  }

  /** One statement for each name: C and its port may group their declarations differently. */
  function declarations(first: number, to: number, parent: Statement | null): void {
    const prefix = lexemes.slice(at, first).filter(({ text }) => text !== '*');
    at = first;
    while (at < to) {
      let comma = at;
      while (comma < to && !isText(lexemes[comma], ',')) comma = (partner.get(comma) ?? comma) + 1;
      const { line } = lexemes[at];
      statements.push({
        lexemes: [...prefix.map((lexeme) => ({ ...lexeme, line })), ...lexemes.slice(at, comma)], parent,
      });
      at = comma + 1;
    }
    at = to;
  }

  /** The `)` of the head that starts here; null for anything else. */
  function conditionEnd(): number | null {
    const first = isText(lexemes[at], 'else') ? at + 1 : at;
    const { kind, text } = lexemes[first];
    // A macro that expands to a for loop counts as one.
    if (kind !== 'word' || !(WITH_CONDITION.has(text) || text.endsWith('_FOREACH'))) return null;
    return partner.get(first + 1) ?? null;
  }

  /** The `:` behind a case. */
  function labelEnd(): number | null {
    if (!isText(lexemes[at], 'case') && !isText(lexemes[at], 'default')) return null;
    let to = at;
    while (to < end && !isText(lexemes[to], ':')) to++;
    return to;
  }
}

/** The number of lexemes before the first name that is declared here; 0 if there is none. */
function prefixLength(lexemes: readonly Lexeme[], from: number, to: number): number {
  // In C a type follows const.
  const named = isText(lexemes.at(from + 2), ':') || isText(lexemes.at(from + 2), '=');
  if (isText(lexemes[from], 'let') || (isText(lexemes[from], 'const') && named)) return 1;
  let at = from;
  while (at < to && (lexemes[at].kind === 'word' || isText(lexemes[at], '*'))) at++;
  const ends = at === to || ['=', ',', '['].some((sign) => isText(lexemes[at], sign));
  const types = at - 1 - from;
  return ends && types > 0 && lexemes[at - 1].kind === 'word' && !NO_TYPE.has(lexemes[from].text) ? types : 0;
}
