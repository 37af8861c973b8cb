// Finds the functions that a TypeScript file has at its top level.
import type { Definition, Lexeme } from './lexeme';
import { isText } from './lexeme';

/** `partner` maps each opening bracket to its closing one. */
export function findInTs(lexemes: readonly Lexeme[], partner: ReadonlyMap<number, number>): Definition[] {
  const definitions: Definition[] = [];
  for (let i = 0; i < lexemes.length; i++) {
    const definition = isText(lexemes[i], 'function') ? declaration(i) : isText(lexemes[i], 'const') ? arrow(i) : null;
    if (definition !== null) definitions.push(definition);
    i = definition?.end ?? partner.get(i) ?? i;
  }
  return definitions;

  function declaration(at: number): Definition | null {
    const name = isText(lexemes.at(at + 1), '*') ? at + 2 : at + 1;
    const open = name + 1;
    return isText(lexemes[open], '(') ? definitionAt(at, name, bodyAfter(partner.get(open))) : null;
  }

  /** `const name = (…) => …` or `const name = function (…) {…}`. */
  function arrow(at: number): Definition | null {
    let i = at + 2;
    if (!isText(lexemes[i], '=')) return null;
    if (isText(lexemes[i + 1], 'async')) i++;
    const plain = isText(lexemes[i + 1], 'function');
    while (plain && i + 1 < lexemes.length && !isText(lexemes[i + 1], '(')) i++;
    const close = isText(lexemes[i + 1], '(') ? partner.get(i + 1) : undefined;
    const body = bodyAfter(close);
    if (plain) return definitionAt(at, at + 1, body);
    const sign = arrowAfter(close);
    if (sign === null) return null;
    if (isText(lexemes[sign + 1], '{')) return definitionAt(at, at + 1, sign + 1);
    return { ...place(at, at + 1), body: sign + 1, end: statementEnd(sign + 1) };
  }

  function definitionAt(head: number, name: number, open: number | null): Definition | null {
    const end = open === null ? undefined : partner.get(open);
    return open === null || end === undefined ? null : { ...place(head, name), body: open + 1, end };
  }

  function place(head: number, name: number): Pick<Definition, 'name' | 'line' | 'head'> {
    return { name: lexemes[name].text, line: lexemes[name].line, head };
  }

  /** The `{` of the body after the parameters that end at `close`; a `{` after these signs belongs to a type. */
  function bodyAfter(close: number | undefined): number | null {
    if (close === undefined) return null;
    for (let i = close + 1; i < lexemes.length && !isText(lexemes[i], ';'); i++) {
      const inType = [':', '|', '&', '<', ',', '=>'].some((sign) => isText(lexemes[i - 1], sign));
      if (isText(lexemes[i], '{') && !inType) return i;
      i = partner.get(i) ?? i;
    }
    return null;
  }

  function arrowAfter(close: number | undefined): number | null {
    if (close === undefined) return null;
    for (let i = close + 1; i < lexemes.length && !isText(lexemes[i], ';'); i++) {
      if (isText(lexemes[i], '=>')) return i;
      if (i === close + 1 && !isText(lexemes[i], ':')) return null;
      i = partner.get(i) ?? i;
    }
    return null;
  }

  function statementEnd(from: number): number {
    let i = from;
    while (i < lexemes.length && !isText(lexemes[i], ';')) i = (partner.get(i) ?? i) + 1;
    return i;
  }
}
