// Finds for each line of a TypeScript port its line in the C source, function by function.
import { findInC } from './cfunctions';
import { lexC } from './clexer';
import type { Definition, Lexeme } from './lexeme';
import { matchBrackets } from './lexeme';
import { portName } from './names';
import { pairStatements } from './pairing';
import type { Statement } from './statements';
import { statementsOf } from './statements';
import { findInTs } from './tsfunctions';
import { lexTs } from './tslexer';

export interface AlignedLine {
  /** In the port. */
  line: number;
  /** In C, in order: several if C spreads this line over several lines; none if C lacks it. */
  cLines: readonly number[];
}

export interface AlignedFunction {
  /** The name in C; null if only the port has it. */
  cName: string | null;
  /** The name in the port; null if only C has it. */
  tsName: string | null;
  /** The port's lines that hold more than brackets and comments, in order. */
  lines: AlignedLine[];
  /** C's lines, likewise. */
  cLines: number[];
}

interface Source {
  lexemes: readonly Lexeme[];
  partner: ReadonlyMap<number, number>;
  functions: readonly Definition[];
}

/**
 * First the functions of C in its order, then those that only the port has. Throws SyntaxError for a C source with a
 * condition that it cannot read.
 */
export function alignSources(cText: string, tsText: string): AlignedFunction[] {
  const c = source(lexC(cText), findInC);
  const ts = source(lexTs(tsText), findInTs);
  const byName = new Map(ts.functions.map((fn) => [fn.name, fn]));
  const named = new Set<Definition>();
  const aligned = c.functions.map((fn): AlignedFunction => {
    const port = byName.get(portName(fn.name));
    if (port === undefined || named.has(port)) {
      return { cName: fn.name, tsName: null, lines: [], cLines: linesOf(c, fn) };
    }
    named.add(port);
    return { cName: fn.name, tsName: port.name, lines: alignFunction(c, fn, ts, port), cLines: linesOf(c, fn) };
  });
  const others = ts.functions.filter((fn) => !named.has(fn));
  return [...aligned, ...others.map((fn): AlignedFunction => ({
    cName: null,
    tsName: fn.name,
    lines: linesOf(ts, fn).map((line) => ({ line, cLines: [] })),
    cLines: [],
  }))];
}

function source(
  lexemes: readonly Lexeme[], find: (lexemes: readonly Lexeme[], partner: ReadonlyMap<number, number>) => Definition[],
): Source {
  const partner = matchBrackets(lexemes);
  return { lexemes, partner, functions: find(lexemes, partner) };
}

/** A line counts if it holds a name, keyword, number or string. */
function linesOf({ lexemes }: Source, { head, end }: Definition): number[] {
  return [...new Set(lexemes.slice(head, end).filter(({ kind }) => kind !== 'punctuator').map(({ line }) => line))];
}

function alignFunction(c: Source, cFunction: Definition, ts: Source, port: Definition): AlignedLine[] {
  const inC = [headOf(c, cFunction), ...statementsOf(c.lexemes, c.partner, cFunction)];
  const inTs = [headOf(ts, port), ...statementsOf(ts.lexemes, ts.partner, port)];
  const counterparts = new Map([{ c: -1, ts: -1 }, ...pairStatements(inC.slice(1), inTs.slice(1))]
    .map((pair) => [inTs[pair.ts + 1], inC[pair.c + 1]]));

  const found = new Map<number, number[]>();
  for (const statement of inTs) {
    const counterpart = counterparts.get(statement);
    const lines = counterpart === undefined ? null : pairLines(counterpart.lexemes, statement.lexemes);
    for (const line of new Set(statement.lexemes.map(({ line }) => line))) {
      const cLine = lines?.get(line);
      const earlier = found.get(line);
      // If the first statement of a line is only the port's, so is the line.
      if (earlier === undefined) found.set(line, cLine === undefined ? [] : [cLine]);
      else if (cLine !== undefined && earlier.length > 0 && !earlier.includes(cLine)) earlier.push(cLine);
    }
  }
  return linesOf(ts, port).map((line) => ({ line, cLines: found.get(line) ?? [] }));
}

function headOf({ lexemes }: Source, { head, body }: Definition): Statement {
  return { lexemes: lexemes.slice(head, body), parent: null };
}

/** Maps each line of a port's statement to a line of its C counterpart, which may break its lines elsewhere. */
function pairLines(c: readonly Lexeme[], ts: readonly Lexeme[]): Map<number, number> {
  const cLines = [...byLine(c)];
  const result = new Map<number, number>();
  let at = 0;
  for (const [line, words] of byLine(ts)) {
    // The first line maps to C's first; a later line to the first remaining C line that shares the most words.
    let most = 0;
    if (result.size > 0) {
      for (let i = at; i < cLines.length; i++) {
        const common = words.filter((word) => cLines[i][1].includes(word)).length;
        if (common > most) [most, at] = [common, i];
      }
    }
    result.set(line, cLines[at][0]);
  }
  return result;
}

function byLine(lexemes: readonly Lexeme[]): Map<number, string[]> {
  const lines = new Map<number, string[]>();
  for (const { kind, text, line } of lexemes) {
    if (kind === 'punctuator' && lines.has(line)) continue;
    const words = text.replace(/_/g, '').toLowerCase().match(/\w+/g) ?? [];
    lines.set(line, [...lines.get(line) ?? [], ...words]);
  }
  return lines;
}
