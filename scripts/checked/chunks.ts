// The chunks of slabs, checked as blocks: an item that is freed may not be touched until its chunk is given out again,
// and an item ends where its data end. A free chunk of 1.6 is linked through its header, which the slabs and the page
// mover may touch.
import * as itemsOf2003 from '../../lib/items';
import type { Ptr } from '../../lib/libc/memory';
import { NULL } from '../../lib/libc/memory';
import * as slabsOf2003 from '../../lib/slabs';
import * as items from '../../lib/1.6/items';
import * as header from '../../lib/1.6/memcached.h';
import { PAGE_BYTES } from '../../lib/1.6/pages';
import * as slabclass from '../../lib/1.6/slabclass';
import * as slabs from '../../lib/1.6/slabs';
import * as mover from '../../lib/1.6/slabs_mover';
import * as evtimer from '../../reactor/evtimer';
import { FREED_JUNK, NEW_JUNK } from './allocator';
import type { Guard } from './guard';
import { replace } from './replace';

/** `bytes()`: the flat memory without a guard. */
export function checkChunks(guard: Guard, bytes: () => Uint8Array): (() => void)[] {
  return [...checkChunksOf2003(guard, bytes), ...checkChunksOf16(guard, bytes)];
}

function checkChunksOf2003(guard: Guard, bytes: () => Uint8Array): (() => void)[] {
  return [
    replace(slabsOf2003, 'slabsAlloc', (original) => (id) => {
      const it = guard.opened(() => original(id));
      if (it === NULL) return NULL;
      const size = 2 ** id;
      guard.allocate(it, size, 'slabs_alloc');
      bytes().fill(NEW_JUNK, it, it + size);
      return it;
    }),
    replace(slabsOf2003, 'slabsFree', (original) => (it, id) => {
      const block = guard.blockToFree(it, 'slabs_free');
      guard.free(block);
      bytes().fill(FREED_JUNK, it, it + block.size);
      guard.opened(() => { original(it, id); });
    }),
    replace(itemsOf2003, 'itemAlloc', (original) => (key, flags, exptime, nbytes) => {
      const it = original(key, flags, exptime, nbytes);
      if (it !== null) guard.trim(it.ptr, it.ntotal);
      return it;
    }),
  ];
}

function checkChunksOf16(guard: Guard, bytes: () => Uint8Array): (() => void)[] {
  const allocated = (it: Ptr, size: number): Ptr => {
    if (it === NULL) return NULL;
    guard.allocate(it, size, 'slabs_alloc');
    guard.shadow.write(it, header.SIZEOF_ITEM); // no client sees the header
    bytes().fill(NEW_JUNK, it + header.SIZEOF_ITEM, it + size);
    return it;
  };

  return [
    replace(slabs, 'slabsInit', (original) => (...args) => guard.opened(() => { original(...args); })),
    replace(slabs, 'slabsNewPage', (original) => (to) => guard.opened(() => original(to))),
    replace(slabs, 'slabsAlloc', (original) => (size, id) => {
      return allocated(guard.opened(() => original(size, id)), size);
    }),
    replace(slabs, 'slabsAllocNoNewpage', (original) => (count, id) => {
      return allocated(guard.opened(() => original(count, id)), count * slabs.slabsSize(id));
    }),
    replace(slabs, 'slabsFree', (original) => (it, id) => {
      const block = guard.blockToFree(it, 'slabs_free');
      guard.free(block);
      bytes().fill(FREED_JUNK, it + header.SIZEOF_ITEM, it + block.size);
      guard.opened(() => { original(it, id); });
    }),
    replace(slabs, 'slabsFinalizePageMove', (original) => (from, to, page) => {
      // The mover has emptied the page chunk by chunk, without slabs_free.
      for (const block of guard.blocks.inUse()) {
        if (block.start >= page && block.start < page + PAGE_BYTES) guard.free(block);
      }
      guard.opened(() => { original(from, to, page); });
    }),
    replace(slabclass, 'unlinkFreeChunk', (original) => (id, it) => guard.opened(() => { original(id, it); })),
    replace(items, 'itemRelocate', (original) => (it, newIt, hv) => {
      original(it, newIt, hv);
      guard.trim(newIt, header.ntotalOf(newIt));
    }),
    ...checkMover(guard),
  ];
}

/** The page mover reads and marks free chunks of its page through some header functions. */
function checkMover(guard: Guard): (() => void)[] {
  let runs = false;
  const opened = <T>(work: () => T): T => runs ? guard.opened(work) : work();
  return [
    replace(mover, 'startSlabMaintenanceThread', (start) => () => {
      const restore = replace(evtimer, 'evtimerSet', (original) => (ev, callback, arg) => {
        original(ev, (...args) => {
          runs = true;
          try {
            callback(...args);
          } finally {
            runs = false;
          }
        }, arg);
      });
      try {
        start();
      } finally {
        restore();
      }
    }),
    replace(header, 'itFlags', (original) => (it) => opened(() => original(it))),
    replace(header, 'setItFlags', (original) => (it, flags) => opened(() => { original(it, flags); })),
    replace(header, 'setNkey', (original) => (it, nkey) => opened(() => { original(it, nkey); })),
    replace(header, 'setField', (original) => (it, offset, value) => opened(() => { original(it, offset, value); })),
  ];
}
