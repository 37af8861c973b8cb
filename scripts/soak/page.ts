// The result of a soak as one page of HTML that needs nothing else.
import { timeChart } from '../bench/charts';
import { STYLE, escape, figure, table } from '../bench/report';
import type { Point } from './growth';
import type { ServerResult } from './model';
import { tables, verdict } from './report';

const MEBIBYTE = 2 ** 20;

export function htmlReport(results: readonly ServerResult[]): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>memcached-ts: npm run soak</title>
<style>${STYLE}</style>
</head>
<body>
<h1>memcached-ts: npm run soak</h1>
<p>${escape(verdict(results))}</p>
<div class="pair">
${figure('Resident memory', plot(results, 'MB', MEBIBYTE, ({ resident }) => resident))}
${figure("JavaScript's heap", plot(results, 'MB', MEBIBYTE, ({ heap }) => heap))}
${figure('Descriptors', plot(results, 'descriptors', 1, (result) => result.descriptors))}
</div>
${tables(results).map(table).join('\n')}
</body>
</html>
`;
}

function plot(
  results: readonly ServerResult[], unit: string, divisor: number, points: (result: ServerResult) => readonly Point[],
): string {
  const courses = results.map((result, colour) => ({
    name: result.server, colour, points: points(result).map(({ at, value }) => ({ at, value: value / divisor })),
  }));
  return timeChart(courses.filter((course) => course.points.length > 0), unit);
}
