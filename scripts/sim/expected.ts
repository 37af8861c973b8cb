// The bytes that a client must receive: known bytes, or bytes that only have to match a pattern. Received bytes that
// are right are taken off the queue.

/** How many characters at the front of `text` are the reply; null if more must come; or what is wrong. */
export type Pattern = (text: string) => number | string | null;

/** Bytes with several valid forms: a number that another client increments meanwhile. */
export interface Changing {
  of: object;
  forms: string[];
}

type Expectation = string | Pattern | Changing;

const SHOWN = 120;

export class Expected {
  private readonly queue: Expectation[] = [];
  /** Received bytes that are not taken off yet. */
  private come: string[] = [];
  private comeBytes = 0;
  /** Bytes at the front of the queue that have come already. */
  private matched = 0;

  push(next: Expectation): void {
    if (next !== '') this.queue.push(next);
  }

  /** Whether nothing is due, and nothing else has come. */
  get isDone(): boolean {
    return this.queue.length === 0 && this.comeBytes === 0;
  }

  /** A number that may be in transit now also has this form. */
  changed(of: object, form: string): void {
    for (const next of this.queue) {
      if (typeof next === 'object' && next.of === of) next.forms.push(form);
    }
  }

  /** Takes received bytes. Null, or the error in them. */
  receive(bytes: string): string | null {
    if (bytes === '') return null;
    this.come.push(bytes);
    this.comeBytes += bytes.length;
    return this.takeOff();
  }

  /** Looks again at the received bytes, since something is due now. */
  takeOff(): string | null {
    while (this.queue.length > 0 && this.comeBytes > 0) {
      const [next] = this.queue;
      const text = this.text();
      if (typeof next === 'function') {
        const length = next(text);
        if (typeof length === 'string') return length;
        if (length === null) return null;
        this.drop(length);
        this.queue.shift();
        continue;
      }
      const due = typeof next === 'string' ? next.length : next.forms[0].length;
      const n = Math.min(due - this.matched, text.length);
      if (!this.isRight(next, text.slice(0, n))) return this.difference(next, text);
      this.drop(n);
      this.matched += n;
      if (this.matched < due) return null;
      this.matched = 0;
      this.queue.shift();
    }
    return null;
  }

  /** Bytes that have come although nothing was due; or null. */
  get unasked(): string | null {
    return this.comeBytes > 0 && this.queue.length === 0 ? shown(this.text()) : null;
  }

  /** The next bytes that are due. */
  get next(): string {
    const next = this.queue.at(0);
    if (next === undefined) return 'nothing';
    return typeof next === 'function' ? 'a reply' : shown((typeof next === 'string' ? next : next.forms[0]).slice(this.matched));
  }

  private isRight(next: string | Changing, part: string): boolean {
    if (typeof next === 'string') return next.startsWith(part, this.matched);
    for (let i = 0; i < part.length; i++) {
      if (!next.forms.some((form) => form[this.matched + i] === part[i])) return false;
    }
    return true;
  }

  private difference(next: string | Changing, text: string): string {
    const due = (typeof next === 'string' ? next : next.forms[0]).slice(this.matched);
    let at = 0;
    while (due[at] === text[at]) at++;
    const from = Math.max(0, at - 20);
    return `received ${shown(text.slice(from))} where ${shown(due.slice(from))} was due (from byte ${this.matched + from})`;
  }

  private text(): string {
    if (this.come.length > 1) this.come = [this.come.join('')];
    return this.come[0] ?? '';
  }

  private drop(n: number): void {
    this.come = [this.text().slice(n)];
    this.comeBytes -= n;
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

/** A reply of lines up to END. `isRight`: null, or the error in the lines. */
export function untilEnd(isRight: (lines: readonly string[]) => string | null): Pattern {
  return (text) => {
    const end = text.startsWith('END\r\n') ? 0 : text.indexOf('\r\nEND\r\n') + 2;
    if (text.startsWith('SERVER_ERROR ')) {
      const newline = text.indexOf('\r\n');
      return newline === -1 ? null : newline + 2;
    }
    if (end === 1) return null;
    const lines = text.slice(0, end).split('\r\n').slice(0, -1);
    return isRight(lines) ?? end + 'END\r\n'.length;
  };
}
