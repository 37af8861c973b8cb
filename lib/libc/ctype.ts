// <ctype.h>, in the C locale.

export function isspace(c: number): boolean {
  return c === 0x20 || (c >= 0x09 && c <= 0x0d);
}

export function isdigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}
