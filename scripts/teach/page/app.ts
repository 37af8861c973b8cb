// The page's state and its changes by the controls. Each change ends in one synchronous redraw.
import type { Fault, Scene, Trace } from '../trace';
import type { PageData } from '../page-data';
import { STATES } from '../edges';
import { withFault } from '../faults';
import { readListing } from '../listing';
import { stepAt } from '../places';
import { firstDifference, whoWrote, whyHere } from '../steps';
import { clientsOf, nameOf } from '../views/moment';
import { byId } from './dom';
import { readAddress, writeAddress } from './address';
import { Code } from './code';
import { Comparison } from './comparison';
import { Controls } from './controls';
import { Editor } from './editor';
import { FaultDialog } from './fault-dialog';
import { Folder } from './folder';
import { Narration } from './narration';
import { Panels, momentAt } from './panels';
import { Quiz } from './quiz';
import { Runner } from './runner';
import { Runs } from './runs';
import type { Kind } from './travel';
import { questionOnTheWay, travel } from './travel';

/** The least time between updates of the address: browsers limit how often it may change. */
const ADDRESS_MS = 300;

export class App {
  private readonly runner: Runner;
  private readonly code: Code;
  private readonly controls: Controls;
  private readonly panels: Panels;
  private readonly narration = new Narration();
  private readonly runs: Runs;
  private readonly comparison = new Comparison();
  private readonly quiz = new Quiz();
  private readonly editor: Editor;
  private readonly faults: FaultDialog;
  private readonly scenes: readonly Scene[];
  private scene: Scene;
  private trace: Trace | null = null;
  private n = 0;
  /** The run that was shown before this one, for a comparison. */
  private before: Trace | null = null;
  private addressTimer = 0;
  private frame = 0;

  constructor(private readonly data: PageData) {
    this.scenes = data.scenes;
    this.runner = new Runner(data.trace);
    this.code = new Code(data.sources.map(({ name, text, html }) => ({
      name, text, html, language: 'typescript', listing: readListing(text),
    })), {
      tabs: byId('tabs', HTMLElement), port: byId('port', HTMLElement), c: byId('c', HTMLElement),
      functions: byId('functions', HTMLSelectElement), note: byId('note', HTMLElement),
    }, { line: (file, line) => this.listRuns(file, line) });
    this.runs = new Runs((step) => this.goTo(step), () => this.code.choose(0, null));
    this.panels = new Panels(() => this.show());
    this.controls = new Controls(this.scenes, this.runner.canRun, {
      scene: (scene) => void this.open(scene),
      step: (n) => this.goTo(n),
      travel: (kind, direction) => this.travel(kind, direction),
      why: () => this.why(),
      fault: () => this.openFaults(),
      edit: () => this.editor.open(this.scene),
      compare: () => this.compare(),
      link: () => void this.copyLink(),
    });
    this.editor = new Editor((scene, act) => void this.rerun(scene, (trace) => firstStepOf(trace, act)));
    this.faults = new FaultDialog((fault) => this.fail(fault));
    new Folder(this.code, data.sources.map(({ name }) => name), (text) => this.controls.say(text));
    document.addEventListener('click', ({ target }) => {
      const act = target instanceof Element ? target.closest<HTMLElement>('[data-do]')?.dataset['do'] : undefined;
      if (act !== undefined) this.perform(act);
    });
    window.addEventListener('hashchange', ({ newURL }) => void this.openAddress(new URL(newURL).hash));
    window.addEventListener('resize', () => this.show());
    window.addEventListener('beforeprint', () => this.beforePrint());
    [this.scene] = this.scenes;
    void this.openAddress(location.hash);
    // Meanwhile the worker runs the scene.
    this.code.prepare();
  }

  private async openAddress(hash: string): Promise<void> {
    window.clearTimeout(this.addressTimer);
    const address = readAddress(hash, this.scenes);
    const scene = address?.scene ?? this.scenes[0];
    const stepOf = (trace: Trace): number => {
      return address?.at === undefined ? address?.step ?? 0 : stepAt(trace, address.at.place, address.at.nth) ?? 0;
    };
    if (JSON.stringify(scene) === JSON.stringify(this.scene) && this.trace !== null) this.goTo(stepOf(this.trace));
    else await this.open(scene, stepOf);
  }

  private async open(scene: Scene, stepOf: (trace: Trace) => number = () => 0): Promise<void> {
    this.before = null;
    await this.run(scene, stepOf);
  }

  /** Runs an edit of the shown scene, and keeps the old run for a comparison. */
  private async rerun(scene: Scene, stepOf: (trace: Trace) => number): Promise<void> {
    const before = this.trace;
    if (await this.run(scene, stepOf)) this.before = before;
    this.controls.canCompare(this.before !== null);
  }

