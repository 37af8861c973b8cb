// Tests that need what not every machine has. Elsewhere they are skipped, and their titles say what is missing.
import test from 'ava';
import type { Implementation } from 'ava';

type Declare = (title: string, implementation: Implementation<[]>) => void;

/** What declares a test that needs `what`: `declare` where it is there. */
export function where(there: boolean, what: string, declare: Declare = test): Declare {
  return there ? declare : (title, implementation) => test.skip(`${title} (needs ${what})`, implementation);
}
