// The keyboard: one letter for each button's action. A letter alone goes forward, with Shift it goes back.
import { byId, create } from './dom';

export interface KeyAction {
  /** As KeyboardEvent.key has it. */
  keys: readonly string[];
  /** As the help shows it. */
  shown: string;
  about: string;
  run: (key: string) => void;
}

export function setUpKeys(actions: readonly KeyAction[]): void {
  const list = byId('keys', HTMLElement);
  for (const { shown, about } of actions) {
    const term = create('dt');
    shown.split(' ').forEach((key, i) => term.append(i === 0 ? '' : ' ', create('kbd', '', key)));
    list.append(term, create('dd', '', about));
  }
  const dialogs = [...document.querySelectorAll('dialog')];
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (dialogs.some(({ open }) => open) || takesKeys(event.target, event.key)) return;
    const action = actions.find(({ keys }) => keys.includes(event.key));
    if (action === undefined) return;
    event.preventDefault();
    action.run(event.key);
  });
}

/** Whether the element has a use of its own for the key. */
function takesKeys(target: EventTarget | null, key: string): boolean {
  // A closed dialog keeps the focus until the next frame.
  if (target instanceof Element && target.closest('dialog')?.open === false) return false;
  if (target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLInputElement) {
    if (target.type === 'radio' || target.type === 'range') return /^(Arrow|Home|End|Page| )/.test(key);
    return true;
  }
  if (target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement) return key === ' ' || key === 'Enter';
  return false;
}
