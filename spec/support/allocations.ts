// Counts every malloc and realloc of the port, and makes them fail on demand.
import * as memory from '../../lib/libc/memory';
import { NULL } from '../../lib/libc/memory';
import type { Ptr } from '../../lib/libc/memory';
import { ENOMEM, setErrno } from '../../reactor/errno.h';
import { replace } from './replace';

type Allocator = 'malloc' | 'realloc' | 'mallocForItems' | 'reallocForItems';

export class Allocations {
  /** How many allocations there were. */
  count = 0;
  /** The failed allocations: the function, and the size in bytes. */
  readonly failed: { by: Allocator; size: number }[] = [];
  /** Whether the allocation of this number, from 0 on, fails. */
  fails: (n: number, size: number, by: Allocator) => boolean = () => false;

  /** The sizes of the blocks for items, which are never freed. */
  private readonly items = new Map<Ptr, number>();
  private readonly restores: (() => void)[];

  constructor() {
    this.restores = [
      replace(memory, 'malloc', (original) => (size) => this.allocate('malloc', size, original)),
      replace(memory, 'realloc', (original) => (p, size) => this.allocate('realloc', size, (n) => original(p, n))),
      replace(memory, 'mallocForItems', (original) => (size) => this.allocate('mallocForItems', size, original)),
      replace(memory, 'reallocForItems', (original) => (p, size) => {
        const grown = this.allocate('reallocForItems', size, (n) => original(p, n));
        if (grown !== NULL) this.items.delete(p);
        if (grown !== NULL) this.items.set(grown, size);
        return grown;
      }),
    ];
  }

  /** The bytes of all blocks but those for items. */
  get usedBeside(): number {
    const blocks = [...this.items.values()].map((size) => Math.max(256, 2 ** Math.ceil(Math.log2(size))));
    const forItems = blocks.reduce((sum, size) => sum + size, 0);
    return memory.mallinfo().uordblks - forItems;
  }

  /** Gives the module its own functions back. */
  restore(): void {
    for (const restore of this.restores) restore();
  }

  private allocate(by: Allocator, size: number, original: (size: number) => Ptr): Ptr {
    if (this.fails(this.count++, size, by)) {
      this.failed.push({ by, size });
      setErrno(ENOMEM);
      return NULL;
    }
    const p = original(size);
    if (by === 'mallocForItems' && p !== NULL) this.items.set(p, size);
    return p;
  }
}
