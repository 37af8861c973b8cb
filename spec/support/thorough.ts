// How much a run tries of what could go on for ever: seeds, and one behaviour on each kind of server.
import { kinds, someKinds } from './server';

/** Whether THOROUGH=1 is set, as in the gate. */
const thorough = process.env['THOROUGH'] === '1';

/** The kinds of server for what each must do, but what one hardly does without the others. */
export const kindsToTry = thorough ? kinds : someKinds;

/** `some` in a usual run, `all` in a thorough one. */
export function upTo(some: number, all: number): number {
  return thorough ? all : some;
}
