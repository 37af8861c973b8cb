// A source file on the page: its lines with numbers, notes in the margin, and marks for running lines. Built once per
// file; a step only moves the marks.
import type { Listing } from '../listing';
import { create } from './dom';

export interface Source {
  /** 'lib/memcached.ts' or 'memcached.c' */
  name: string;
  text: string;
  /** By line, highlighted. */
  html: readonly string[];
  language: 'c' | 'typescript';
  listing: Listing;
}

/** Marks of lines. Each has a sign besides its colour (page.css). */
export type Mark = 'current' | 'ran' | 'twin' | 'chosen';

export class ListingPane {
  readonly element: HTMLElement;
  private readonly lines = new Map<number, HTMLElement>();
  private readonly marked = new Map<Mark, HTMLElement[]>();
  private counted: ReadonlyMap<number, number> = new Map();
  private focusable: HTMLElement | null = null;

  /** `onLine` is called for a clicked line number; `onHover` for a line under the pointer, or focused. */
  constructor(
    readonly source: Source, onLine: (line: number) => void, onHover: (line: number | null) => void,
  ) {
    const { text, html, language, listing } = source;
    this.element = create('div', `listing ${language}`);
    this.element.setAttribute('role', 'group');
    this.element.setAttribute('aria-label', `${source.name}, lines of code`);
    const plain = text.split('\n');
    const shown = plain.flatMap((each, i) => (
      listing.hidden.has(i + 1) || (i === plain.length - 1 && each === '') ? [] : [i + 1]));
    for (let at = 0; at < shown.length; at += BLOCK_LINES) {
      this.element.append(this.block(shown.slice(at, at + BLOCK_LINES), html));
    }
    for (const { line, text: note } of listing.notes) {
      const aside = create('span', 'note');
      aside.setAttribute('role', 'note');
      aside.append(create('span', 'text', note));
      this.lines.get(line)?.append(aside);
    }
    this.element.addEventListener('click', ({ target }) => {
      const number = lineOf(target, '.no, .count');
      if (number !== null) onLine(number);
    });
    const hover = ({ target }: Event): void => onHover(lineOf(target, '.line'));
    this.element.addEventListener('mouseover', hover);
    this.element.addEventListener('focusin', hover);
    this.element.addEventListener('mouseleave', () => onHover(null));
    this.element.addEventListener('focusout', () => onHover(null));
    this.element.addEventListener('keydown', (event) => this.walk(event));
  }

  /** Sets innerHTML once, for speed: a file has more than a thousand lines. */
  private block(numbers: readonly number[], html: readonly string[]): HTMLElement {
    const block = create('div', 'block');
    block.style.setProperty('--lines', String(numbers.length));
    block.innerHTML = numbers.map((number) => {
      const code = html[number - 1];
      const count = this.source.listing.cases.has(number) ? '<span class="count"></span>' : '';
      return `<div class="line" data-line="${number}" style="--indent:${/^ */.exec(code)?.[0].length ?? 0}">`
        + `<button class="no" type="button" tabindex="-1" aria-label="line ${number}">${number}</button>`
        + `<code>${code === '' ? ' ' : code}</code>${count}</div>`;
    }).join('');
    for (const line of block.querySelectorAll<HTMLElement>('.line')) this.lines.set(Number(line.dataset['line']), line);
    return block;
  }

  /** Shows how often each line ran in the scene, and how often the scene came to each `case`. */
  count(runs: ReadonlyMap<number, number>): void {
    for (const number of new Set([...this.counted.keys(), ...runs.keys()])) {
      const ran = runs.get(number) ?? 0;
      if (ran === (this.counted.get(number) ?? 0)) continue;
      const line = this.lines.get(number);
      line?.classList.toggle('reached', ran > 0);
      line?.firstElementChild?.setAttribute('aria-label', `line ${number}${ran > 0 ? `, ran ${ran} times` : ', never ran'}`);
    }
    this.counted = runs;
    for (const [number, first] of this.source.listing.cases) {
      const badge = this.lines.get(number)?.querySelector('.count');
      if (badge === null || badge === undefined) continue;
      const reached = runs.get(first) ?? 0;
      badge.textContent = `${reached}×`;
      badge.classList.toggle('never', reached === 0);
      badge.setAttribute('title', `this scene comes here ${reached} times`);
    }
  }

