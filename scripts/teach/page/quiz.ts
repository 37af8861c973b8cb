// "What comes next?": asked before an edge of the state diagram is taken, with a score.
import { WAITS } from '../edges';
import type { Question } from '../edges';
import { byId, create } from './dom';

export class Quiz {
  private readonly dialog = byId('quiz-dialog', HTMLDialogElement);
  private readonly toggle = byId('quiz', HTMLButtonElement);
  private right = 0;
  private asked = 0;

  constructor() {
    this.toggle.addEventListener('click', () => {
      this.toggle.setAttribute('aria-pressed', String(!this.on));
      this.right = 0;
      this.asked = 0;
      this.showScore();
    });
  }

  get on(): boolean {
    return this.toggle.getAttribute('aria-pressed') === 'true';
  }

  /** `name`: the connection's client. `done` is called when the reader has seen the answer, or has skipped it. */
  ask({ state, choices: answers, answer: right, explanation }: Question, name: string, done: () => void): void {
    const verdict = byId('quiz-verdict', HTMLElement);
    const [skip, go] = ['quiz-skip', 'quiz-go'].map((id) => byId(id, HTMLButtonElement));
    byId('quiz-question', HTMLElement).textContent = `${name === 'listening' ? 'The listening socket' : `${name}’s connection`} is in ${state}. What comes next?`;
    verdict.textContent = '';
    skip.hidden = false;
    go.hidden = true;
    const buttons = answers.map((answer, i) => {
      const button = create('button', '', `${i + 1}  ${answer === WAITS ? 'it waits for an event' : answer}`);
      button.type = 'button';
      button.addEventListener('click', () => answered(answer));
      return button;
    });
    const answered = (answer: string): void => {
      this.asked++;
      if (answer === right) this.right++;
      verdict.textContent = `${answer === right ? 'Right.' : `No: ${right}.`} ${explanation}`;
      buttons.forEach((button, i) => {
        button.disabled = true;
        button.classList.toggle('right', answers[i] === right);
        button.classList.toggle('wrong', answers[i] === answer && answer !== right);
      });
      skip.hidden = true;
      go.hidden = false;
      go.focus();
      this.showScore();
    };
    byId('quiz-answers', HTMLElement).replaceChildren(...buttons);
    this.dialog.onkeydown = ({ key }) => {
      const chosen = buttons.at(Number(key) - 1);
      if (/^[1-9]$/.test(key) && chosen?.disabled === false && Number(key) <= buttons.length) chosen.click();
    };
    this.dialog.onclose = () => done();
    this.dialog.showModal();
    buttons[0]?.focus();
  }

  private showScore(): void {
    byId('score', HTMLElement).textContent = this.on ? `${this.right} of ${this.asked} ✓` : '';
  }
}
