// The dialog for writing a new scene, or changing the shown one.
import type { Act, Scene } from '../trace';
import type { Row } from '../acts-text';
import { actKinds, actsOf, argumentsOf, rowsOf } from '../acts-text';
import { edited } from '../faults';
import { byId, create } from './dom';

const CLIENTS = ['A', 'B', 'C'];

export class Editor {
  private readonly dialog = byId('edit-dialog', HTMLDialogElement);
  private readonly rows = byId('edit-rows', HTMLElement);
  private readonly args = byId('edit-args', HTMLInputElement);
  private readonly buffer = byId('edit-buffer', HTMLInputElement);
  private readonly error = byId('edit-error', HTMLElement);
  private scene: Scene | null = null;

  /** `run` gets the scene, and the index of the first changed act. */
  constructor(private readonly run: (scene: Scene, firstAct: number) => void) {
    byId('edit-add', HTMLButtonElement).addEventListener('click', () => {
      const row = this.addRow({ kind: 'send', client: this.lastClient(), text: 'get greeting\\r\\n', times: 1 });
      const input = row.querySelector<HTMLInputElement>('input[type="text"]');
      input?.focus();
      input?.select();
    });
    byId('edit-empty', HTMLButtonElement).addEventListener('click', () => {
      this.rows.replaceChildren();
      this.addRow({ kind: 'send', client: 'A', text: 'set greeting 0 0 5\\r\\nhello\\r\\n', times: 1 });
      this.addRow({ kind: 'send', client: 'A', text: 'get greeting\\r\\n', times: 1 });
    });
    byId('edit-run', HTMLButtonElement).addEventListener('click', () => this.accept());
    byId('edit-form', HTMLFormElement).addEventListener('submit', (event) => {
      // Enter in a field runs the scene; only the button cancels.
      if (event.submitter instanceof HTMLButtonElement && event.submitter.value === 'cancel' && !this.typing()) return;
      event.preventDefault();
      this.accept();
    });
  }

  open(scene: Scene): void {
    this.scene = scene;
    this.args.value = scene.args.join(' ');
    this.buffer.value = scene.options?.sendBuffer === undefined ? '' : String(scene.options.sendBuffer);
    this.error.textContent = '';
    this.rows.replaceChildren();
    for (const row of rowsOf(scene.acts)) this.addRow(row);
    this.dialog.showModal();
  }

  private typing(): boolean {
    return document.activeElement instanceof HTMLInputElement;
  }

  private addRow({ kind, client, text, times }: Row): HTMLElement {
    const row = create('div', 'row');
    const number = this.rows.children.length + 1;
    const who = select(`Client of line ${number}`, CLIENTS.map((name) => [name, name]), client);
    const what = select(`What happens in line ${number}`, actKinds.map(({ name, title }) => [name, title]), kind);
    const value = create('input');
    value.type = 'text';
    value.value = text;
    value.spellcheck = false;
    value.setAttribute('aria-label', `Text of line ${number}`);
    const often = create('input');
    often.type = 'number';
    often.min = '1';
    often.max = '1000000';
    often.value = String(times);
    often.title = 'how often, in one go';
    often.setAttribute('aria-label', `How often line ${number} is sent`);
    const remove = create('button', '', '✕');
    remove.type = 'button';
    remove.setAttribute('aria-label', `Remove line ${number}`);
    remove.addEventListener('click', () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      (next?.querySelector('select') ?? byId('edit-add', HTMLButtonElement)).focus();
    });
    const fit = (): void => {
      value.hidden = !actKinds.some(({ name, needs }) => name === what.value && needs !== '');
      often.hidden = what.value !== 'send';
      who.hidden = what.value === 'advance' || what.value === 'other';
    };
    what.addEventListener('change', fit);
    fit();
    row.append(who, what, value, often, remove);
    this.rows.append(row);
    return row;
  }

  private lastClient(): string {
    return this.rows.lastElementChild?.querySelector('select')?.value ?? 'A';
  }

  private accept(): void {
    if (this.scene === null) return;
    try {
      const acts = actsOf([...this.rows.children].map(readRow));
      const before = this.scene;
      const buffer = this.buffer.value === '' ? null : Number(this.buffer.value);
      const scene: Scene = {
        ...edited(before), acts, args: argumentsOf(this.args.value),
        options: { ...before.options, ...(buffer === null ? {} : { sendBuffer: buffer }) },
      };
      if (buffer === null) delete scene.options?.sendBuffer;
      this.dialog.close();
      this.run(scene, firstDifference(before.acts, acts));
    } catch (error) {
      this.error.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}

function readRow(row: Element): Row {
  const [who, what] = row.querySelectorAll('select');
  const kind = actKinds.find(({ name }) => name === what.value)?.name ?? 'send';
  const [text, times] = row.querySelectorAll('input');
  return { kind, client: who.value, text: text.value, times: Math.max(1, Math.trunc(Number(times.value)) || 1) };
}

function select(name: string, options: readonly (readonly [string, string])[], value: string): HTMLSelectElement {
  const made = create('select');
  made.setAttribute('aria-label', name);
  made.append(...options.map(([each, title]) => new Option(title, each)));
  made.value = value;
  return made;
}

function firstDifference(before: readonly Act[], after: readonly Act[]): number {
  const index = after.findIndex((act, i) => JSON.stringify(act) !== JSON.stringify(before[i]));
  return index === -1 ? Math.max(0, after.length - 1) : index;
}
