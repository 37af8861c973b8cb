// Whether the measures meet their bars.
import type { GroupResult } from './compare';
import { complete } from './compare';
import type { Measures } from './measures';
import { measure } from './measures';

export interface Verdict {
  /** A file, files, or a function. */
  of: string;
  measure: keyof Measures;
  value: number;
  least: number;
  met: boolean;
}

export function groupName({ files }: GroupResult): string {
  return files.map(({ pair }) => pair.c).join(' + ');
}

/** One verdict for each bar. */
export function verdicts(result: GroupResult): Verdict[] {
  const { group, files } = result;
  const found: Verdict[] = [];

  function judge(of: string, name: keyof Measures, measures: Measures, least: number | null | undefined): void {
    const value = measures[name];
    if (typeof least === 'number') found.push({ of, measure: name, value, least, met: value >= least });
  }

  judge(groupName(result), 'mean', measure(result), group.mean);
  judge(groupName(result), 'max', measure(result), group.max);
  for (const file of files) judge(file.pair.c, 'lines', measure(file), file.pair.lines);
  for (const { pair, functions } of files) {
    for (const fn of functions) judge(fn.name, 'max', measure(fn), pair.functions[fn.name]);
  }
  return found;
}

/** Whether every bar is met and every C function has its counterpart at its place. */
export function faithful(groups: readonly GroupResult[]): boolean {
  return groups.every((group) => group.files.every(complete) && verdicts(group).every(({ met }) => met));
}
