// The lexemes into which both languages are cut.

export interface Lexeme {
  kind: 'word' | 'number' | 'string' | 'punctuator';
  text: string;
  line: number;
}

export function isText(lexeme: Lexeme | undefined, text: string): boolean {
  return lexeme !== undefined && lexeme.kind !== 'string' && lexeme.text === text;
}

/** Maps the index of each `(`, `[` and `{` to that of its closing bracket. */
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
  /** The name's line. */
  line: number;
  /** Indices: the first lexeme of the head, the first one of the body, and the one after the body. */
  head: number;
  body: number;
  end: number;
}
