// Counts the chunks of memcached 1.0.4 for `stats slabs`, without any memory.

const SMALLEST = 6;
const LARGEST = 20;
const PAGE_BYTES = 2 ** LARGEST;
/** The number of pages in 64 megabytes, the default. */
const MAX_PAGES = 64;

/** The class for an object of `size` bytes: its power of two. 0 for one that is too large. */
export function classOf(size: number): number {
  const id = Math.max(SMALLEST, Math.ceil(Math.log2(size)));
  return id > LARGEST ? 0 : id;
}

interface Slabs {
  pages: number;
  /** Chunks that were given back. */
  free: number;
  /** Chunks of the last page that were never given out. */
  end: number;
}

export class ModelSlabs {
  private readonly classes = new Map<number, Slabs>();
  private pages = 0;

  alloc(id: number): void {
    const slabs = this.classes.get(id) ?? { pages: 0, free: 0, end: 0 };
    this.classes.set(id, slabs);
    if (slabs.free === 0 && slabs.end === 0) {
      if (++this.pages > MAX_PAGES) throw new Error('more than the model is made for: it evicts nothing');
      slabs.pages++;
      slabs.end = PAGE_BYTES / 2 ** id;
    }
    if (slabs.free > 0) slabs.free--;
    else slabs.end--;
  }

  release(id: number): void {
    const slabs = this.classes.get(id);
    if (slabs === undefined) throw new Error(`no chunk of class ${id} was given out`);
    slabs.free++;
  }

  /** The reply to `stats slabs`, without the last line's end. */
  stats(): string {
    const ids = [...this.classes.keys()].sort((a, b) => a - b);
    const lines = ids.map((id) => this.statsOf(id)).join('');
    return `${lines}STAT active_slabs ${ids.length}\r\nSTAT total_malloced ${this.pages * PAGE_BYTES}\r\nEND`;
  }

  private statsOf(id: number): string {
    const { pages, free, end } = this.classes.get(id) ?? { pages: 0, free: 0, end: 0 };
    const size = 2 ** id;
    const chunks = pages * (PAGE_BYTES / size);
    return Object.entries({
      chunk_size: size, chunks_per_page: PAGE_BYTES / size, total_pages: pages, total_chunks: chunks,
      used_chunks: chunks - free, free_chunks: free, free_chunks_end: end,
    }).map(([name, value]) => `STAT ${id}:${name} ${value}\r\n`).join('');
  }
}
