// Runs on a checked memory (scripts/checked/): slower, but an access outside of a block, or to one that is free, is
// found where it happens, whether anybody sees its consequences or not.
import { checkedMemory } from '../checked/memory';
import type { CheckedMemory } from '../checked/memory';

let memory: CheckedMemory | null = null;
/** Violations of runs before. */
let seen = 0;

/** Every run of this process is checked from now on. Call it before the first. */
export function checkMemory(): void {
  memory ??= checkedMemory();
}

export function isChecked(): boolean {
  return memory !== null;
}

/** Runs `look`, which may read everything: for invariants. */
export function unchecked<T>(look: () => T): T {
  return memory === null ? look() : memory.unchecked(look);
}

/** The first violation since the last time, with its stacks; or null. */
export function violation(): string | null {
  if (memory === null) return null;
  try {
    memory.verify();
  } catch {
    // it is one of the violations
  }
  const first = memory.violations.at(seen);
  seen = memory.violations.length;
  return first?.stack ?? null;
}
