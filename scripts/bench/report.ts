// Writes the result as one page of HTML that needs nothing else: plots, and below them all figures.
import { barChart, dotChart, lineChart } from './charts';
import type { Painted } from './charts';
import type { MemoryResult, Result, ServerResult, StallResult, WorkloadResult } from './model';
import { fullTables, heading } from './text';
import type { TextTable } from './text';

export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1d1d1f; --line: #d8d8dc; --quiet: #5c5c63 }
@media (prefers-color-scheme: dark) { :root { --paper: #17181a; --ink: #e8e8ea; --line: #3a3b40; --quiet: #a3a3aa } }
body { margin: 0 auto; padding: 1.5rem; max-width: 1180px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 2.2rem; border-top: 1px solid var(--line); padding-top: 1rem }
h3 { margin: 0 0 .3rem; font-size: 1rem } p { margin: .3rem 0; max-width: 75ch } .quiet { color: var(--quiet) }
.pair { display: flex; flex-wrap: wrap; gap: 1rem 1.2rem } figure { margin: 0 }
figcaption { margin: .5rem 0; font-weight: 600; font-size: 14px } svg { max-width: 100%; height: auto }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 13px; white-space: nowrap; margin: .6rem 0 1.2rem }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right }
th:first-child, td:first-child { text-align: left } th { font-weight: 600 }
`;

export function htmlReport(result: Result): string {
  const { workloads, memory, stall } = result;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>memcached-ts: npm run bench</title>
<style>${STYLE}</style>
</head>
<body>
<h1>memcached-ts: npm run bench</h1>
<p class="quiet">${escape(result.machine.date)}</p>
${heading(result).map((line) => `<p class="quiet">${escape(line)}</p>`).join('\n')}
${overview(result)}
${workloads.map(workloadSection).join('\n')}
${memory.length === 0 ? '' : memorySection(memory)}
${stall.length === 0 ? '' : stallSection(stall)}
<h2>All figures</h2>
${fullTables(result).map(table).join('\n')}
</body>
</html>
`;
}

function overview({ baseline, workloads }: Result): string {
  if (baseline === null || workloads.length === 0) return '';
  const others = painted(workloads[0].servers).filter(({ name }) => name !== baseline);
  const rows = workloads.map(({ name, servers }) => ({
    name, values: others.map((other) => servers.find(({ server }) => server === other.name)?.ratio ?? null),
  }));
  return `<h2>Throughput, to that of ${escape(baseline)}</h2>
<p>Right of the dashed line is quicker. The dot is the ratio of the medians, the line reaches from the least to the
greatest of the rounds.</p>
${figure('', dotChart(rows, others, `times ${baseline}`))}`;
}

function workloadSection({ name, what, unit, connections, servers }: WorkloadResult): string {
  const s = connections === 1 ? '' : 's';
  const doubtful = servers.filter(({ boundBy }) => boundBy === 'generator').map(({ server }) => server);
  const doubt = doubtful.length === 0 ? ''
    : `<p class="quiet">Bound by the generator, not by the server: ${escape(doubtful.join(', '))}.</p>\n`;
  return `<h2>${escape(name)}</h2>
<p>${escape(what)}; ${connections.toLocaleString('en')} connection${s}</p>
${doubt}<div class="pair">
${figure('Throughput', barChart(painted(servers).map((server, i) => ({ ...server, value: servers[i].perSecond })),
    `${unit} per second`))}
${figure('Latency in microseconds', latencyChart(servers))}
</div>`;
}

function latencyChart(servers: readonly Pick<ServerResult, 'server' | 'latency'>[]): string {
  return lineChart(['50%', '99%', '99.9%', 'max'], painted(servers).map((server, i) => {
    const { p50, p99, p999, max } = servers[i].latency;
    return { ...server, values: [p50, p99, p999, max] };
  }));
}

/** The servers have the same order everywhere; those of --against come last. */
function painted(servers: readonly { server: string }[]): Painted[] {
  return servers.map(({ server }, i) => ({ name: server, colour: i }));
}

function memorySection(results: readonly MemoryResult[]): string {
  const bars = painted(results).map((server, i) => {
    const { bytesPerItem: value } = results[i];
    return { ...server, value: { median: value, min: value, max: value } };
  });
  return `<h2>memory</h2>
<p>${results[0].items.toLocaleString('en')} items with keys of 16 and values of 32 bytes: resident memory over that of the
empty server, by item.</p>
${figure('', barChart(bars, 'bytes per item'))}`;
}

function stallSection(results: readonly StallResult[]): string {
  return `<h2>stall</h2>
<p>Single gets at 1,000,000 items beside 20 busy connections, for ${results[0].seconds.toFixed(0)} seconds.</p>
${figure('Latency in microseconds', latencyChart(results))}`;
}

export function figure(caption: string, svg: string): string {
  return `<figure>${caption === '' ? '' : `<figcaption>${escape(caption)}</figcaption>`}${svg}</figure>`;
}

export function table({ title, head, rows }: TextTable): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
  return `<h3>${escape(title)}</h3>
<div class="scroll"><table>
<thead>${cells('th', head)}</thead>
<tbody>
${rows.map((row) => cells('td', row)).join('\n')}
</tbody>
</table></div>`;
}

export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
