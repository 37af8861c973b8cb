// The page: one file of HTML that needs nothing else.
import { measure } from '../fidelity/measures';
import type { Totals } from '../fidelity/measures';
import type { Book, BookFile, BookSection, Called } from './book';
import { escape } from './highlight';
import { percent, sectionHtml } from './section';
import type { PlacedStop } from './section';
import { legs, sceneLink } from './stops';

export interface PageParts {
  css: string;
  /** JavaScript. */
  script: string;
  /** Address of the teaching page, seen from this one. */
  teachingPage: string;
}

export function pageHtml(book: Book, { css, script, teachingPage }: PageParts): string {
  const withC = book.files.some(({ hasC }) => hasC);
  const stops = placed(book, teachingPage);
  const title = withC ? 'memcached 1.0.4 and its port, side by side' : 'memcached 1.0.4 in TypeScript';
  return `<!DOCTYPE html>
<html lang="en" data-view="both">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
${css}</style>
</head>
<body${withC ? '' : ' class="alone"'}>
<a class="skip" href="#start">To the text</a>
${bar(title, withC)}
<nav id="side" aria-label="Contents">
${reading(stops)}${functions(book)}</nav>
<main id="start">
${intro(book, withC)}${book.files.map((file) => fileHtml(file, stops)).join('')}${calledHtml(book.called)}</main>
${stopBar()}${help()}<script type="module">
${script.replace(/<\/(?=script)/gi, '<\\/')}</script>
</body>
</html>
`;
}

function bar(title: string, withC: boolean): string {
  const view = withC ? `<fieldset class="view"><legend>Columns</legend>
<button type="button" data-view="c" aria-pressed="false">C</button><button type="button" data-view="both" aria-pressed="true">both</button><button type="button" data-view="ts" aria-pressed="false">TypeScript</button></fieldset>
` : '';
  return `<header class="bar">
<button type="button" id="menu" aria-expanded="true" aria-controls="side" title="Contents (m)">☰<span class="sr"> Contents</span></button>
<strong>${title}</strong>
<form role="search"><input id="find" type="search" placeholder="Search ( / )" aria-label="Search names and lines"><output id="found" aria-live="polite"></output></form>
${view}<button type="button" id="theme" title="Light or dark (t)">◐<span class="sr"> Light or dark</span></button>
<button type="button" id="keys" title="Keys ( ? )">?<span class="sr"> Keys</span></button>
</header>`;
}

/** Every stop with its place; throws if a function or a case is gone. */
function placed(book: Book, teachingPage: string): PlacedStop[] {
  let number = 0;
  return legs.flatMap((leg) => leg.stops.map((stop): PlacedStop => {
    const file = book.files.find(({ ts }) => ts === stop.file);
    const section = file?.sections.find(({ fn }) => fn?.tsName === stop.fn);
    const line = file === undefined || section === undefined ? null : caseLine(stop.state, file, section);
    if (section === undefined || section.anchor === null || (line === null && stop.state !== undefined)) {
      throw new Error(`no ${stop.fn} ${stop.state ?? ''} in ${stop.file}`);
    }
    const anchor = line === null ? section.anchor : `${stop.file}/L${line}`;
    return { ...stop, number: ++number, line, anchor, scenes: sceneLink(teachingPage, stop) };
  }));
}

function caseLine(state: string | undefined, file: BookFile, { ts }: BookSection): number | null {
  if (state === undefined || ts === null) return null;
  const label = `case ConnState.${state}:`;
  const at = file.tsSource.findIndex((text, i) => i >= ts.first - 1 && i < ts.last && text.trim() === label);
  return at === -1 ? null : at + 1;
}

function reading(stops: readonly PlacedStop[]): string {
  let at = 0;
  const parts = legs.map(({ title, stops: { length } }) => {
    const some = stops.slice(at, at += length);
    return `<h3>${escape(title)}</h3><ol start="${some[0].number}">
${some.map((stop) => `<li data-stop="${stop.number}"><a href="#${stop.anchor}">${escape(stop.title)}</a> <span>${escape(stop.sentence)}</span> <a class="scene" href="${escape(stop.scenes)}">See it run</a></li>`).join('\n')}
</ol>
`;
  });
  return `<details open id="reading"><summary><h2>Reading order</h2></summary>
<p class="quiet">From the first line of main along one request to its reply, then the memory and the timers. <kbd>n</kbd> and <kbd>p</kbd> go along it.</p>
${parts.join('')}</details>
`;
}

function functions({ files, called }: Book): string {
  const lists = files.map((file) => {
    const entries = file.sections.flatMap(({ fn, anchor, alike }) => {
      if (fn === null || anchor === null) return [];
      const name = escape(fn.tsName ?? fn.cName ?? '');
      const bar = alike === null ? '<span class="bar none"></span>'
        : `<span class="bar" style="--share:${alike.max.toFixed(3)}">${percent(alike.max)}</span>`;
      return [`<li><a href="#${anchor}" title="${escape(fn.cName ?? 'only here')}">${name}</a>${bar}</li>`];
    });
    return `<h3><a href="#${file.ts}">${escape(file.ts)}</a></h3><ul>\n${entries.join('\n')}\n</ul>\n`;
  });
  return `<details id="functions"><summary><h2>Functions</h2></summary>
${lists.join('')}${called.length === 0 ? '' : '<h3><a href="#called">What else is called</a></h3>'}</details>
`;
}

