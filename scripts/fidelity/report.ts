// Writes the comparison as a table of at most 100 columns, or as JSON.
import type { FileResult, FunctionResult, GroupResult } from './compare';
import { faithful, similarity } from './compare';
import type { Deviation, Token } from './model';

const WIDTH = 100;
const NAME_WIDTH = 36;

export function textReport(groups: readonly GroupResult[], diff: boolean): string {
  return [
    ...groups.flatMap(({ files }) => files).flatMap((file) => [...fileLines(file, diff), '']),
    ...groups.map(groupLine),
    ...everyFunction(groups),
    `Result: ${faithful(groups) ? 'faithful' : 'not faithful'}`,
    '',
  ].join('\n');
}

function fileLines(file: FileResult, diff: boolean): string[] {
  const { pair, functions, extras, deviations } = file;
  const inPlace = functions.filter(({ inOrder }) => inOrder).length;
  return [
    `${pair.c} <-> ${pair.ts}`,
    row('function', 'C line', 'TS line', 'C tokens', 'TS tokens', 'alike', ''),
    ...functions.flatMap((fn) => [functionRow(fn), ...functionNotes(fn, diff)]),
    row(`${inPlace} of ${functions.length} in order`, '', '', String(file.cTokens), String(file.tsTokens),
      percent(similarity(file)), ''),
    ...deviations.flatMap(deviationLines),
    ...extras.flatMap((extra) => [
      ...wrap('only in TS: ', [`${extra.name} (line ${extra.line}, ${extra.tokens.length} tokens)`], 2),
      ...extra.deviations.flatMap(deviationLines),
    ]),
  ];
}

function functionRow(fn: FunctionResult): string {
  const place = fn.tsLine === null ? 'missing' : fn.inOrder ? '' : 'out of order';
  return row(fn.name, String(fn.cLine), fn.tsLine === null ? '-' : String(fn.tsLine), String(fn.cTokens),
    String(fn.tsTokens), percent(similarity(fn)), place);
}

function functionNotes(fn: FunctionResult, diff: boolean): string[] {
  return [
    ...fn.deviations.flatMap(deviationLines),
    ...(fn.reason === null ? [] : wrap('reason: ', fn.reason.split(' '), 6)),
    ...(diff ? [...diffLines('-', 'C', fn.onlyInC), ...diffLines('+', 'TS', fn.onlyInTs)] : []),
  ];
}

function deviationLines({ line, text }: Deviation): string[] {
  return wrap(`differs on purpose, line ${line}: `, text.split(/\s+/), 6);
}

function diffLines(sign: string, language: string, tokens: readonly Token[]): string[] {
  if (tokens.length === 0) return [];
  return wrap('', tokens.map(({ text, line }) => `${sign} ${text}, ${language} ${line}`), 6, '   ');
}

function groupLine(group: GroupResult): string {
  const names = group.files.map(({ pair }) => pair.c).join(' + ');
  const verdict = group.bar === null
    ? 'for information, no bar'
    : `at least ${Math.round(group.bar * 100)}% wanted: ${group.met ? 'met' : 'NOT MET'}`;
  return `${names}: ${percent(similarity(group))}, ${verdict}`;
}

function everyFunction(groups: readonly GroupResult[]): string[] {
  const wrong = groups.flatMap(({ files }) => files).flatMap(({ pair, functions }) =>
    functions.filter(({ inOrder }) => !inOrder).map(({ name }) => `${name} (${pair.c})`));
  const label = 'Every C function in its file and at its place: ';
  return wrong.length === 0 ? [`${label}yes`] : wrap(`${label}no: `, wrong, 0, ', ');
}

function row(
  name: string, cLine: string, tsLine: string, cTokens: string, tsTokens: string, alike: string, place: string,
): string {
  return `  ${name.padEnd(NAME_WIDTH)}${cLine.padStart(7)}${tsLine.padStart(9)}${cTokens.padStart(10)}`
    .concat(`${tsTokens.padStart(11)}${alike.padStart(9)}  ${place}`).trimEnd();
}

/** Rounded down, so that 100.0% and a bar that is shown as met are what they say. */
function percent(share: number): string {
  return `${(Math.floor(share * 1000 + 1e-9) / 10).toFixed(1)}%`;
}

/** The first line begins with `label`; the others stand as far in as the words after it do. */
function wrap(label: string, words: readonly string[], indent: number, separator = ' '): string[] {
  const margin = ' '.repeat(indent);
  const lines: string[] = [];
  let line = margin + label;
  let fresh = true;
  for (const word of words) {
    if (!fresh && line.length + separator.length + word.length > WIDTH) {
      lines.push(line);
      line = `${margin}  ${word}`;
    } else {
      line += fresh ? word : separator + word;
      fresh = false;
    }
  }
  return [...lines, line];
}

export function jsonReport(groups: readonly GroupResult[]): string {
  const report = {
    faithful: faithful(groups),
    groups: groups.map((group) => ({
      ...totals(group),
      bar: group.bar,
      met: group.met,
      files: group.files.map((file) => ({
        c: file.pair.c,
        ts: file.pair.ts,
        ...totals(file),
        functions: file.functions.map((fn) => ({ ...fn, similarity: similarity(fn) })),
        onlyInTs: file.extras.map(({ name, line, tokens, deviations }) =>
          ({ name, line, tokens: tokens.length, deviations })),
        deviations: file.deviations,
      })),
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function totals(part: GroupResult | FileResult): Record<string, number> {
  const { cTokens, tsTokens, common } = part;
  return { cTokens, tsTokens, common, similarity: similarity(part) };
}
