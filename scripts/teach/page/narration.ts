// The sentence of the step, always in sight, and beside it the outside event.
import type { Scene } from '../trace';
import { narration } from '../narrate';
import type { Moment } from '../views/moment';
import { describeAct } from '../views/timeline';
import { byId } from './dom';

/** This many letters fit in large type. */
const LONG = 130;

export class Narration {
  private readonly sentence = byId('sentence', HTMLElement);
  private readonly act = byId('act', HTMLElement);
  private readonly next = byId('next', HTMLElement);
  private readonly reason = byId('because', HTMLElement);

  open({ title, about }: Scene): void {
    byId('about', HTMLElement).textContent = about;
    document.title = `${title} · memcached, step by step`;
    this.because('');
  }

  show({ trace, n, step }: Moment): void {
    const { happened, next, purpose } = narration(trace, n);
    const sentence = happened.length > 0 ? happened.join(' ') : next;
    this.sentence.textContent = sentence;
    this.sentence.classList.toggle('long', sentence.length > LONG);
    this.next.textContent = happened.length > 0 ? next : purpose;
    this.next.title = purpose;
    const { acts } = trace.scene;
    this.act.textContent = step.act < 0 ? 'The server starts.' : `${step.act + 1} of ${acts.length}: ${describeAct(acts[step.act])}`;
  }

  /** Shows a text in place of the sentence, until the next step. */
  say(text: string): void {
    this.sentence.textContent = text;
  }

  /** Shows the answer to a reader's question; '' for none. */
  because(text: string): void {
    this.reason.textContent = text;
    this.reason.title = text;
    this.next.hidden = text !== '';
  }
}
