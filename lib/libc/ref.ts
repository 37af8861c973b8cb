// Stands for a pointer to a variable on C's stack, since the flat memory has no stack.

/** A variable whose address C passes (`&len`). */
export interface Ref {
  value: number;
}
