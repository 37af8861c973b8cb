// Cuts a C file into lexemes, without comments, preprocessor lines and code that a Linux build leaves out.
import type { Lexeme } from './lexeme';
import { Conditionals } from './preprocessor';

/** A macro that only renames something. */
const RENAMING = /^\s*define\s+([A-Za-z_]\w*)\s+([A-Za-z_]\w*)\s*$/;

type Kind = Lexeme['kind'] | 'newline' | 'space' | 'directive';

/** Tried in this order; the last takes any character. */
const PATTERNS: readonly (readonly [Kind, RegExp])[] = [
  ['newline', /\n/y],
  ['space', /(?:[^\S\n]|\\\r?\n|\/\*[^]*?(?:\*\/|$)|\/\/(?:\\\r?\n|[^\n])*)+/y],
  // Reads over comments, since a comment of several lines does not end the directive.
  ['directive', /#(?:\\\r?\n|\/\*[^]*?(?:\*\/|$)|[^\n])*/y],
  ['word', /[A-Za-z_]\w*/y],
  // An unclosed literal ends with its line: #error texts and branches that are not compiled may have one.
  ['string', /"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?/y],
  ['number', /\.?\d(?:[eEpP][+-]|[\w.])*/y],
  ['punctuator', /->|\+\+|--|&&|\|\||<<=?|>>=?|[-+*/%&|^!<>=]=|[^]/y],
];

export function lexC(source: string): Lexeme[] {
  const lexemes: Lexeme[] = [];
  const conditionals = new Conditionals();
  const renamed = new Map<string, string>();
  let line = 1;

  for (let at = 0; at < source.length;) {
    const [kind, text] = next(source, at);
    at += text.length;
    if (kind === 'directive') {
      const bare = bareDirective(text);
      const renaming = RENAMING.exec(bare);
      if (renaming !== null && conditionals.active) renamed.set(renaming[1], renaming[2]);
      conditionals.directive(bare, line);
    } else if (kind !== 'newline' && kind !== 'space' && conditionals.active) {
      lexemes.push({ kind, text: kind === 'word' ? renamed.get(text) ?? text : text, line });
    }
    line += text.split('\n').length - 1;
  }
  return lexemes;
}

function next(source: string, at: number): [Kind, string] {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text !== undefined) return [kind, text];
  }
  throw new RangeError('read past the end of the source');
}

function bareDirective(text: string): string {
  return text.slice(1).replace(/\\\r?\n|\/\*[^]*?(?:\*\/|$)|\/\/.*/g, ' ');
}
