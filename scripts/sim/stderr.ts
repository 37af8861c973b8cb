// What the program in this process writes to stderr, kept instead of shown.
import { replace } from '../checked/replace';

export class Stderr {
  private text = '';
  private readonly restored: () => void;

  constructor() {
    this.restored = replace(process.stderr, 'write', () => (chunk: string | Uint8Array): boolean => {
      this.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      return true;
    });
  }

  /** The lines since the last time. */
  lines(): string[] {
    const lines = this.text.split('\n').slice(0, -1);
    this.text = '';
    return lines;
  }

  /** Those among them that begin a message, without the stack behind an error. */
  messages(): string[] {
    return this.lines().filter((line) => !/^ {4}at /.test(line));
  }

  restore(): void {
    this.restored();
  }
}
