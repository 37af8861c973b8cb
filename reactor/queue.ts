// TAILQ of <sys/queue.h>: doubly linked lists whose links live in the elements, under a field's name.

export interface TailqEntry<T> {
  tqeNext: T | null;
  tqePrev: T | null;
}

type Linked<T, F extends string> = Record<F, TailqEntry<T>>;

export interface TailqHead<T> {
  tqhFirst: T | null;
  tqhLast: T | null;
}

export function TAILQ_ENTRY<T>(): TailqEntry<T> {
  return { tqeNext: null, tqePrev: null };
}

export function TAILQ_HEAD<T>(): TailqHead<T> {
  return { tqhFirst: null, tqhLast: null };
}

export function TAILQ_INIT<T>(head: TailqHead<T>): void {
  head.tqhFirst = null;
  head.tqhLast = null;
}

export function TAILQ_FIRST<T>(head: TailqHead<T>): T | null {
  return head.tqhFirst;
}

export function TAILQ_NEXT<F extends string, T extends Linked<T, F>>(elm: T, field: F): T | null {
  return elm[field].tqeNext;
}

export function TAILQ_INSERT_TAIL<F extends string, T extends Linked<T, F>>(head: TailqHead<T>, elm: T, field: F): void {
  const entry: TailqEntry<T> = elm[field];
  entry.tqeNext = null;
  entry.tqePrev = head.tqhLast;
  if (head.tqhLast !== null) head.tqhLast[field].tqeNext = elm;
  else head.tqhFirst = elm;
  head.tqhLast = elm;
}

export function TAILQ_REMOVE<F extends string, T extends Linked<T, F>>(head: TailqHead<T>, elm: T, field: F): void {
  const { tqeNext, tqePrev } = elm[field] as TailqEntry<T>;
  if (tqeNext !== null) tqeNext[field].tqePrev = tqePrev;
  else head.tqhLast = tqePrev;
  if (tqePrev !== null) tqePrev[field].tqeNext = tqeNext;
  else head.tqhFirst = tqeNext;
}
