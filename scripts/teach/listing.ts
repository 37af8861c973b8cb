// Finds in a source file the notes for the margin, the starts of functions, and the first statement of each `case`.
// Knows no grammar: it reads the project's own files, which keep to one style.

export interface Note {
  /** From 1: its line in the margin. */
  line: number;
  text: string;
}

export interface Place {
  line: number;
  name: string;
}

export interface Listing {
  notes: Note[];
  /** Lines with only a note. */
  hidden: ReadonlySet<number>;
  functions: Place[];
  /** Lines with a `case` or a `default`, and the line of the first statement behind each. */
  cases: ReadonlyMap<number, number>;
}

const MARK = /\/\/ (?:DEVIATION: (.*)|(SEAM\b.*))$/;

export function readListing(source: string): Listing {
  const lines = source.split('\n');
  const notes: Note[] = [];
  const hidden = new Set<number>();
  const functions: Place[] = [];
  const cases = new Map<number, number>();
  lines.forEach((text, i) => {
    const mark = MARK.exec(text);
    if (mark !== null) {
      const alone = text.trim().startsWith('//');
      if (alone) hidden.add(i + 1);
      notes.push({ line: alone ? i + 2 : i + 1, text: mark[1] || 'a seam: later protocols come in here' });
    }
    const name = /^(?:export )?(?:async )?function (\w+)/.exec(text)?.[1];
    if (name !== undefined) functions.push({ line: i + 1, name });
    if (/^\s*(?:case .*|default):/.test(text)) cases.set(i + 1, firstStatement(lines, i));
  });
  return { notes, hidden, functions, cases };
}

/** The text of a line without its note. */
export function withoutNote(text: string): string {
  return text.replace(MARK, '').trimEnd();
}

function firstStatement(lines: readonly string[], from: number): number {
  for (let i = from; i < lines.length; i++) {
    const code = lines[i].replace(/\/\/.*$/, '').replace(/^\s*(?:case [^:]*(?:::[^:]*)*|default):/, '').replace(/^[\s{]+/, '');
    // A declaration without a value runs nothing.
    if (code !== '' && !/^let [^=]*;$/.test(code)) return i + 1;
  }
  return from + 1;
}
