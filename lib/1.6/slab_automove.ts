// slab_automove.c: which class should give a page to which. It keeps the last slabAutomoveWindow samples of all
// classes: of the classes that evict, the one with the youngest items gets a page of the one with the oldest.
import type { ItemStatsAutomove } from './item_stats';
import { itemStatsAutomove } from './item_stats';
import { settings } from './settings';
import {
  POWER_SMALLEST, SLAB_GLOBAL_PAGE_POOL, powerLargest, slabsAvailableChunks, slabsLimitReached, slabsPageCount,
  slabsPerslab,
} from './slabs';

/** A class with this many pages or fewer gives none. */
const MIN_PAGES_FOR_SOURCE = 2;
/** A class that has more free than this many pages gives one to the pool. */
const MIN_PAGES_FOR_RECLAIM = 2.5;
/** A class with more than this share of all evictions needs memory, even if it evicts seldom. */
const EVICTED_RATIO = 0.25;

/** struct window_data: a class at one time. */
interface Sample {
  age: number;
  /** The class needed memory, or got some, since the sample before. */
  dirty: boolean;
  evictedRatio: number;
  evicted: boolean;
}

const NOTHING: Sample = { age: 0, dirty: false, evictedRatio: 0, evicted: false };

/** A class that has pages. */
interface SlabClass {
  id: number;
  /** The last samples, in a ring. */
  window: Sample[];
  before: ItemStatsAutomove;
  pagesBefore: number;
}

interface PageMove {
  from: number;
  to: number;
}

/** The state of the algorithm; a new object begins without samples. */
export class SlabAutomove {
  private readonly windowSize = settings.slabAutomoveWindow;
  private readonly maxAgeRatio = settings.slabAutomoveRatio;
  private readonly classes: SlabClass[] = [];
  private samples = 0;

  constructor() {
    this.noteNewClasses();
    this.sample(0);
    for (const { window } of this.classes) window[0] = { ...NOTHING };
  }

  // slab_automove.c: slab_automove_run
  /** Takes a sample. Returns the page move to make, or null. */
  run(): PageMove | null {
    this.noteNewClasses();
    const slot = ++this.samples % this.windowSize;
    let excess = 0;
    let oldest = 0, oldestAge = 0;
    let youngest = 0, youngestAge = Infinity, youngestEvicts = false;
    this.sample(slot);
    for (const { id, window, pagesBefore } of this.classes) {
      const age = Math.trunc(window.reduce((sum, sample) => sum + sample.age, 0) / this.windowSize);
      if (excess === 0 && hasTooMuch(id) && !window.some((sample) => sample.dirty)) excess = id;
      if (age > oldestAge && pagesBefore > MIN_PAGES_FOR_SOURCE) {
        oldest = id;
        oldestAge = age;
      }
      if (age < youngestAge && evicts(window)) {
        youngest = id;
        youngestAge = age;
        youngestEvicts = window[slot].evicted;
      }
    }
    if (excess !== 0) return { from: excess, to: SLAB_GLOBAL_PAGE_POOL };
    if (oldest === 0 || youngest === 0 || this.samples <= this.windowSize) return null;
    return youngestEvicts && youngestAge < oldestAge * this.maxAgeRatio ? { from: oldest, to: youngest } : null;
  }

  /** Adds the classes that got their first page; they always keep one. */
  private noteNewClasses(): void {
    for (let id = POWER_SMALLEST; id <= powerLargest; id++) {
      if (slabsPageCount(id) === 0 || this.classes.some((known) => known.id === id)) continue;
      const window = Array.from({ length: this.windowSize }, () => ({ ...NOTHING }));
      this.classes.push({ id, window, before: { evicted: 0, outofmemory: 0, age: 0 }, pagesBefore: 0 });
    }
    this.classes.sort((a, b) => a.id - b.id);
  }

  private sample(slot: number): void {
    let total = 0;
    for (const known of this.classes) {
      const { id, before, pagesBefore } = known;
      const now = itemStatsAutomove(id), pages = slabsPageCount(id);
      const evicted = Math.max(now.evicted - before.evicted, 0); // `stats reset` sets it to 0
      total += evicted;
      known.window[slot] = {
        age: now.age,
        dirty: evicted > 0 || now.outofmemory > before.outofmemory || pages > pagesBefore,
        evictedRatio: evicted,
        evicted: evicted > 0,
      };
      known.before = now;
      known.pagesBefore = pages;
    }
    for (const { window } of this.classes) if (total > 0) window[slot].evictedRatio /= total;
  }
}

/** Whether the class has more free chunks than it needs, once the memory limit is reached. */
function hasTooMuch(id: number): boolean {
  return slabsLimitReached() && slabsAvailableChunks(id) > slabsPerslab(id) * MIN_PAGES_FOR_RECLAIM;
}

/** Whether a class evicted in more than half of the samples, or had a large share of all evictions. */
function evicts(window: readonly Sample[]): boolean {
  const times = window.filter((sample) => sample.evicted).length;
  const ratio = window.reduce((sum, sample) => sum + sample.evictedRatio, 0) / window.length;
  return times > Math.floor(window.length / 2) || ratio > EVICTED_RATIO;
}
