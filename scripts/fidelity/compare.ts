// Compares the functions of a C file with those of its port, and sums up files and groups.
import { alignSources } from '../align/align';
import type { AlignedLine } from '../align/align';
import { portName } from '../align/names';
import { readC } from './cflow';
import type { Totals } from './measures';
import { sum } from './measures';
import type { Deviation, FlowFunction, PortFunction, Token } from './model';
import type { Group, Pair } from './pairs';
import { reasonFor } from './reasons';
import { align, inSameOrder } from './sequence';
import { readTs } from './tsflow';

/** A line of the port that has no C line. */
export interface PortLine {
  line: number;
  text: string;
}

export interface FunctionResult extends Totals {
  name: string;
  portName: string;
  cLine: number;
  /** Null if the port has no function of this name. */
  tsLine: number | null;
  inOrder: boolean;
  deviations: Deviation[];
  /** Why they differ, if no DEVIATION comment says it. */
  reason: string | null;
  onlyInC: Token[];
  onlyInTs: Token[];
  linesOnlyInTs: PortLine[];
}

/** A function of the port that C lacks: it is not compared, but its lines count. */
export interface Extra {
  name: string;
  line: number;
  tokens: number;
  deviations: Deviation[];
  linesOnlyInTs: PortLine[];
}

export interface FileResult extends Totals {
  pair: Pair;
  functions: FunctionResult[];
  extras: Extra[];
  deviations: Deviation[];
}

export interface GroupResult extends Totals {
  group: Group;
  files: FileResult[];
}

/** Throws SyntaxError if the C source has a condition that cannot be read. */
export function compareFile(pair: Pair, cSource: string, tsSource: string): FileResult {
  const c = readC(cSource);
  const port = readTs(tsSource, pair.ts);
  const text = tsSource.split('\n');
  const aligned = new Map(alignSources(cSource, tsSource).map(({ tsName, lines }) => [tsName, lines]));
  const byName = new Map(port.functions.map((fn) => [fn.name, fn]));
  const expected = c.map(({ name }) => portName(name));
  const ordered = inSameOrder(expected, [...byName.keys()]);
  const linesOnlyInTs = (name: string): PortLine[] => (aligned.get(name) ?? [])
    .filter(({ cLines }) => cLines.length === 0).map(({ line }) => ({ line, text: text[line - 1].trim() }));

  const functions = c.map((fn): FunctionResult => {
    const name = portName(fn.name);
    const alone = linesOnlyInTs(name);
    return {
      ...compareFlow(pair, fn, byName.get(name) ?? null),
      ...countLines(aligned.get(name) ?? []),
      inOrder: ordered.has(name),
      linesOnlyInTs: alone,
    };
  });
  const extras = port.functions.filter(({ name }) => !expected.includes(name)).map((fn): Extra => ({
    name: fn.name,
    line: fn.line,
    tokens: fn.tokens.length,
    deviations: fn.deviations,
    linesOnlyInTs: linesOnlyInTs(fn.name),
  }));
  const totals = sum(functions);
  const linesOfExtras = extras.reduce((lines, extra) => lines + extra.linesOnlyInTs.length, 0);
  return { pair, functions, extras, deviations: port.deviations, ...totals, lines: totals.lines + linesOfExtras };
}

function compareFlow(
  pair: Pair, c: FlowFunction, port: PortFunction | null,
): Omit<FunctionResult, 'inOrder' | 'lines' | 'counterparts' | 'linesOnlyInTs'> {
  const tokens = port?.tokens ?? [];
  const { common, onlyA, onlyB } = align(c.tokens, tokens, (a, b) => a.text === b.text);
  const deviations = port?.deviations ?? [];
  const differs = onlyA.length > 0 || onlyB.length > 0;
  return {
    name: c.name,
    portName: portName(c.name),
    cLine: c.line,
    tsLine: port?.line ?? null,
    deviations,
    reason: differs && port !== null && deviations.length === 0 ? reasonFor(pair.c, c.name) : null,
    onlyInC: onlyA,
    onlyInTs: onlyB,
    cTokens: c.tokens.length,
    tsTokens: tokens.length,
    common,
    longer: Math.max(c.tokens.length, tokens.length),
  };
}

function countLines(lines: readonly AlignedLine[]): Pick<Totals, 'lines' | 'counterparts'> {
  return { lines: lines.length, counterparts: lines.filter(({ cLines }) => cLines.length > 0).length };
}

export function compareGroup(group: Group, files: FileResult[]): GroupResult {
  return { group, files, ...sum(files) };
}

/** Whether every C function has its counterpart at its place. */
export function complete({ functions }: FileResult): boolean {
  return functions.every(({ tsLine, inOrder }) => tsLine !== null && inOrder);
}
