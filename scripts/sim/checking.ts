// Runs on a checked memory (scripts/checked/): slower, but finds an access outside of a block, or to a freed one, where
// it happens, even if it has no visible consequences.
import { checkedMemory } from '../checked/memory';
import type { CheckedMemory } from '../checked/memory';

let memory: CheckedMemory | null = null;
/** Violations that earlier runs have reported. */
let seen = 0;

/** Checks every run of this process from now on. Call it before the first. */
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

/** The first violation since the last call, with its stacks; or null. */
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
