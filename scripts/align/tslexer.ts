// Cuts a TypeScript file into lexemes, without comments. It needs no compiler, so a page can use it.
import type { Lexeme } from './lexeme';
import { isText } from './lexeme';

type Kind = Lexeme['kind'] | 'newline' | 'space' | 'regex' | 'template';

/** Tried in this order; the last takes any character. */
const PATTERNS: readonly (readonly [Kind, RegExp])[] = [
  ['newline', /\n/y],
  ['space', /(?:[^\S\n]|\/\*[^]*?(?:\*\/|$)|\/\/[^\n]*)+/y],
  ['word', /[\p{ID_Start}$_#][\p{ID_Continue}$]*/uy],
  ['number', /\.?\d(?:[eE][+-]|[\w.])*/y],
  ['string', /"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?/y],
  ['template', /`/y],
  ['regex', /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/\w*/y],
  ['punctuator', /=>|\?\.|\?\?=?|\*\*=?|\+\+|--|&&=?|\|\|=?|<<=?|>>>?=?|[=!]==?|[-+*/%&|^<>]=|[^]/y],
];

/** Words after which an expression begins, so that a slash begins a regular expression. */
const BEFORE_EXPRESSION: ReadonlySet<string> = new Set(['return', 'case', 'typeof', 'else', 'do', 'in', 'of', 'throw']);

/** A piece of a template, from its start or the `}` before it to its end or the next `${`. */
const TEMPLATE_PIECE = /(?:\\[^]|\$(?!\{)|[^`\\$])*(`|\$\{|$)/y;

export function lexTs(source: string): Lexeme[] {
  const lexemes: Lexeme[] = [];
  /** How many braces are open inside each `${` that is open. */
  const nested: number[] = [];
  let line = 1;
  let at = 0;

  function template(): void {
    TEMPLATE_PIECE.lastIndex = at;
    const [text = '', end = ''] = TEMPLATE_PIECE.exec(source) ?? [];
    lexemes.push({ kind: 'string', text: text.slice(0, text.length - end.length), line });
    if (end === '${') nested.push(0);
    line += text.split('\n').length - 1;
    at += text.length;
  }

  while (at < source.length) {
    const [kind, text] = next(source, at, lexemes.at(-1));
    at += text.length;
    const depth = nested.at(-1);
    if (kind === 'template') {
      template();
    } else if (text === '}' && depth === 0) {
      nested.pop();
      template();
    } else if (kind !== 'newline' && kind !== 'space') {
      const change = text === '{' ? 1 : text === '}' ? -1 : 0;
      if (depth !== undefined) nested.splice(-1, 1, depth + change);
      lexemes.push({ kind: kind === 'regex' ? 'string' : kind, text, line });
    }
    line += kind === 'template' || text === '}' ? 0 : text.split('\n').length - 1;
  }
  return lexemes;
}

function next(source: string, at: number, before: Lexeme | undefined): [Kind, string] {
  for (const [kind, pattern] of PATTERNS) {
    if (kind === 'regex' && !canBegin(before)) continue;
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text !== undefined) return [kind, text];
  }
  throw new RangeError('read past the end of the source');
}

function canBegin(before: Lexeme | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === 'word') return BEFORE_EXPRESSION.has(before.text);
  return before.kind === 'punctuator' && !isText(before, ')') && !isText(before, ']') && !isText(before, '}');
}
