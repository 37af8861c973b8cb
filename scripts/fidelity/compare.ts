// Compares the functions of a C file with those of its port, and sums up files and groups.
import type { Deviation, FlowFunction, PortFile, PortFunction, Token } from './model';
import { portName } from './names';
import type { Group, Pair } from './pairs';
import { reasonFor } from './reasons';
import { align, inSameOrder } from './sequence';

export interface Totals {
  cTokens: number;
  tsTokens: number;
  common: number;
}

export interface FunctionResult extends Totals {
  name: string;
  portName: string;
  cLine: number;
  /** Null if the port has no function of this name. */
  tsLine: number | null;
  inOrder: boolean;
  deviations: Deviation[];
  /** Where they differ without a deviation to say why. */
  reason: string | null;
  onlyInC: Token[];
  onlyInTs: Token[];
}

export interface FileResult extends Totals {
  pair: Pair;
  functions: FunctionResult[];
  /** Functions of the port that C does not have there. */
  extras: PortFunction[];
  deviations: Deviation[];
}

export interface GroupResult extends Totals {
  files: FileResult[];
  bar: number | null;
  met: boolean;
}

/** 2 * LCS / (length + length); two empty sequences are alike. */
export function similarity({ cTokens, tsTokens, common }: Totals): number {
  const sum = cTokens + tsTokens;
  return sum === 0 ? 1 : (2 * common) / sum;
}

export function compareFile(pair: Pair, c: readonly FlowFunction[], port: PortFile): FileResult {
  const byName = new Map(port.functions.map((fn) => [fn.name, fn]));
  const expected = c.map(({ name }) => portName(name));
  const ordered = inSameOrder(expected, [...byName.keys()]);
  const functions = c.map((fn) =>
    compareFunction(pair, fn, byName.get(portName(fn.name)) ?? null, ordered.has(portName(fn.name))));
  return {
    pair,
    functions,
    extras: port.functions.filter(({ name }) => !expected.includes(name)),
    deviations: port.deviations,
    ...sum(functions),
  };
}

function compareFunction(
  pair: Pair, c: FlowFunction, port: PortFunction | null, inOrder: boolean,
): FunctionResult {
  const tokens = port?.tokens ?? [];
  const { common, onlyA, onlyB } = align(c.tokens, tokens, (a, b) => a.text === b.text);
  const deviations = port?.deviations ?? [];
  const differs = onlyA.length > 0 || onlyB.length > 0;
  return {
    name: c.name,
    portName: portName(c.name),
    cLine: c.line,
    tsLine: port?.line ?? null,
    inOrder,
    deviations,
    reason: differs && port !== null && deviations.length === 0 ? reasonFor(pair.c, c.name) : null,
    onlyInC: onlyA,
    onlyInTs: onlyB,
    cTokens: c.tokens.length,
    tsTokens: tokens.length,
    common,
  };
}

export function compareGroup({ bar }: Group, files: FileResult[]): GroupResult {
  const totals = sum(files);
  return { files, bar, met: bar === null || similarity(totals) >= bar, ...totals };
}

/** Whether every bar is met and every C function has its counterpart at its place. */
export function faithful(groups: readonly GroupResult[]): boolean {
  return groups.every(({ met, files }) => met && files.every(complete));
}

function complete({ functions }: FileResult): boolean {
  return functions.every(({ tsLine, inOrder }) => tsLine !== null && inOrder);
}

function sum(parts: readonly Totals[]): Totals {
  return parts.reduce<Totals>((total, part) => ({
    cTokens: total.cTokens + part.cTokens,
    tsTokens: total.tsTokens + part.tsTokens,
    common: total.common + part.common,
  }), { cTokens: 0, tsTokens: 0, common: 0 });
}
