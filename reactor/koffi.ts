// koffi calls C functions from JavaScript. It is optional: callers must cope without it.
import { createRequire } from 'node:module';

export type Koffi = typeof import('koffi');

let koffi: Koffi | null = null;

export function loadKoffi(): Koffi | null {
  if (koffi === null) {
    try {
      koffi = createRequire(__filename)('koffi') as Koffi;
    } catch {
      return null;
    }
  }
  return koffi;
}
