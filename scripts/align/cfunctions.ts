// Finds the functions that a C file defines.
import type { Definition, Lexeme } from './lexeme';
import { isText } from './lexeme';

/** Words that cannot name a function, so that parentheses after them are not a list of arguments. */
export const C_KEYWORDS: ReadonlySet<string> = new Set([
  'auto', 'break', 'case', 'char', 'const', 'continue', 'default', 'do', 'double', 'else', 'enum', 'extern', 'float',
  'for', 'goto', 'if', 'inline', 'int', 'long', 'register', 'return', 'short', 'signed', 'sizeof', 'static', 'struct',
  'switch', 'typedef', 'union', 'unsigned', 'void', 'volatile', 'while', '__attribute__',
]);

/** `partner` maps each opening bracket to its closing one. */
export function findInC(lexemes: readonly Lexeme[], partner: ReadonlyMap<number, number>): Definition[] {
  const definitions: Definition[] = [];
  for (let i = 0; i < lexemes.length; i++) {
    const lexeme = lexemes[i];
    if (lexeme.kind === 'punctuator') {
      i = partner.get(i) ?? i;
      continue;
    }
    const close = partner.get(i + 1);
    if (lexeme.kind !== 'word' || C_KEYWORDS.has(lexeme.text) || !isText(lexemes[i + 1], '(') || close === undefined) {
      continue;
    }
    const open = bodyAfter(lexemes, close);
    const end = open === null ? undefined : partner.get(open);
    if (open === null || end === undefined) {
      i = close;
      continue;
    }
    definitions.push({ name: lexeme.text, line: lexeme.line, head: i, body: open + 1, end });
    i = end;
  }
  return definitions;
}

/** The `{` of the definition whose parameter list ends at `close`; null if it is no definition. */
function bodyAfter(lexemes: readonly Lexeme[], close: number): number | null {
  if (isText(lexemes[close + 1], '{')) return close + 1;
  // Before ANSI C the parameters' types were declared here, each with its semicolon.
  for (let i = close + 1; i < lexemes.length; i++) {
    const lexeme = lexemes[i];
    if (i === close + 1 && lexeme.kind !== 'word') return null;
    if (isText(lexeme, '{')) return isText(lexemes[i - 1], ';') ? i : null;
    if (isText(lexeme, '(') || isText(lexeme, '=') || isText(lexeme, '}')) return null;
  }
  return null;
}
