// The C library by koffi: on which machines it is used.
import test from 'ava';

import { hasOurLayouts, loadSystem } from '../reactor/linux/ffi';

test('layouts: ours are those of little-endian machines of 64 bits', (t) => {
  t.true(hasOurLayouts({ endianness: 'LE', pointerBytes: 8 }));
  t.false(hasOurLayouts({ endianness: 'BE', pointerBytes: 8 })); // s390x
  t.false(hasOurLayouts({ endianness: 'LE', pointerBytes: 4 })); // arm
  t.false(hasOurLayouts({ endianness: 'BE', pointerBytes: 4 }));
});

test('on another machine there is no system, and so no epoll backend', (t) => {
  t.is(loadSystem({ endianness: 'BE', pointerBytes: 8 }), null);
  t.is(loadSystem({ endianness: 'LE', pointerBytes: 4 }), null);
});

