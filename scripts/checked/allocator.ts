// malloc, realloc and free, checked. A block has red zones before and behind it. It is filled with junk when it is
// allocated and when it is freed, and a freed block is not reused for a while, so that a use after free is found.
// realloc always moves the block. A large block that fills its power of two has no red zones, which would double its
// size.
import * as memory from '../../lib/libc/memory';
import type { Ptr } from '../../lib/libc/memory';
import { NULL, SMALL_MAX_BYTES } from '../../lib/libc/memory';
import type { Block } from './blocks';
import type { Guard } from './guard';
import { replace } from './replace';

const RED_ZONE_BYTES = 16;
/** What a red zone, a new block and a freed one hold. */
const RED = 0xfa;
export const NEW_JUNK = 0xa5;
export const FREED_JUNK = 0xdd;
/** At most this many freed blocks, and this many bytes of them, are kept back. */
const KEPT_BACK_MAX = 256;
const KEPT_BACK_BYTES_MAX = 1 << 20;
/** The allocator's blocks are powers of two, from this size on. */
const SMALLEST_BYTES = 256;

/** The allocator's block that holds a checked block. */
interface Raw {
  start: Ptr;
  size: number;
  /** Bytes of a red zone on either side. */
  redZone: number;
}

interface KeptBack {
  block: Block;
  raw: Raw;
}

export class CheckedAllocator {
  private raws = new Map<Block, Raw>();
  private keptBack: KeptBack[] = [];
  private keptBackBytes = 0;
  /** Bytes in use only because of red zones and kept-back blocks. */
  private excess = 0;
  private readonly original = { ...memory };

  /** `bytes()`: the flat memory without a guard. */
  constructor(private readonly guard: Guard, private readonly bytes: () => Uint8Array) {}

  /** Makes the program's modules call the checked functions. Call the returned functions to undo it. */
  install(): (() => void)[] {
    const { original } = this;
    const malloc = (size: number): Ptr => this.allocate(size, original.malloc, RED_ZONE_BYTES, 'malloc');
    const forItems = (size: number): Ptr => this.allocate(size, original.mallocForItems, 0, 'mallocForItems');
    // Blocks that an allocator takes for itself are not checked: slabs cut their pages into chunks, which are.
    const inside = (): boolean => this.guard.open > 0;
    return [
      replace(memory, 'malloc', () => (size) => inside() ? original.malloc(size) : malloc(size)),
      replace(memory, 'mallocForItems', () => (size) => inside() ? original.mallocForItems(size) : forItems(size)),
      replace(memory, 'free', () => (p) => inside() ? original.free(p) : this.free(p)),
      replace(memory, 'realloc', () => (p, size) => inside() ? original.realloc(p, size) : this.move(p, size, malloc)),
      replace(memory, 'reallocForItems', () => (p, size) => {
        return inside() ? original.reallocForItems(p, size) : this.move(p, size, forItems);
      }),
      replace(memory, 'takeItemsArena', (original) => () => this.guard.opened(original)),
      replace(memory, 'mallinfo', () => () => this.mallinfo()),
    ];
  }

  /** A new memory. */
  reset(): void {
    this.raws = new Map();
    this.keptBack = [];
    this.keptBackBytes = this.excess = 0;
  }

  /** Throws if a red zone or a kept-back block has changed. */
  verify(): void {
    for (const [block, raw] of this.raws) this.verifyRedZones(block, raw);
    for (const kept of this.keptBack) this.verifyFreed(kept);
  }

  private allocate(size: number, malloc: (size: number) => Ptr, redZone: number, by: string): Ptr {
    const raw = this.rawBlock(size, malloc, redZone);
    if (raw === null) return NULL;
    const start = raw.start + raw.redZone;
    const bytes = this.bytes();
    bytes.fill(RED, raw.start, start);
    bytes.fill(NEW_JUNK, start, start + size);
    bytes.fill(RED, start + size, raw.start + raw.size);
    this.raws.set(this.guard.allocate(start, size, by), raw);
    this.excess += powerOfTwo(raw.size) - powerOfTwo(size);
    return start;
  }