function intro({ files, memcached }: Book, withC: boolean): string {
  const rows = files.flatMap((file) => file.totals === null ? [] : [totalsRow(`${file.c ?? ''} and ${file.ts}`, file.totals)]);
  const all = memcached === null ? '' : totalsRow('memcached, all of it', memcached);
  const table = rows.length === 0 ? '' : `<div class="scroll"><table>
<thead><tr><th>files</th><th>control flow alike</th><th>lines of ours</th><th>with their C line</th></tr></thead>
<tbody>${rows.join('')}${all}</tbody></table></div>
`;
  const text = withC
    ? `<p>Left, the C source as you have it. Right, the port. Lines that belong together stand beside each other; <b>+</b>
marks a line that only we have, <b>−</b> one that only C has. Where the port differs on purpose a number leads to a note
in the margin. Every function that is called is a link.</p>`
    : `<p>The port alone, with the files and functions of C by name. Give the folder of the C source, and it stands beside
each line: <code>npm run side-by-side -- &lt;folder of memcached&gt; &lt;folder of libevent&gt;</code>. Where the port differs
on purpose a number leads to a note in the margin. Every function that is called is a link.</p>`;
  return `<section class="intro">
${text}
${table}<p class="quiet">Keys: <kbd>n</kbd> <kbd>p</kbd> stops of the reading order, <kbd>j</kbd> <kbd>k</kbd> functions,
<kbd>/</kbd> search, <kbd>?</kbd> all of them.</p>
</section>
`;
}

function totalsRow(name: string, totals: Totals): string {
  const { max, lines } = measure(totals);
  return `<tr><td>${escape(name)}</td><td>${percent(max)}</td><td>${totals.lines}</td><td>${totals.counterparts} `
    + `(${percent(lines)})</td></tr>`;
}

function fileHtml(file: BookFile, stops: readonly PlacedStop[]): string {
  const names = file.c === null || !file.hasC ? file.ts : `${file.c} and ${file.ts}`;
  const sections = file.sections.map((section) => {
    const here = stops.filter((stop) => stop.file === file.ts && stop.fn === section.fn?.tsName);
    return sectionHtml(file, section, here);
  });
  const inC = file.c === null || file.hasC ? '' : ` In C: ${file.c}.`;
  return `<section class="file"><h2 id="${file.ts}">${escape(names)}</h2>
<p class="quiet">${escape(file.about)}${inC}</p>
${sections.join('')}</section>
`;
}

/** The functions elsewhere in the project that the shown files call. */
function calledHtml(called: readonly Called[]): string {
  if (called.length === 0) return '';
  const parts = called.map(({ name, anchor, file, firstLine, lines }) => `<section class="fn" id="${anchor}" data-names="${name}">
<header><h3><a href="#${anchor}">${name}</a></h3><span class="where">${file}, line ${firstLine}</span></header>
<div class="grid single">${lines.map((line, i) => `<div class="r"><i class="n">${firstLine + i}</i><code class="t">${line}</code></div>\n`).join('')}</div></section>
`);
  return `<section class="file"><h2 id="called">What else is called</h2>
<p class="quiet">The functions of the C library, the system calls, and the like: only those that the files above call.</p>
${parts.join('')}</section>
`;
}

function stopBar(): string {
  return `<aside id="stop" aria-live="polite" hidden>
<button type="button" id="previous" title="Previous stop (p)">◂<span class="sr"> Previous stop</span></button>
<p></p>
<button type="button" id="next" title="Next stop (n)">▸<span class="sr"> Next stop</span></button>
<button type="button" id="leave" title="Leave the reading order (Escape)">×<span class="sr"> Leave the reading order</span></button>
</aside>
`;
}

function help(): string {
  const keys: readonly (readonly [string, string])[] = [
    ['n p', 'next and previous stop of the reading order'],
    ['j k', 'next and previous function'],
    ['d D', 'next and previous note'],
    ['/', 'search; Enter and Shift+Enter go from find to find'],
    ['Backspace', 'back to where the last link was'],
    ['1 2 3', 'C, both, TypeScript'],
    ['m', 'contents'],
    ['t', 'light or dark'],
    ['+ - 0', 'larger, smaller, as at first'],
    ['P', 'print the function that is at the top'],
    ['? Escape', 'this list; close it'],
  ];
  return `<dialog id="help" aria-label="Keys"><h2>Keys</h2><dl>
${keys.map(([key, text]) => `<dt>${key.split(' ').map((k) => `<kbd>${escape(k)}</kbd>`).join(' ')}</dt><dd>${escape(text)}</dd>`).join('\n')}
</dl><form method="dialog"><button>Close</button></form></dialog>
`;
}
