// The panels of the right half: made once, and redrawn in place at each step.
import type { Scene, Trace } from '../trace';
import { stateAt } from '../state';
import type { Markup } from '../views/markup';
import { h } from '../views/markup';
import { history } from '../views/history';
import type { Moment } from '../views/moment';
import { connections } from '../views/moment';
import { firstPanels, panels } from '../views/panels';
import { byId, create, draw } from './dom';

/** `pinned`: the connection that the reader has chosen; null follows the current one. */
export function momentAt(trace: Trace, n: number, pinned: string | null): Moment {
  const moment: Moment = { trace, n, step: trace.steps[n], state: stateAt(trace, n), conn: null };
  const open = connections(moment);
  const isOpen = (id: string | null): id is string => open.some((each) => each.id === id);
  const inHand = history(trace).inHand[n];
  moment.conn = isOpen(pinned) ? pinned : isOpen(inHand) ? inHand : open.at(-1)?.id ?? null;
  return moment;
}

export class Panels {
  pinned: string | null = null;
  private readonly bodies = new Map<string, HTMLElement>();
  private readonly choosers: HTMLElement[] = [];

  /** `redraw` is called when the reader chooses another connection. */
  constructor(private readonly redraw: () => void) {
    for (const { id, title, column, long, choosesConnection } of panels) {
      const section = create('section', `panel ${id}-panel${long === true ? ' long' : ''}`);
      const heading = create('h2');
      const fold = create('button', '', title);
      fold.type = 'button';
      fold.setAttribute('aria-expanded', 'true');
      fold.addEventListener('click', () => {
        body.hidden = !body.hidden;
        fold.setAttribute('aria-expanded', String(!body.hidden));
      });
      heading.append(fold);
      heading.id = `${id}-title`;
      section.setAttribute('aria-labelledby', heading.id);
      const head = create('div', 'head');
      const body = create('div', 'body');
      head.append(heading);
      section.append(head, body);
      if (choosesConnection === true) {
        const chooser = create('div', 'tabs');
        chooser.setAttribute('role', 'group');
        chooser.setAttribute('aria-label', 'Connection');
        head.append(chooser);
        this.choosers.push(chooser);
      }
      byId(column, HTMLElement).append(section);
      this.bodies.set(id, body);
    }
    document.addEventListener('keydown', walkCells);
  }

  /** Shows another run. An edited scene keeps the order of its panels. */
  open(scene: Scene): void {
    this.pinned = null;
    if (scene.name === 'edited') return;
    const first = firstPanels[scene.name] ?? [];
    for (const [id, body] of this.bodies) {
      const section = body.parentElement;
      if (section !== null) section.style.order = first.includes(id) ? '-1' : '';
    }
  }

  pin(id: string | null): void {
    this.pinned = id;
    this.redraw();
  }

  show(moment: Moment): void {
    for (const { id, view } of panels) {
      const body = this.bodies.get(id);
      if (body !== undefined) draw(view(moment), body);
    }
    for (const chooser of this.choosers) draw(this.choices(moment), chooser);
  }

  /** Scrolls growing lists to their ends. */
  follow(): void {
    for (const body of this.bodies.values()) {
      const list = body.firstElementChild;
      if (list?.getAttribute('data-follow') === 'end') list.scrollTop = list.scrollHeight;
    }
  }

  private choices(moment: Moment): Markup[] {
    const button = (id: string, name: string, pressed: boolean): Markup => h('button', {
      key: id, type: 'button', 'data-do': `conn:${id}`, 'aria-pressed': String(pressed),
    }, name);
    return [button('', 'follow', this.pinned === null),
      ...connections(moment).map(({ id, name }) => button(id, name, this.pinned === id))];
  }
}

/** The arrow keys go from byte to byte. */
function walkCells(event: KeyboardEvent): void {
  const cell = event.target instanceof HTMLElement && event.target.classList.contains('cell') ? event.target : null;
  const next = event.key === 'ArrowRight' ? cell?.nextElementSibling : event.key === 'ArrowLeft' ? cell?.previousElementSibling : null;
  if (cell === null || (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft')) return;
  event.preventDefault();
  if (next instanceof HTMLElement && next.classList.contains('cell')) next.focus();
}
