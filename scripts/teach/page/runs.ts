// All steps that ran a line, each a button.
import type { Trace } from '../trace';
import { runsOf } from '../steps';
import { byId, create } from './dom';

export class Runs {
  private readonly element = byId('runs', HTMLElement);
  private buttons = new Map<number, HTMLButtonElement>();

  constructor(private readonly goTo: (step: number) => void, private readonly closed: () => void) {}

  open(trace: Trace, file: number, line: number, code: string): void {
    const steps = runsOf(trace, file, line);
    this.buttons = new Map(steps.map((step) => {
      const button = create('button', '', String(step));
      button.type = 'button';
      button.setAttribute('aria-label', `step ${step}`);
      button.addEventListener('click', () => this.goTo(step));
      return [step, button];
    }));
    const head = create('div', 'head');
    const close = create('button', '', 'Close');
    close.type = 'button';
    close.addEventListener('click', () => this.close());
    const times = steps.length === 0 ? 'never ran in this scene' : `ran ${steps.length} ${steps.length === 1 ? 'time' : 'times'}, at steps`;
    head.append(create('b', '', `line ${line}`), create('code', '', code.slice(0, 60)), create('span', '', times), close);
    const list = create('ol');
    list.append(...[...this.buttons.values()].map((button) => {
      const item = create('li');
      item.append(button);
      return item;
    }));
    this.element.replaceChildren(head, list);
    this.element.hidden = false;
  }

  show(n: number): void {
    for (const [step, button] of this.buttons) {
      button.classList.toggle('current', step === n);
      if (step === n) button.setAttribute('aria-current', 'step');
      else button.removeAttribute('aria-current');
    }
  }

  close(): void {
    this.element.hidden = true;
    this.buttons = new Map();
    this.closed();
  }
}
