// Writes the comparison as a table of at most 100 columns, or as JSON.
import type { Extra, FileResult, FunctionResult, GroupResult, PortLine } from './compare';
import type { Measures, Totals } from './measures';
import { measure } from './measures';
import type { Deviation, Token } from './model';
import type { Verdict } from './verdict';
import { faithful, groupName, verdicts } from './verdict';

const WIDTH = 100;
const NAME_WIDTH = 28;

const LABELS: Readonly<Record<keyof Measures, string>> = { mean: 'LCS/mean', max: 'LCS/max', lines: 'lines' };

export interface Details {
  /** The tokens in which they differ. */
  diff: boolean;
  /** The lines of the port that have no C line. */
  lines: boolean;
}

export function textReport(groups: readonly GroupResult[], details: Details): string {
  return [
    'LCS is the longest common subsequence of control flow: over the mean of both lengths, and over',
    'the greater one. Lines are those of the port that have their C line.',
    '',
    ...groups.flatMap(({ files }) => files).flatMap((file) => [...fileLines(file, details), '']),
    ...groups.flatMap(groupLines),
    ...everyFunction(groups),
    `Result: ${faithful(groups) ? 'faithful' : 'not faithful'}`,
    '',
  ].join('\n');
}

function fileLines(file: FileResult, details: Details): string[] {
  const { pair, functions, extras, deviations } = file;
  const inPlace = functions.filter(({ inOrder }) => inOrder).length;
  return [
    `${pair.c} <-> ${pair.ts}`,
    row(['function', 'C line', 'TS line', 'C tokens', 'TS tokens', LABELS.mean, LABELS.max, LABELS.lines, '']),
    ...functions.flatMap((fn) => [functionRow(fn), ...functionNotes(fn, details)]),
    row([`${inPlace} of ${functions.length} in order`, '', '', ...numbers(file), '']),
    ...deviations.flatMap(deviationLines),
    ...extras.flatMap((extra) => extraLines(extra, details)),
  ];
}

function functionRow(fn: FunctionResult): string {
  const place = fn.tsLine === null ? 'missing' : fn.inOrder ? '' : 'out of order';
  return row([fn.name, String(fn.cLine), fn.tsLine === null ? '-' : String(fn.tsLine), ...numbers(fn), place]);
}

function numbers(part: Totals): string[] {
  const { mean, max, lines } = measure(part);
  const shares = [percent(mean), percent(max), part.lines === 0 ? '-' : percent(lines)];
  return [String(part.cTokens), String(part.tsTokens), ...shares];
}

function functionNotes(fn: FunctionResult, { diff, lines }: Details): string[] {
  return [
    ...fn.deviations.flatMap(deviationLines),
    ...(fn.reason === null ? [] : wrap('reason: ', fn.reason.split(' '), 6)),
    ...(diff ? [...diffLines('-', 'C', fn.onlyInC), ...diffLines('+', 'TS', fn.onlyInTs)] : []),
    ...(lines ? fn.linesOnlyInTs.map(portLine) : []),
  ];
}

function extraLines({ name, line, tokens, deviations, linesOnlyInTs }: Extra, { lines }: Details): string[] {
  const count = `${linesOnlyInTs.length} ${linesOnlyInTs.length === 1 ? 'line' : 'lines'}`;
  return [
    ...wrap('only in TS: ', [`${name} (line ${line}, ${tokens} tokens, ${count})`], 2),
    ...deviations.flatMap(deviationLines),
    ...(lines ? linesOnlyInTs.map(portLine) : []),
  ];
}

function deviationLines({ line, text, version }: Deviation): string[] {
  const as = version === null ? '' : ` (as ${version})`;
  return wrap(`differs on purpose, line ${line}${as}: `, text.split(/\s+/), 6);
}

function diffLines(sign: string, language: string, tokens: readonly Token[]): string[] {
  if (tokens.length === 0) return [];
  return wrap('', tokens.map(({ text, line }) => `${sign} ${text}, ${language} ${line}`), 6, '   ');
}

function portLine({ line, text }: PortLine): string {
  const whole = `      no C line, TS ${line}: ${text}`;
  return whole.length > WIDTH ? `${whole.slice(0, WIDTH - 3)}...` : whole;
}

function groupLines(group: GroupResult): string[] {
  const found = verdicts(group);
  if (found.length > 0) return found.map(verdictLine);
  const measures = measure(group);
  const names: (keyof Measures)[] = ['mean', 'max', 'lines'];
  return [`${groupName(group)}: ${names.map((name) => `${LABELS[name]} ${percent(measures[name])}`).join(', ')}, `
    + 'for information, no bar'];
}

function verdictLine({ of, measure: name, value, least, met }: Verdict): string {
  const wanted = `at least ${Math.round(least * 100)}% wanted: ${met ? 'met' : 'NOT MET'}`;
  return `${of}: ${LABELS[name]} ${percent(value)}, ${wanted}`;
}

function everyFunction(groups: readonly GroupResult[]): string[] {
  const wrong = groups.flatMap(({ files }) => files).flatMap(({ pair, functions }) =>
    functions.filter(({ inOrder }) => !inOrder).map(({ name }) => `${name} (${pair.c})`));
  const label = 'Every C function in its file and at its place: ';
  return wrong.length === 0 ? [`${label}yes`] : wrap(`${label}no: `, wrong, 0, ', ');
}

/** The name, two lines, two counts of tokens, three measures, and what else there is to say. */
function row([name, ...cells]: readonly string[]): string {
  const widths = [6, 8, 9, 10, 9, 8, 7];
  const columns = widths.map((width, i) => cells[i].padStart(width));
  return `  ${name.padEnd(NAME_WIDTH)}${columns.join('')}  ${cells[widths.length]}`.trimEnd();
}

/** Rounded down, so that 100.0% means all, and a bar that is shown as met is met. */
function percent(share: number): string {
  return `${(Math.floor(share * 1000 + 1e-9) / 10).toFixed(1)}%`;
}

/** The first line begins with `label`; the others are indented to the words after it. */
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
      verdicts: verdicts(group),
      files: group.files.map((file) => ({
        c: file.pair.c,
        ts: file.pair.ts,
        ...totals(file),
        functions: file.functions.map((fn) => ({ ...fn, measures: measure(fn) })),
        onlyInTs: file.extras,
        deviations: file.deviations,
      })),
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function totals({ cTokens, tsTokens, common, longer, lines, counterparts }: Totals): Totals & { measures: Measures } {
  const counts = { cTokens, tsTokens, common, longer, lines, counterparts };
  return { ...counts, measures: measure(counts) };
}