  /** Gives the mark to these lines, and takes it from others. */
  mark(mark: Mark, numbers: readonly number[]): void {
    for (const line of this.marked.get(mark) ?? []) {
      line.classList.remove(mark);
      if (mark === 'current') line.removeAttribute('aria-current');
    }
    const lines = numbers.flatMap((number) => this.lines.get(number) ?? []);
    for (const line of lines) {
      line.classList.add(mark);
      if (mark === 'current') line.setAttribute('aria-current', 'step');
    }
    this.marked.set(mark, lines);
    if (mark === 'current' && lines.length > 0) this.makeFocusable(lines[0]);
  }

  /** Scrolls only if the line is not well in sight: then with its function's head at the top, if both have room. */
  reveal(number: number): void {
    const line = this.lines.get(number);
    const box = this.element;
    if (line === undefined || box.clientHeight === 0) return;
    if (isWellSeen(line, box)) return;
    const begun = this.source.listing.functions.findLast((each) => each.line <= number);
    const head = this.lines.get(begun?.line ?? 1) ?? line;
    // Lines that were never in sight have an estimated height until they are scrolled to.
    for (let i = 0; i < SCROLLS_MAX; i++) {
      const [top, headTop] = [line, head].map((each) => topIn(box, each));
      const by = top - headTop < box.clientHeight * 0.7 ? headTop - 8 : top - box.clientHeight * 0.35;
      if (Math.abs(by) < 2) break;
      box.scrollTop += by;
    }
  }

  /** Only lines around this one are printed. */
  near(number: number, before: number, after: number): void {
    for (const [each, line] of this.lines) line.classList.toggle('near', each >= number - before && each <= number + after);
  }

  /** The note in the margin at the line; '' for none. */
  noteAt(number: number): string {
    return this.source.listing.notes.findLast(({ line }) => line === number)?.text ?? '';
  }

  textOf(number: number): string {
    return this.lines.get(number)?.querySelector('code')?.textContent.trim() ?? '';
  }

  /** Tab reaches one line; the arrow keys go on from there. */
  private makeFocusable(line: HTMLElement): void {
    const button = line.querySelector('button');
    if (this.focusable !== null) this.focusable.tabIndex = -1;
    if (button !== null) button.tabIndex = 0;
    this.focusable = button;
  }

  private walk(event: KeyboardEvent): void {
    const line = lineOf(event.target, '.line');
    if (line === null || (event.key !== 'ArrowDown' && event.key !== 'ArrowUp')) return;
    const numbers = [...this.lines.keys()];
    const next = this.lines.get(numbers[numbers.indexOf(line) + (event.key === 'ArrowDown' ? 1 : -1)]);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.makeFocusable(next);
    next.querySelector('button')?.focus();
  }
}

/** The browser lays out or skips this many lines together (page.css): single lines would cost more than they save. */
const BLOCK_LINES = 24;
const SCROLLS_MAX = 4;

function topIn(box: HTMLElement, line: HTMLElement): number {
  return line.getBoundingClientRect().top - box.getBoundingClientRect().top;
}

/** Whether the line is neither at the very top nor near the lower end. */
function isWellSeen(line: HTMLElement, box: HTMLElement): boolean {
  const top = topIn(box, line);
  return top > box.clientHeight * 0.1 && top < box.clientHeight * 0.75;
}

function lineOf(target: EventTarget | null, inside: string): number | null {
  const line = target instanceof Element ? target.closest(inside)?.closest<HTMLElement>('.line') : null;
  return line === null || line === undefined ? null : Number(line.dataset['line']);
}
