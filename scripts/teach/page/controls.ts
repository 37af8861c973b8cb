// The controls: scenes, steps, the timeline, tools and keys. They show the page's state, and report requests.
import type { Scene, Trace } from '../trace';
import type { Moment } from '../views/moment';
import { number } from '../views/moment';
import { bands, describeAct, timeline } from '../views/timeline';
import { byId, create, draw } from './dom';
import { setUpKeys } from './keys';
import type { KeyAction } from './keys';
import type { Kind } from './travel';
import { KINDS } from './travel';

export interface Wanted {
  scene: (scene: Scene) => void;
  step: (n: number) => void;
  travel: (kind: Kind, direction: 1 | -1) => void;
  why: () => void;
  fault: () => void;
  edit: () => void;
  compare: () => void;
  link: () => void;
}

const STATUS_MS = 6000;

export class Controls {
  private readonly scenes = byId('scene', HTMLSelectElement);
  private readonly slider = byId('slider', HTMLInputElement);
  private readonly number = byId('number', HTMLInputElement);
  private readonly cursor = byId('cursor', HTMLElement);
  private readonly clock = byId('clock', HTMLElement);
  private readonly compareButton = byId('compare', HTMLButtonElement);
  private readonly status = byId('status', HTMLElement);
  private acts: { button: HTMLButtonElement; from: number; to: number }[] = [];
  private last = 0;
  private n = 0;
  private timer = 0;

  constructor(private readonly known: readonly Scene[], canRun: boolean, private readonly wanted: Wanted) {
    for (const { name, title } of known) this.scenes.append(new Option(title, name));
    this.scenes.addEventListener('change', () => {
      const scene = known.find(({ name }) => name === this.scenes.value);
      if (scene !== undefined) wanted.scene(scene);
    });
    for (const button of document.querySelectorAll<HTMLElement>('.live')) button.hidden = !canRun;
    this.kinds();
    this.clicks({
      first: () => wanted.step(0),
      last: () => wanted.step(this.last),
      back: () => wanted.travel(this.kind, -1),
      forward: () => wanted.travel(this.kind, 1),
      why: wanted.why,
      fault: wanted.fault,
      edit: wanted.edit,
      compare: wanted.compare,
      link: wanted.link,
      help: () => byId('help-dialog', HTMLDialogElement).showModal(),
    });
    this.slider.addEventListener('input', () => wanted.step(Number(this.slider.value)));
    this.number.addEventListener('change', () => {
      const step = Number(this.number.value);
      if (Number.isInteger(step)) wanted.step(step);
      else this.number.value = String(this.n);
    });
    setUpKeys(this.keys(canRun));
  }

  private get kind(): Kind {
    const chosen = document.querySelector<HTMLInputElement>('#kinds input:checked')?.value;
    return KINDS.find(({ name }) => name === chosen)?.name ?? 'change';
  }

  /** Shows another run. */
  open(scene: Scene, trace: Trace): void {
    this.last = trace.steps.length - 1;
    this.slider.max = String(this.last);
    byId('of', HTMLElement).textContent = `of ${this.last}`;
    const isKnown = this.known.includes(scene);
    this.scenes.querySelector('option[data-edited]')?.remove();
    if (!isKnown) {
      const option = new Option(scene.title, '');
      option.dataset['edited'] = '';
      this.scenes.prepend(option);
    }
    this.scenes.value = isKnown ? scene.name : '';
    draw(timeline(trace), byId('ticks', HTMLElement));
    this.acts = bands(trace).map(({ act, from, to }) => {
      const button = create('button', '', act < 0 ? 'start' : `${act + 1} ${describeAct(scene.acts[act])}`);
      button.type = 'button';
      button.tabIndex = -1;
      button.title = `${describeAct(scene.acts[act])} (from step ${from})`;
      button.dataset['do'] = `step:${from}`;
      button.style.left = `${(from / Math.max(1, this.last)) * 100}%`;
      button.style.width = `${((to - from) / Math.max(1, this.last)) * 100}%`;
      return { button, from, to };
    });
    byId('acts', HTMLElement).replaceChildren(...this.acts.map(({ button }) => button));
  }

