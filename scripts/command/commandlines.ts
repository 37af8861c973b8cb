// Finds the command lines in a client's bytes, and skips the data behind storage commands.

/** Index of the word with the length of the data; ms has it at index 2. */
const LENGTH_WORD = 4;
const STORAGE = new Set(['set', 'add', 'replace', 'append', 'prepend', 'cas']);
const META_LENGTH_WORD = 2;
/** At most this much is kept of bytes without a line end. */
const LINE_MAX_BYTES = 2048;
const BINARY_REQUEST = 0x80;

/** One connection's stream. */
export class CommandLines {
  private line = '';
  private data = 0;
  private binary = false;
  private begun = false;

  /** The lines that end in `bytes`, without line ends; none for the binary protocol. */
  take(bytes: Uint8Array): string[] {
    const lines: string[] = [];
    if (!this.begun && bytes.length > 0) {
      this.begun = true;
      this.binary = bytes[0] === BINARY_REQUEST;
    }
    if (this.binary) return lines;
    for (let at = 0; at < bytes.length;) {
      if (this.data > 0) {
        const taken = Math.min(this.data, bytes.length - at);
        this.data -= taken;
        at += taken;
        continue;
      }
      const newline = bytes.indexOf(0x0a, at);
      const end = newline === -1 ? bytes.length : newline;
      this.line += Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(end - at, LINE_MAX_BYTES)).toString('latin1');
      at = end + 1;
      if (newline === -1) break;
      const line = this.line.replace(/\r$/, '');
      this.line = '';
      this.data = dataBehind(line);
      lines.push(line);
    }
    return lines;
  }
}

/** Bytes of data behind a line, with their \r\n. */
function dataBehind(line: string): number {
  const words = line.split(/ +/);
  const word = STORAGE.has(words[0]) ? words.at(LENGTH_WORD) : words[0] === 'ms' ? words.at(META_LENGTH_WORD) : undefined;
  return word !== undefined && /^\d+$/.test(word) ? Number(word) + 2 : 0;
}
