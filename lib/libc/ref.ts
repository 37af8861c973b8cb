// What stands for a pointer to a variable of C's stack: the flat memory has no such variables.

/** A variable whose address C passes (`&len`). */
export interface Ref {
  value: number;
}