  show(moment: Moment): void {
    const { n } = moment;
    this.n = n;
    this.slider.value = String(n);
    this.slider.setAttribute('aria-valuetext', `step ${n} of ${this.last}`);
    this.number.value = String(n);
    this.cursor.style.left = `${(n / Math.max(1, this.last)) * 100}%`;
    const clock = `${number(moment, 'clock').toFixed(3)} s`;
    this.clock.textContent = `clock ${clock}`;
    this.clock.setAttribute('aria-label', `Simulated clock: ${clock}`);
    for (const { button, from, to } of this.acts) button.classList.toggle('current', n >= from && n < to);
  }

  canCompare(can: boolean): void {
    this.compareButton.hidden = !can;
    if (!can) this.comparing(false);
  }

  comparing(on: boolean): void {
    this.compareButton.setAttribute('aria-pressed', String(on));
    byId('main', HTMLElement).hidden = on;
    document.body.classList.toggle('comparing', on);
  }

  /** Shows one line that goes away by itself. */
  say(text: string): void {
    window.clearTimeout(this.timer);
    this.status.textContent = text;
    if (text !== '') this.timer = window.setTimeout(() => this.say(''), STATUS_MS);
  }

  private kinds(): void {
    byId('kinds', HTMLElement).append(...KINDS.map(({ name, title, key }, i) => {
      const label = create('label');
      const input = create('input');
      input.type = 'radio';
      input.name = 'kind';
      input.value = name;
      input.checked = i === 0;
      label.append(input, `${title} `, create('kbd', '', key));
      return label;
    }));
  }

  private clicks(actions: Readonly<Record<string, () => void>>): void {
    for (const [id, action] of Object.entries(actions)) byId(id, HTMLElement).addEventListener('click', () => action());
  }

  private act(direction: 1 | -1): void {
    const at = this.acts.findLastIndex(({ from }) => from <= this.n);
    const isStart = this.acts.at(at)?.from === this.n;
    const before = Math.max(0, isStart ? at - 1 : at);
    const target = this.acts.at(direction === 1 ? Math.min(at + 1, this.acts.length - 1) : before);
    if (target !== undefined) this.wanted.step(target.from);
  }

  private keys(canRun: boolean): KeyAction[] {
    const click = (id: string) => () => byId(id, HTMLElement).click();
    const kinds = KINDS.map(({ name, about, key }): KeyAction => ({
      keys: [key, key.toUpperCase()], shown: `${key} Shift+${key}`, about: `${about}; with Shift back`,
      run: (pressed) => this.wanted.travel(name, pressed === key ? 1 : -1),
    }));
    return [
      { keys: ['ArrowRight', ' '], shown: '→ Space', about: 'forward, by the chosen kind of step', run: click('forward') },
      { keys: ['ArrowLeft'], shown: '←', about: 'back', run: click('back') },
      ...kinds,
      { keys: [']'], shown: ']', about: 'to the next thing that happens from outside', run: () => this.act(1) },
      { keys: ['['], shown: '[', about: 'to where this one began, or the one before', run: () => this.act(-1) },
      { keys: ['Home'], shown: 'Home', about: 'to the first step', run: click('first') },
      { keys: ['End'], shown: 'End', about: 'to the last step', run: click('last') },
      { keys: ['g'], shown: 'g', about: 'type a step’s number', run: () => this.number.select() },
      { keys: ['w'], shown: 'w', about: 'why am I here? To where the state was written last', run: click('why') },
      { keys: ['q'], shown: 'q', about: 'quiz: what comes next?', run: click('quiz') },
      ...(canRun ? [
        { keys: ['f'], shown: 'f', about: 'make a call fail from here on', run: click('fault') },
        { keys: ['y'], shown: 'y', about: 'your own scene, or a change of this one', run: click('edit') },
        { keys: ['x'], shown: 'x', about: 'compare with the run before the change', run: () => {
          if (!this.compareButton.hidden) this.compareButton.click();
        } },
      ] : []),
      { keys: ['b'], shown: 'b', about: 'your own C source beside it', run: click('c-source') },
      { keys: ['l'], shown: 'l', about: 'copy a link to this step', run: click('link') },
      { keys: ['p'], shown: 'p', about: 'projector size', run: click('projector') },
      { keys: ['d'], shown: 'd', about: 'light, dark, or as the system has it', run: click('theme') },
      { keys: ['?'], shown: '?', about: 'this help', run: click('help') },
      { keys: [], shown: 'Tab ↑ ↓ Enter', about: 'in the code: from line to line; Enter lists the steps that ran it', run: () => undefined },
      { keys: [], shown: 'Tab ← → Enter', about: 'in a buffer: from byte to byte; Enter goes to the step that wrote it', run: () => undefined },
    ];
  }
}
