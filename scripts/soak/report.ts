// The result of a soak as tables of text, and as a page of HTML with plots.
import type { TextTable } from '../bench/text';
import { drawn, megabytes, micros, whole } from '../bench/text';
import type { Growth } from './growth';
import type { ServerResult } from './model';
import { failures } from './model';

export function textReport(results: readonly ServerResult[]): string {
  return `${tables(results).map(drawn).join('\n\n')}\n${verdict(results)}\n`;
}

export function verdict(results: readonly ServerResult[]): string {
  const lines = results.flatMap(failures);
  if (lines.length > 0) return lines.join('\n');
  const judged = results.every(({ growth }) => Object.values(growth).some((found) => found !== null));
  return judged ? 'No wrong answer, and nothing grows.' : 'No wrong answer. The run was too short to tell what grows.';
}

export function tables(results: readonly ServerResult[]): TextTable[] {
  return [
    {
      title: 'Answers; times in microseconds. The clients\' own longest pause counts into their slowest batch.',
      head: [
        'server', 'minutes', 'checked', 'wrong', 'load', 'slowest of load', 'batches: 50%', '99.9%', 'slowest',
        "clients' pause", 'longest pause of gc',
      ],
      rows: results.map(({ server, seconds, seen, load, clientsPause, pause }) => [
        server, (seconds / 60).toFixed(1), whole(seen.operations), String(seen.wrong + (load.failed === null ? 0 : 1)),
        whole(load.operations), micros(load.max), micros(seen.latency.p50), micros(seen.latency.p999),
        micros(seen.latency.max), micros(clientsPause), pause === null ? '' : micros(pause),
      ]),
    },
    {
      title: 'Memory in MB, and descriptors: the least after warming up, and at the end',
      head: ['server', 'resident', 'heap', 'descriptors', 'left at the end'],
      rows: results.map(({ server, growth, descriptorsLeft }) => [
        server, course(growth['resident memory'], megabytes), course(growth.heap, megabytes),
        course(growth.descriptors, String), descriptorsLeft === null ? '' : String(descriptorsLeft),
      ]),
    },
    {
      title: 'What the clients have done that behave badly: how often',
      head: ['server', ...deeds(results)],
      rows: results.map(({ server, seen }) => [server, ...deeds(results).map((deed) => String(seen.deeds[deed] ?? 0))]),
    },
  ];
}

function deeds(results: readonly ServerResult[]): string[] {
  return [...new Set(results.flatMap(({ seen }) => Object.keys(seen.deeds)))].sort();
}

function course(growth: Growth | null, format: (value: number) => string): string {
  if (growth === null) return 'n/a';
  return `${format(growth.before)} .. ${format(growth.after)}${growth.grows ? ' GROWS' : ''}`;
}
