// The table of open descriptors. As POSIX demands, open() uses the lowest free number.
import type { Descriptor } from './descriptor';

/** 0, 1 and 2 are always taken. */
const FIRST = 3;

export class Descriptors implements Iterable<Descriptor> {
  private readonly table: (Descriptor | undefined)[] = new Array<undefined>(FIRST);
  /** No number below this is free. */
  private lowest = FIRST;
  /** How many are open. */
  count = 0;

  open(descriptor: Descriptor): number {
    const { table } = this;
    let fd = this.lowest;
    while (fd < table.length && table[fd] !== undefined) fd++;
    table[fd] = descriptor;
    this.count++;
    this.lowest = fd + 1;
    return fd;
  }

  get(fd: number): Descriptor | undefined {
    return this.table[fd];
  }

  close(fd: number): void {
    if (this.table[fd] !== undefined) this.count--;
    this.table[fd] = undefined;
    if (fd < this.lowest) this.lowest = fd;
  }

  * [Symbol.iterator](): Iterator<Descriptor> {
    for (const descriptor of this.table) if (descriptor !== undefined) yield descriptor;
  }
}
