// Two runs side by side, stepping together from their first differing step.
import type { Trace } from '../trace';
import type { PageData } from '../page-data';
import { narrate } from '../narrate';
import { side } from '../views/side';
import { byId, create, draw } from './dom';
import { momentAt } from './panels';
import type { Kind } from './travel';
import { travel } from './travel';

interface Side {
  trace: Trace;
  n: number;
  title: string;
  element: HTMLElement;
}

export class Comparison {
  private readonly element = byId('comparison', HTMLElement);
  private sides: Side[] = [];
  private sources: PageData['sources'] = [];

  get isOpen(): boolean {
    return this.sides.length > 0;
  }

  /** `difference`: the first differing step of each. */
  open(before: Trace, after: Trace, difference: readonly [number, number], sources: PageData['sources']): void {
    this.sources = sources;
    this.sides = [before, after].map((trace, i) => ({
      trace, n: difference[i], title: `${i === 0 ? 'Before' : 'After'}: ${trace.scene.title}`, element: create('section', 'side'),
    }));
    this.element.replaceChildren(...this.sides.map(({ element, title }) => {
      element.setAttribute('aria-label', title);
      return element;
    }));
    this.element.hidden = false;
    this.show();
  }

  travel(kind: Kind, direction: 1 | -1): void {
    for (const each of this.sides) each.n = travel(each.trace, each.n, kind, direction);
    this.show();
  }

  /** Returns the step of the second run; null if nothing was open. */
  close(): number | null {
    const n = this.sides.at(1)?.n ?? null;
    this.sides = [];
    this.element.hidden = true;
    this.element.replaceChildren();
    return n;
  }

  private show(): void {
    const told = this.sides.map(({ trace, n }) => `${trace.steps[n].file}:${trace.steps[n].line} ${narrate(trace, n)}`);
    for (const { trace, n, title, element } of this.sides) {
      const { file } = trace.steps[n];
      const moment = momentAt(trace, n, null);
      draw(side(moment, title, narrate(trace, n), this.sources[file].text, told[0] !== told[1]), element);
    }
    for (const list of this.element.querySelectorAll('[data-follow="end"]')) list.scrollTop = list.scrollHeight;
  }
}
