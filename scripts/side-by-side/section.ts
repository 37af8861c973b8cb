// The HTML of one function, or of the text between two: its head, its lines side by side, its notes.
import type { BookFile, BookSection } from './book';
import { escape } from './highlight';
import type { Note } from './notes';
import type { Row } from './rows';
import type { Stop } from './stops';

/** Width of a line in the margin; height that a note adds to its text. */
const NOTE_COLUMNS = 30;
const NOTE_EXTRA_LINES = 2;
/** A line in the margin is less high than one of code. */
const NOTE_LINES_PER_ROW = 0.9;

/** A stop of the reading order with its number and its links. */
export interface PlacedStop extends Stop {
  number: number;
  /** The line of its case; null for a whole function. */
  line: number | null;
  /** In this page. */
  anchor: string;
  /** In the teaching page. */
  scenes: string;
}

export function sectionHtml(file: BookFile, section: BookSection, stops: readonly PlacedStop[]): string {
  const { anchor, fn } = section;
  const kind = fn === null ? 'between' : 'fn';
  const id = anchor === null ? '' : ` id="${anchor}"`;
  const atHead = stops.filter(({ state }) => state === undefined);
  const names = escape([fn?.tsName, fn?.cName].filter((name) => typeof name === 'string').join(' '));
  return `<section class="${kind}"${id}${names === '' ? '' : ` data-names="${names}"`}>
${fn === null ? '' : head(file, section)}${atHead.map(stopHtml).join('')}${grid(file, section, stops)}</section>
`;
}

function head(file: BookFile, { fn, anchor, c, ts, alike, callers }: BookSection): string {
  const name = fn?.tsName ?? fn?.cName ?? '';
  const cFile = file.c ?? '';
  const inC = fn?.cName == null
    ? originOf(file, ts?.first ?? 0) ?? 'only here'
    : `${cFile}: ${fn.cName}, line ${c?.first ?? 0}`;
  const inTs = ts === null ? 'not in the port' : `${file.ts}, line ${ts.first}`;
  const measures = alike === null ? '' : `<span class="alike" title="How much of the control flow is the same, and `
    + `how many of our lines have their C line">${percent(alike.max)} alike, ${percent(alike.lines)} of the lines</span>`;
  const by = callers.length === 0 ? '' : `<p class="callers">Called by ${callers.map((caller) => {
    return `<a href="#${caller.anchor}">${escape(caller.name)}</a>`;
  }).join(', ')}</p>\n`;
  return `<header><h3><a href="#${anchor ?? ''}">${escape(name)}</a></h3>
<span class="where">${escape(inC)}</span><span class="where">${escape(inTs)}</span>${measures}</header>
${by}`;
}

/** The origin comment above a function: `memcached.c: drive_machine`. */
function originOf(file: BookFile, first: number): string | null {
  return /^\/\/ (\w+\.[ch]: \w+)/.exec(file.tsSource[first - 1] ?? '')?.[1] ?? null;
}

function stopHtml({ number, title, sentence, scenes, anchor }: PlacedStop): string {
  return `<p class="stop" data-stop="${number}"><a class="number" href="#${anchor}">Stop ${number}</a> <b>${escape(title)}.</b>
${escape(sentence)} <a class="scene" href="${escape(scenes)}">See it run</a></p>
`;
}

function grid(file: BookFile, { rows, notes, c, ts }: BookSection, stops: readonly PlacedStop[]): string {
  const sides = file.hasC ? (c === null ? 'both ours' : ts === null ? 'both theirs' : 'both') : 'single';
  const byLine = new Map(notes.map((note) => [note.line, note]));
  const lines = rows.map((row) => rowHtml(file, row, byLine)).join('');
  return `<div class="grid ${sides}">${lines}${marginHtml(file, rows, notes, stops)}</div>
`;
}

function rowHtml(file: BookFile, row: Row, notes: ReadonlyMap<number, Note>): string {
  const note = row.ts === null ? undefined : notes.get(row.ts);
  const classes = ['r', row.only === null ? '' : `only-${row.only}`].filter((name) => name !== '').join(' ');
  const badge = note === undefined ? '' : `<a class="badge" href="#${noteId(file, note)}" title="Note ${note.number}">`
    + `${note.number}</a>`;
  const cCell = row.elsewhere === null ? cell(file.c ?? '', row.c, file.cLines, file.cSource, 'c', '')
    : `<i class="n"></i><span class="c else"><a href="#${file.c ?? ''}/L${row.elsewhere}">C has this on line `
      + `${row.elsewhere}</a></span>`;
  return `<div class="${classes}">${file.hasC ? cCell : ''}`
    + `${cell(file.ts, row.ts, file.tsLines, file.tsSource, 't', badge)}</div>\n`;
}

function cell(
  path: string, line: number | null, html: readonly string[], source: readonly string[], side: string, badge: string,
): string {
  if (line === null) return `<i class="n"></i><code class="${side}"></code>`;
  const indent = indentOf(source[line - 1]);
  const style = indent === 0 ? '' : ` style="--i:${indent}"`;
  return `<i class="n" id="${path}/L${line}">${line}</i><code class="${side}"${style}>${html[line - 1]}${badge}</code>`;
}

/** In columns; a tab goes to the next multiple of four, as in the page. */
function indentOf(line: string): number {
  let column = 0;
  for (const sign of /^[ \t]*/.exec(line)?.[0] ?? '') column += sign === '\t' ? 4 - column % 4 : 1;
  return column;
}

/** Each note, and each stop at a case, beside its line, or below the last one in the margin. */
function marginHtml(
  file: BookFile, rows: readonly Row[], notes: readonly Note[], stops: readonly PlacedStop[],
): string {
  const asides = [
    ...notes.map((note) => ({ line: note.line, html: noteHtml(file, note), length: noteText(note).length })),
    ...stops.flatMap((stop) => stop.line === null ? []
      : [{ line: stop.line, html: stopHtml(stop), length: stop.title.length + stop.sentence.length }]),
  ].sort((a, b) => a.line - b.line);
  let free = 1;
  return asides.map(({ line, html, length }) => {
    const at = Math.max(free, rows.findIndex((row) => row.ts === line) + 1);
    const span = Math.ceil((length / NOTE_COLUMNS + NOTE_EXTRA_LINES) * NOTE_LINES_PER_ROW);
    free = at + span;
    return `<aside style="grid-row:${at}/span ${span}">${html}</aside>\n`;
  }).join('');
}

function noteHtml(file: BookFile, note: Note): string {
  const version = note.version === null ? '' : ` <small>as memcached ${escape(note.version)}</small>`;
  const inC = note.inC === null ? '' : `<span class="inc">C: ${inline(note.inC)}</span>`;
  return `<p class="note" id="${noteId(file, note)}"><b>${note.number}</b> ${inline(note.text)}${version}${inC}</p>`;
}

function noteText({ text, version, inC }: Note): string {
  return `${text} ${version ?? ''} ${inC ?? ''}`;
}

function noteId(file: BookFile, { line }: Note): string {
  return `${file.ts}/note${line}`;
}

/** Text of a README, with code in backquotes. */
function inline(text: string): string {
  return escape(text).replace(/`([^`]*)`/g, '<code>$1</code>');
}

export function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}
