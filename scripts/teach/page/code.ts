// The code column: a tab for each file, the port's listing, and beside it the reader's C, scrolled together.
import type { Trace } from '../trace';
import { alignSources } from '../../align/align';
import { runCounts } from '../steps';
import { create } from './dom';
import { ListingPane } from './listing-pane';
import type { Source } from './listing-pane';

/** Lines of C by the port's line, and the other way. */
interface Twins {
  toC: ReadonlyMap<number, readonly number[]>;
  toTs: ReadonlyMap<number, readonly number[]>;
  /** The share of the port's lines that have a line of C. */
  share: number;
}

interface PlaceInCode {
  file: number;
  line: number;
}

/** Where its parts stand in the page. */
export interface CodePlaces {
  tabs: HTMLElement;
  port: HTMLElement;
  c: HTMLElement;
  functions: HTMLSelectElement;
  note: HTMLElement;
}

export interface CodeEvents {
  /** A line of the port was chosen. */
  line: (file: number, line: number) => void;
}

export class Code {
  private readonly panes: (ListingPane | null)[];
  private readonly cPanes: (ListingPane | null)[];
  private readonly twins: (Twins | null)[];
  private readonly tabs: HTMLButtonElement[];
  private runs: Map<number, number>[] = [];
  private marked: { current: PlaceInCode; ran: PlaceInCode | null } | null = null;
  /** Index of the file that is shown. */
  private shown = -1;

  constructor(
    private readonly sources: readonly Source[],
    private readonly place: CodePlaces,
    private readonly events: CodeEvents,
  ) {
    this.panes = sources.map(() => null);
    this.cPanes = sources.map(() => null);
    this.twins = sources.map(() => null);
    this.tabs = sources.map(({ name }, i) => {
      const tab = create('button', '', name.replace(/^.*\//, ''));
      tab.type = 'button';
      tab.title = name;
      tab.setAttribute('aria-pressed', 'false');
      tab.addEventListener('click', () => this.show(i));
      return tab;
    });
    place.tabs.append(...this.tabs);
    place.functions.addEventListener('change', () => this.pane(this.shown).reveal(Number(place.functions.value)));
  }

  /** Makes all listings now, instead of when they are first shown. */
  prepare(): void {
    this.sources.forEach((_, file) => this.pane(file));
  }

  /** Counts the lines that the steps of a run ran. */
  count(trace: Trace): void {
    this.runs = this.sources.map(() => new Map<number, number>());
    for (const [place, times] of runCounts(trace)) {
      const [file, line] = place.split(':').map(Number);
      this.runs[file].set(line, times);
    }
    this.panes.forEach((pane, i) => pane?.count(this.runs[i]));
  }

  /** Marks the line that is about to run, and the one that has just run, without scrolling: see reveal. */
  at(current: PlaceInCode, ran: PlaceInCode | null): void {
    this.marked = { current, ran };
    this.show(current.file);
    this.panes.forEach((pane, file) => {
      if (pane === null) return;
      const [now, before] = [current, ran].map((step) => (step?.file === file ? [step.line] : []));
      pane.mark('ran', before);
      pane.mark('current', now);
      this.cPanes[file]?.mark('ran', this.cLines(file, before));
      this.cPanes[file]?.mark('current', this.cLines(file, now));
    });
    this.place.note.textContent = this.pane(current.file).noteAt(current.line);
  }

  reveal(file: number, line: number): void {
    this.show(file);
    this.pane(file).reveal(line);
    const cLine = this.cLines(file, [line]).at(0);
    if (cLine !== undefined) this.cPanes[file]?.reveal(cLine);
  }

  revealMarked(): void {
    if (this.marked !== null) this.reveal(this.marked.current.file, this.marked.current.line);
  }

  /** Marks the line whose runs are listed; null for none. */
  choose(file: number, line: number | null): void {
    this.panes.forEach((pane, i) => pane?.mark('chosen', i === file && line !== null ? [line] : []));
  }

  textOf(file: number, line: number): string {
    return this.pane(file).textOf(line);
  }

  near(file: number, line: number): void {
    this.pane(file).near(line, 24, 24);
    const cLine = this.cLines(file, [line]).at(0);
    if (cLine !== undefined) this.cPanes[file]?.near(cLine, 24, 24);
  }

  show(file: number): void {
    if (file === this.shown) return;
    this.shown = file;
    const pane = this.pane(file);
    this.panes.forEach((each, i) => each?.element.classList.toggle('off', i !== file));
    this.cPanes.forEach((each, i) => each?.element.classList.toggle('off', i !== file));
    this.tabs.forEach((tab, i) => tab.setAttribute('aria-pressed', String(i === file)));
    this.place.functions.replaceChildren(new Option('Go to function…', ''),
      ...pane.source.listing.functions.map(({ name, line }) => new Option(name, String(line))));
  }

  /** Adds the reader's own C for a file of the port. Throws SyntaxError for a source that cannot be parsed. */
  addC(file: number, c: Source): void {
    const aligned = alignSources(c.text, this.sources[file].text).flatMap(({ lines }) => lines);
    const toC = new Map(aligned.map(({ line, cLines }) => [line, cLines]));
    const toTs = new Map<number, number[]>();
    for (const { line, cLines } of aligned) for (const each of cLines) toTs.set(each, [...toTs.get(each) ?? [], line]);
    const paired = aligned.filter(({ cLines }) => cLines.length > 0).length;
    this.twins[file] = { toC, toTs, share: aligned.length === 0 ? 0 : paired / aligned.length };
    const pane = new ListingPane(c, (line) => {
      const twin = toTs.get(line)?.at(0);
      if (twin !== undefined) this.events.line(file, twin);
    }, (line) => this.twin(file, line === null ? [] : toTs.get(line) ?? [], line));
    this.cPanes[file]?.element.remove();
    this.cPanes[file] = pane;
    pane.element.classList.toggle('off', this.shown !== file);
    this.place.c.append(pane.element);
    if (this.marked !== null) this.at(this.marked.current, this.marked.ran);
  }

  /** The share, 0 to 1, of the port's lines in this run that have their line of C. */
  shareOfRun(): number {
    let all = 0;
    let paired = 0;
    this.runs.forEach((lines, file) => {
      const toC = this.twins[file]?.toC;
      if (toC === undefined) return;
      for (const line of lines.keys()) {
        all++;
        if ((toC.get(line)?.length ?? 0) > 0) paired++;
      }
    });
    return all === 0 ? 0 : paired / all;
  }

  private pane(file: number): ListingPane {
    const known = this.panes[file];
    if (known !== null) return known;
    const pane = new ListingPane(this.sources[file], (line) => this.events.line(file, line),
      (line) => this.twin(file, line === null ? [] : [line], null));
    if (this.runs.length > 0) pane.count(this.runs[file]);
    this.panes[file] = pane;
    pane.element.classList.toggle('off', this.shown !== file);
    this.place.port.append(pane.element);
    return pane;
  }

  /** Links lines of both columns while the pointer is on one of them. */
  private twin(file: number, lines: readonly number[], cLine: number | null): void {
    const c = this.cPanes[file];
    if (c === null) return;
    this.pane(file).mark('twin', lines);
    c.mark('twin', cLine === null ? this.cLines(file, lines) : [cLine]);
  }

  private cLines(file: number, lines: readonly number[]): number[] {
    return lines.flatMap((line) => this.twins[file]?.toC.get(line) ?? []);
  }
}