  /** Null if there is no memory. Before that, it gives up red zones and kept-back blocks. */
  private rawBlock(size: number, malloc: (size: number) => Ptr, wanted: number): Raw | null {
    const fits = size <= SMALL_MAX_BYTES || powerOfTwo(size + 2 * wanted) === powerOfTwo(size);
    const redZone = fits ? wanted : 0;
    const request = (zone: number): Raw | null => {
      const start = this.guard.opened(() => malloc(size + 2 * zone));
      return start === NULL ? null : { start, size: size + 2 * zone, redZone: zone };
    };
    const raw = request(redZone);
    if (raw !== null) return raw;
    this.giveBackAll();
    return request(redZone) ?? request(0);
  }

  private free(p: Ptr): void {
    if (p === NULL) return;
    this.freeBlock(this.guard.blockToFree(p, 'free'));
  }

  private freeBlock(block: Block): void {
    const raw = this.raws.get(block);
    if (raw === undefined) {
      this.guard.violate('free of what is no block', `free of ${block.start}`, block.start, block);
    }
    this.verifyRedZones(block, raw);
    this.guard.free(block);
    this.raws.delete(block);
    this.bytes().fill(FREED_JUNK, block.start, block.start + block.size);
    this.excess += powerOfTwo(block.size);
    this.keptBack.push({ block, raw });
    this.keptBackBytes += raw.size;
    while (this.keptBack.length > KEPT_BACK_MAX || this.keptBackBytes > KEPT_BACK_BYTES_MAX) this.giveBack();
  }

  private move(p: Ptr, size: number, allocate: (size: number) => Ptr): Ptr {
    if (p === NULL) return allocate(size);
    const block = this.guard.blockToFree(p, 'realloc');
    const moved = allocate(size);
    if (moved === NULL) return NULL;
    const n = Math.min(size, block.size);
    this.guard.copy(moved, p, n);
    this.bytes().copyWithin(moved, p, p + n);
    this.freeBlock(block);
    return moved;
  }

  private giveBackAll(): void {
    while (this.keptBack.length > 0) this.giveBack();
  }

  /** Returns the oldest kept-back block to the allocator. */
  private giveBack(): void {
    const kept = this.keptBack.shift();
    if (kept === undefined) return;
    this.verifyFreed(kept);
    this.keptBackBytes -= kept.raw.size;
    this.excess -= powerOfTwo(kept.raw.size);
    this.guard.opened(() => this.original.free(kept.raw.start));
  }

  private verifyRedZones(block: Block, raw: Raw): void {
    const end = block.start + block.size;
    const wrong = this.firstOther(RED, raw.start, block.start) ?? this.firstOther(RED, end, raw.start + raw.size);
    if (wrong !== null) this.guard.violate('a red zone was written to', `found at ${wrong}`, wrong, block);
  }

  private verifyFreed({ block }: KeptBack): void {
    const wrong = this.firstOther(FREED_JUNK, block.start, block.start + block.size);
    if (wrong !== null) this.guard.violate('a freed block was written to', `found at ${wrong}`, wrong, block);
  }

  private firstOther(byte: number, from: Ptr, to: Ptr): Ptr | null {
    const bytes = this.bytes();
    for (let p = from; p < to; p++) if (bytes[p] !== byte) return p;
    return null;
  }

  /** Figures as without red zones and kept-back blocks. */
  private mallinfo(): memory.Mallinfo {
    this.giveBackAll();
    const info = this.guard.opened(() => this.original.mallinfo());
    return { ...info, uordblks: info.uordblks - this.excess, fordblks: info.fordblks + this.excess };
  }
}

function powerOfTwo(size: number): number {
  return size <= SMALLEST_BYTES ? SMALLEST_BYTES : 2 ** Math.ceil(Math.log2(size));
}
