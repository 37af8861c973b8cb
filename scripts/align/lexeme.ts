// What both languages are cut into.

export interface Lexeme {
  kind: 'word' | 'number' | 'string' | 'punctuator';
  text: string;
  line: number;
}

export function isText(lexeme: Lexeme | undefined, text: string): boolean {
  return lexeme !== undefined && lexeme.kind !== 'string' && lexeme.text === text;
}

/** For each `(`, `[` and `{` the index of what closes it. */
export function matchBrackets(lexemes: readonly Lexeme[]): Map<number, number> {
  const partner = new Map<number, number>();
  const open: number[] = [];
  lexemes.forEach(({ kind, text }, i) => {
    if (kind !== 'punctuator') return;
    if (text === '(' || text === '[' || text === '{') {
      open.push(i);
    } else if (text === ')' || text === ']' || text === '}') {
      const start = open.pop();
      if (start !== undefined) partner.set(start, i);
    }
  });
  return partner;
}

/** Where a function stands among the lexemes of its file. */
export interface Definition {
  name: string;
  /** That of the name. */
  line: number;
  /** Indices: the first lexeme of the head, the first one of the body, and the one after the body. */
  head: number;
  body: number;
  end: number;
}
