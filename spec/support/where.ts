// Tests with needs that not every machine meets. Elsewhere they are skipped, and their titles say what is missing.
import test from 'ava';
import type { Implementation } from 'ava';

type Declare = (title: string, implementation: Implementation<[]>) => void;

/** Returns `declare` if `there`; else a function that declares the test as skipped, for lack of `what`. */
export function where(there: boolean, what: string, declare: Declare = test): Declare {
  return there ? declare : (title, implementation) => test.skip(`${title} (needs ${what})`, implementation);
}
