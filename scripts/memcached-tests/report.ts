// The report to the user: a table of the files, the failures in each, and how many passed completely.
import Table from 'cli-table3';

import type { TestFile } from './folder';
import type { Outcome } from './run';

const NOTHING = 'nothing but a memcached';

export interface Row {
  file: TestFile;
  outcome: Outcome;
  /** Why it is not expected to pass completely, or null. */
  exception: string | null;
  /** It should have passed, and did not. */
  failed: boolean;
}

/** `all` are all files, run or not. */
export function report(rows: readonly Row[], all: readonly TestFile[]): string {
  const table = new Table({ head: ['file', 'result', 'seconds', ''], style: { head: [], border: [], compact: true } });
  for (const { file, outcome, exception } of rows) {
    table.push([file.name, result(outcome), { content: outcome.seconds.toFixed(1), hAlign: 'right' }, note(file, outcome, exception)]);
  }
  const parts = [`${table.toString()}\n`, ...rows.filter(({ outcome }) => outcome.failures.length > 0).map(failures)];
  return `${parts.join('\n')}\n${total(rows, all)}\n`;
}

function result({ whole, skipped, passed, planned }: Outcome): string {
  if (whole) return 'whole';
  return skipped === null ? `${passed} of ${planned ?? '?'}` : 'skipped';
}

function note({ need }: TestFile, { whole, skipped }: Outcome, exception: string | null): string {
  if (whole) return '';
  const reasons = [skipped ?? '', exception ?? '', need === null ? '' : `needs ${need}`];
  return reasons.filter((reason) => reason !== '').join('; ');
}

function failures({ file, outcome }: Row): string {
  return `${file.name}:\n${outcome.failures.map((line) => `  ${line}\n`).join('')}`;
}

/** Counts the files that need nothing special, and names what the others need. */
function total(rows: readonly Row[], all: readonly TestFile[]): string {
  const within = rows.filter(({ file }) => file.need === null);
  const whole = within.filter(({ outcome }) => outcome.whole).length;
  const needs = new Map<string, number>();
  for (const { need } of all) needs.set(need ?? NOTHING, (needs.get(need ?? NOTHING) ?? 0) + 1);
  const needed = [...needs].map(([need, files]) => `  ${files}: ${need}\n`);
  return `what the ${all.length} files need\n${needed.join('')}${whole} of ${within.length} whole`;
}
