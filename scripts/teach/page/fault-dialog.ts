// The dialog that makes a call fail after the shown step.
import type { Fault } from '../trace';
import { faultKinds, faultOf } from '../faults';
import { byId, create } from './dom';

export class FaultDialog {
  private readonly dialog = byId('fault-dialog', HTMLDialogElement);
  private readonly client = byId('fault-client', HTMLSelectElement);
  private readonly limit = byId('fault-limit', HTMLInputElement);
  private readonly kinds: HTMLInputElement[];

  constructor(private readonly chosen: (fault: Fault) => void) {
    this.kinds = faultKinds.map(({ name }, i) => {
      const input = create('input');
      input.type = 'radio';
      input.name = 'fault';
      input.value = name;
      input.checked = i === 0;
      return input;
    });
    byId('fault-kinds', HTMLElement).append(...faultKinds.map(({ title }, i) => {
      const label = create('label');
      label.append(this.kinds[i], title);
      return label;
    }));
    byId('fault-form', HTMLFormElement).addEventListener('change', () => this.fit());
    byId('fault-form', HTMLFormElement).addEventListener('submit', ({ submitter }) => {
      const typing = document.activeElement instanceof HTMLInputElement;
      if (submitter instanceof HTMLButtonElement && submitter.value === 'cancel' && !typing) return;
      const kind = this.kind();
      if (kind !== undefined) this.chosen(faultOf(kind, this.client.value || null, Number(this.limit.value) || 1));
    });
  }

  open(clients: readonly string[], client: string | null): void {
    this.client.replaceChildren(new Option('whoever comes first', ''), ...clients.map((name) => new Option(name, name)));
    this.client.value = client !== null && clients.includes(client) ? client : '';
    this.fit();
    this.dialog.showModal();
  }

  private kind() {
    return faultKinds.find((_, i) => this.kinds[i].checked);
  }

  private fit(): void {
    const kind = this.kind();
    this.client.disabled = kind?.ofClient !== true;
    this.limit.disabled = kind?.limited !== true;
  }
}
