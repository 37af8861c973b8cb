// Captures what the program in this process writes to stderr.
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

  /** The lines since the last call. */
  lines(): string[] {
    const lines = this.text.split('\n').slice(0, -1);
    this.text = '';
    return lines;
  }

  /** The same lines, without the stacks of errors. */
  messages(): string[] {
    return this.lines().filter((line) => !/^ {4}at /.test(line));
  }

  restore(): void {
    this.restored();
  }
}
