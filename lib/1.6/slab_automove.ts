// slab_automove.c: which class should give a page to which. It looks back on the last so many samples of all classes:
// the class that evicts, and whose items are the youngest, gets a page of the class whose items are the oldest.
import type { ItemStatsAutomove } from './item_stats';
import { itemStatsAutomove } from './item_stats';
import { MAX_NUMBER_OF_SLAB_CLASSES } from './memcached.h';
import { settings } from './settings';
import { POWER_SMALLEST, SLAB_GLOBAL_PAGE_POOL, slabsAvailableChunks, slabsLimitReached, slabsPageCount, slabsPerslab }
  from './slabs';

/** A class with no more pages gives none. */
const MIN_PAGES_FOR_SOURCE = 2;
/** What a class has free beyond as many pages goes to the pool. */
const MIN_PAGES_FOR_RECLAIM = 2.5;
/** A class that has had this share of all evictions needs memory, though it evicted seldom. */
const EVICTED_RATIO = 0.25;

/** struct window_data: a class at one time. */
interface Sample {
  age: number;
  /** It has changed since the sample before. */
  dirty: boolean;
  evictedRatio: number;
  evicted: boolean;
}

interface ClassStats extends ItemStatsAutomove {
  pages: number;
}

export interface PageMove {
  from: number;
  to: number;
}

function statsOf(id: number): ClassStats {
  return { ...itemStatsAutomove(id), pages: slabsPageCount(id) };
}

function statsOfAll(): ClassStats[] {
  return Array.from({ length: MAX_NUMBER_OF_SLAB_CLASSES }, (_, id) => statsOf(id));
}

/** The memory of the algorithm; a new one begins without any samples. */
export class SlabAutomove {
  private readonly windowSize = settings.slabAutomoveWindow;
  private readonly maxAgeRatio = settings.slabAutomoveRatio;
  /** By class, its samples, in a ring. */
  private readonly windows = Array.from({ length: MAX_NUMBER_OF_SLAB_CLASSES }, () =>
    Array.from({ length: this.windowSize }, (): Sample => ({ age: 0, dirty: false, evictedRatio: 0, evicted: false })));
  private samples = 0;
  private before = statsOfAll();

  // slab_automove.c: slab_automove_run
  /** Takes a sample. Returns the page to be moved, or null. */
  run(): PageMove | null {
    const { before, windowSize } = this;
    const after = statsOfAll();
    // Not less than 0, for `stats reset` begins anew.
    const evictions = after.map((now, id) => Math.max(now.evicted - before[id].evicted, 0));
    const total = evictions.reduce((sum, count) => sum + count, 0);
    const slot = ++this.samples % windowSize;
    this.before = after;

    let oldest = 0, oldestAge = 0;
    let youngest = 0, youngestAge = Infinity, youngestEvicts = false;
    for (let id = POWER_SMALLEST; id < MAX_NUMBER_OF_SLAB_CLASSES; id++) {
      const window = this.windows[id], now = after[id];
      const evicted = evictions[id] > 0;
      window[slot] = {
        age: now.age,
        dirty: evicted || now.outofmemory > before[id].outofmemory || now.pages !== before[id].pages,
        evictedRatio: evicted ? evictions[id] / total : 0,
        evicted,
      };
      const age = Math.trunc(window.reduce((sum, sample) => sum + sample.age, 0) / windowSize);
      if (hasTooMuch(id) && !window.some((sample) => sample.dirty)) return { from: id, to: SLAB_GLOBAL_PAGE_POOL };
      if (age > oldestAge && now.pages > MIN_PAGES_FOR_SOURCE) {
        oldest = id;
        oldestAge = age;
      }
      if (age < youngestAge && evicts(window)) {
        youngest = id;
        youngestAge = age;
        youngestEvicts = evicted;
      }
    }
    if (oldest === 0 || youngest === 0 || this.samples <= windowSize) return null;
    return youngestEvicts && youngestAge < oldestAge * this.maxAgeRatio ? { from: oldest, to: youngest } : null;
  }
}

/** Whether the class has more free than it needs, where there is no other memory. */
function hasTooMuch(id: number): boolean {
  return slabsLimitReached() && slabsAvailableChunks(id) > slabsPerslab(id) * MIN_PAGES_FOR_RECLAIM;
}

/** Whether a class evicted in more than half of the samples, or much of what was evicted was its. */
function evicts(window: readonly Sample[]): boolean {
  const times = window.filter((sample) => sample.evicted).length;
  const ratio = window.reduce((sum, sample) => sum + sample.evictedRatio, 0) / window.length;
  return times > Math.floor(window.length / 2) || ratio > EVICTED_RATIO;
}
