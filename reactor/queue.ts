// TAILQ of <sys/queue.h>: doubly linked lists whose links live in the elements. C's macros take an element and the name
// of its link. These take the link, which knows its element; passing the field name at run time would be slow.

export interface TailqEntry<T> {
  readonly elm: T;
  tqeNext: TailqEntry<T> | null;
  tqePrev: TailqEntry<T> | null;
}

export interface TailqHead<T> {
  tqhFirst: TailqEntry<T> | null;
  tqhLast: TailqEntry<T> | null;
}

export function TAILQ_ENTRY<T>(elm: T): TailqEntry<T> {
  return { elm, tqeNext: null, tqePrev: null };
}

export function TAILQ_HEAD<T>(): TailqHead<T> {
  return { tqhFirst: null, tqhLast: null };
}

export function TAILQ_INIT<T>(head: TailqHead<T>): void {
  head.tqhFirst = null;
  head.tqhLast = null;
}

export function TAILQ_FIRST<T>(head: TailqHead<T>): T | null {
  return head.tqhFirst === null ? null : head.tqhFirst.elm;
}

export function TAILQ_NEXT<T>(entry: TailqEntry<T>): T | null {
  return entry.tqeNext === null ? null : entry.tqeNext.elm;
}

export function TAILQ_INSERT_TAIL<T>(head: TailqHead<T>, entry: TailqEntry<T>): void {
  entry.tqeNext = null;
  entry.tqePrev = head.tqhLast;
  if (head.tqhLast !== null) head.tqhLast.tqeNext = entry;
  else head.tqhFirst = entry;
  head.tqhLast = entry;
}

/** Leaves the links of `entry` as they are, so that a loop standing at it can go on. */
export function TAILQ_REMOVE<T>(head: TailqHead<T>, { tqeNext, tqePrev }: TailqEntry<T>): void {
  if (tqeNext !== null) tqeNext.tqePrev = tqePrev;
  else head.tqhLast = tqePrev;
  if (tqePrev !== null) tqePrev.tqeNext = tqeNext;
  else head.tqhFirst = tqeNext;
}
