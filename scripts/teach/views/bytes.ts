// Bytes as visible text.

const NAMES: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\0': '\\0', ' ': '␣' };

/** One byte (latin1) as a cell shows it. */
export function shown(byte: string): string {
  return NAMES[byte] ?? (isPrintable(byte) ? byte : hex(byte));
}

/** The name of a byte for screen readers. */
export function spoken(byte: string): string {
  return byte === ' ' ? 'space' : shown(byte);
}

/** Text in which nothing is invisible: 'get a\r\n'; after `most` bytes '…' and how many there are in all. */
export function visible(text: string, most = 60, bytes = text.length): string {
  const start = Array.from(text.slice(0, most)).map((byte) => (byte === ' ' ? ' ' : shown(byte))).join('');
  return bytes > Math.min(most, text.length) ? `${start}… (${bytes} bytes)` : start;
}

function isPrintable(byte: string): boolean {
  const code = byte.charCodeAt(0);
  return code > 0x20 && code < 0x7f;
}

function hex(byte: string): string {
  return byte.charCodeAt(0).toString(16).padStart(2, '0');
}
