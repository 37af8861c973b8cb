// Cuts a C file into lexemes, without comments, preprocessor lines, and what a Linux build leaves out.
import { Conditionals } from './preprocessor';

export interface Lexeme {
  kind: 'word' | 'literal' | 'punctuator';
  text: string;
  line: number;
}

/** A macro that is another name for something, and no more. */
const RENAMING = /^\s*define\s+([A-Za-z_]\w*)\s+([A-Za-z_]\w*)\s*$/;

const SPACE = /(?:[^\S\n]|\\\r?\n|\/\*[^]*?(?:\*\/|$)|\/\/(?:\\\r?\n|[^\n])*)+/y;
// Reads over comments, so that one that goes on after the line does not end the directive in its middle.
const DIRECTIVE = /#(?:\\\r?\n|\/\*[^]*?(?:\*\/|$)|[^\n])*/y;
const WORD = /[A-Za-z_]\w*/y;
// A literal left open ends with its line, as in the text of #error or a branch that is not compiled.
const LITERAL = /"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?|\.?\d(?:[eEpP][+-]|[\w.])*/y;
const PUNCTUATOR = /->|[^]/y;

export function lexC(source: string): Lexeme[] {
  const lexemes: Lexeme[] = [];
  const conditionals = new Conditionals();
  const renamed = new Map<string, string>();
  let at = 0;
  let line = 1;
  let lineStart = true;

  function take(pattern: RegExp): string | null {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0] ?? null;
    if (text !== null) at += text.length;
    return text;
  }

  function push(kind: Lexeme['kind'], text: string): void {
    if (conditionals.active) lexemes.push({ kind, text, line });
    line += countLines(text);
    lineStart = false;
  }

  while (at < source.length) {
    const space = take(SPACE);
    if (space !== null) {
      line += countLines(space);
      continue;
    }
    if (source[at] === '\n') {
      at++;
      line++;
      lineStart = true;
      continue;
    }
    if (lineStart && source[at] === '#') {
      const text = take(DIRECTIVE) ?? '';
      const bare = bareDirective(text);
      const [, from, to] = RENAMING.exec(bare) ?? [];
      if (from !== undefined && to !== undefined && conditionals.active) renamed.set(from, to);
      conditionals.directive(bare, line);
      line += countLines(text);
      continue;
    }
    const word = take(WORD);
    if (word !== null) {
      push('word', renamed.get(word) ?? word);
      continue;
    }
    const literal = take(LITERAL);
    if (literal !== null) {
      push('literal', literal);
      continue;
    }
    push('punctuator', take(PUNCTUATOR) ?? '');
  }
  return lexemes;
}

function bareDirective(text: string): string {
  return text.slice(1).replace(/\\\r?\n|\/\*[^]*?(?:\*\/|$)|\/\/.*/g, ' ');
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}
