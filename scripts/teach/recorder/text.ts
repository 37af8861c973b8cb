// Bytes as text.

/** One character for each byte. */
export function latin1Text(bytes: Buffer): string {
  return bytes.length === 0 ? '' : bytes.toString('latin1');
}