  private async run(scene: Scene, stepOf: (trace: Trace) => number): Promise<boolean> {
    this.controls.say('running the scene…');
    try {
      const trace = await this.runner.run(scene);
      this.comparison.close();
      this.scene = scene;
      this.trace = trace;
      this.n = Math.min(stepOf(trace), trace.steps.length - 1);
      this.code.count(trace);
      this.runs.close();
      this.controls.open(scene, trace);
      this.controls.canCompare(false);
      this.narration.open(scene);
      this.panels.open(scene);
      this.controls.say('');
      this.show();
      // Tells tests that the first step is shown, and after how many milliseconds.
      document.documentElement.dataset['ready'] ??= performance.now().toFixed();
      return true;
    } catch (error) {
      this.controls.say(`The scene could not be run: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }

  private show(): void {
    const { trace, n } = this;
    if (trace === null) return;
    const moment = momentAt(trace, n, this.panels.pinned);
    this.code.at(trace.steps[n], n === 0 ? null : trace.steps[n - 1]);
    this.panels.show(moment);
    this.narration.show(moment);
    this.controls.show(moment);
    this.runs.show(n);
    // Scrolling needs a layout, so it happens once per frame, however many steps a key that is held down makes.
    window.cancelAnimationFrame(this.frame);
    this.frame = window.requestAnimationFrame(() => this.scroll());
    window.clearTimeout(this.addressTimer);
    this.addressTimer = window.setTimeout(() => this.writeAddress(), ADDRESS_MS);
  }

  private scroll(): void {
    this.code.revealMarked();
    this.panels.follow();
  }

  private writeAddress(): void {
    history.replaceState(null, '', writeAddress({ scene: this.scene, step: this.n }, this.scenes));
  }

  private goTo(n: number): void {
    if (this.trace === null) return;
    this.n = Math.max(0, Math.min(n, this.trace.steps.length - 1));
    this.narration.because('');
    this.show();
  }

  travel(kind: Kind, direction: 1 | -1): void {
    const { trace, n } = this;
    if (trace === null) return;
    if (this.comparison.isOpen) {
      this.comparison.travel(kind, direction);
      return;
    }
    const target = travel(trace, n, kind, direction);
    const question = direction === 1 && this.quiz.on ? questionOnTheWay(trace, n, target) : null;
    if (question === null) {
      this.goTo(target);
      return;
    }
    this.goTo(question.step);
    const name = nameOf(momentAt(trace, question.step, null), String(question.conn));
    this.quiz.ask(question, name, () => this.goTo(Math.min(Math.max(target, question.step), question.answeredAt)));
  }

  private why(): void {
    const { trace, n } = this;
    if (trace === null) return;
    const { conn } = momentAt(trace, n, this.panels.pinned);
    const write = whyHere(trace, n, conn === null ? null : Number(conn));
    if (write === null) {
      this.narration.because('no connection has changed its state yet');
      return;
    }
    const from = write.from === null ? '' : ` from ${STATES[write.from]}`;
    this.goTo(write.step);
    this.narration.because(`this line takes the connection${from} to ${STATES[write.to]}: so it was at step ${n}`);
  }

  private perform(act: string): void {
    const [name, first, second] = act.split(':');
    if (name === 'step') this.goTo(Number(first));
    else if (name === 'byte') this.goToWriter(Number(first));
    else if (name === 'line') this.reveal(first, Number(second));
    else if (name === 'conn') this.panels.pin(first === '' ? null : first);
  }

  private goToWriter(address: number): void {
    if (this.trace === null) return;
    const { n } = this;
    const step = whoWrote(this.trace, n, address);
    if (step === null) this.narration.because('nothing has written this byte yet');
    else {
      this.goTo(step);
      this.narration.because(`this line writes the byte that you saw at step ${n}`);
    }
  }

  /** Shows a line, if necessary after switching to the function's file. */
  private reveal(name: string, line: number): void {
    if (this.trace === null) return;
    const fn = this.trace.functions.indexOf(name);
    if (fn !== -1) this.code.reveal(this.trace.functionFiles[fn], line);
  }

  private listRuns(file: number, line: number): void {
    if (this.trace === null) return;
    this.code.choose(file, line);
    this.runs.open(this.trace, file, line, this.code.textOf(file, line));
    this.runs.show(this.n);
  }

  private openFaults(): void {
    if (this.trace === null) return;
    const moment = momentAt(this.trace, this.n, this.panels.pinned);
    this.faults.open(clientsOf(this.trace), moment.conn === null ? null : nameOf(moment, moment.conn));
  }

  private fail(fault: Fault): void {
    const { trace, n } = this;
    if (trace === null) return;
    const scene = withFault(trace, n, fault);
    if (scene === null) {
      const limit = fault.limit === undefined ? '' : ` of more than ${fault.limit} bytes`;
      this.controls.say(`No ${fault.call}${limit} that this would change comes after step ${n}.`);
      return;
    }
    void this.rerun(scene, ({ steps }) => {
      return Math.max(0, steps.findIndex(({ calls }) => calls?.some(({ injected }) => injected === true)));
    });
  }

  private compare(): void {
    const { before, trace } = this;
    if (before === null || trace === null) return;
    if (this.comparison.isOpen) {
      this.n = this.comparison.close() ?? this.n;
      this.controls.comparing(false);
      this.show();
      return;
    }
    const difference = firstDifference(before, trace);
    if (difference === null) this.controls.say('The two runs are the same.');
    else {
      this.controls.comparing(true);
      this.comparison.open(before, trace, [difference.a, difference.b], this.data.sources);
      this.narration.say('Two runs side by side, from the first step at which they differ. Steps go on in both.');
    }
  }

  private async copyLink(): Promise<void> {
    this.writeAddress();
    try {
      await navigator.clipboard.writeText(location.href);
      this.controls.say('The link to this step is in the clipboard.');
    } catch {
      this.controls.say('The link to this step is in the address bar.');
    }
  }

  private beforePrint(): void {
    const step = this.trace?.steps[this.n];
    if (step !== undefined) this.code.near(step.file, step.line);
  }
}

function firstStepOf({ steps }: Trace, act: number): number {
  return Math.max(0, steps.findIndex((step) => step.act >= act));
}
