// Past or possible bugs, each as an edit that removes the code that prevents it. If the searched text is not there,
// since the code has changed, that is an error.
import type { Mode } from './plan';

export interface Edit {
  /** From the project's folder. */
  file: string;
  /** It must occur exactly once. */
  search: string;
  replace: string;
}

export interface Bug {
  name: string;
  /** The mode in which to hunt it. */
  mode: Mode;
  edits: readonly Edit[];
}

export const BUGS: readonly Bug[] = [
  {
    name: 'double free at close of a multi-get',
    mode: '1.0',
    edits: [{
      file: 'lib/memcached.ts',
      search: '                c.ileft = 0; // DEVIATION: connClose does not release the last item again [1.1.6]\n',
      replace: '',
    }],
  },
  {
    name: 'the delete leak',
    mode: '1.0',
    edits: [{
      file: 'lib/memcached.ts',
      search: 'endDelete(it, itemRemove); // DEVIATION: a replaced item is freed, too [1.1.2]',
      replace: 'it.refcount--;',
    }],
  },
  {
    name: 'incr evicts itself',
    mode: '1.0',
    edits: [
      {
        file: 'lib/memcached.ts',
        search: '      it.refcount++; // DEVIATION: an item that grows does not evict itself [1.2.2]\n',
        replace: '',
      },
      {
        file: 'lib/memcached.ts',
        search: '      it.refcount--; // DEVIATION: an item that grows does not evict itself [1.2.2]\n',
        replace: '',
      },
    ],
  },
  {
    name: 'incr evicts itself',
    mode: 'default',
    edits: [
      {
        file: 'lib/1.6/store.ts',
        search: '  hold(it); // it may be evicted for the new one\n  const grown',
        replace: '  const grown',
      },
      {
        file: 'lib/1.6/store.ts',
        search: '  itemReplace(it, grown, hv);\n  itemRemove(it);\n',
        replace: '  itemReplace(it, grown, hv);\n',
      },
      {
        file: 'lib/1.6/store.ts',
        search: '    itemRemove(it);\n    return EOM;',
        replace: '    return EOM;',
      },
    ],
  },
  {
    name: 'ileft: of a list that is not sent to its end, the last item is kept for ever',
    mode: 'default',
    edits: [{ file: 'lib/1.6/transmit.ts', search: 'for (; c.ileft > 0; c.ileft--, c.icurr += 4)', replace: 'for (; c.ileft > 1; c.ileft--, c.icurr += 4)' }],
  },
  {
    name: 'accept is not taken up again when a connection is closed',
    mode: '1.0',
    edits: [{
      file: 'lib/memcached.ts',
      search: '  acceptNewConns(true); // DEVIATION: while there is no room, clients wait to be accepted [1.4.8]\n',
      replace: '',
    }],
  },
  {
    name: 'accept is not tried again after EMFILE',
    mode: 'default',
    edits: [{
      file: 'lib/later.ts',
      search: '  if (toldNow()) perror(message);\n  acceptNewConns(false);\n  tryAgain();\n',
      replace: '  if (toldNow()) perror(message);\n  acceptNewConns(false);\n',
    }],
  },
  {
    name: 'rbuf is never shrunk',
    mode: '1.0',
    edits: [{
      file: 'lib/later.ts',
      search: '  if (c.rsize > READ_BUFFER_HIGHWAT) c.rsize = DATA_BUFFER_SIZE;\n',
      replace: '',
    }],
  },
  {
    name: 'an idle connection keeps its buffers',
    mode: 'default',
    edits: [{
      file: 'lib/later.ts',
      search: 'if (c.state === ConnState.read && c.rbytes === 0) freeBuffers(c);',
      replace: '',
    }],
  },
  {
    name: 'the order of the cork is broken: what is held is overtaken',
    mode: 'default',
    edits: [
      {
        file: 'reactor/economy/cork.ts',
        search: '      if (!held.isEmpty && held.takesBehind(fd, cork.subarray(start, end))) continue;\n',
        replace: '',
      },
      {
        file: 'reactor/economy/cork.ts',
        search: '      if (!this.held.isEmpty && !this.held.mayWrite(fd)) return -1;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'held bytes are sent twice',
    mode: 'default',
    edits: [{
      file: 'reactor/economy/cork.ts',
      search: 'if (res !== end - start) this.notSent(fd, start + Math.max(res, 0), end, res);',
      replace: 'if (res !== end - start) this.notSent(fd, start, end, res);',
    }],
  },
  {
    name: 'an event is not deleted at close',
    mode: 'default',
    edits: [{ file: 'lib/memcached.ts', search: '  eventDel(c.event);\n\n  close(c.sfd);', replace: '  close(c.sfd);' }],
  },
  {
    name: 'a cas is not changed by append',
    mode: 'default',
    edits: [{
      file: 'lib/1.6/store.ts',
      search: '  replace(old, both, hv);\n',
      replace: '  replace(old, both, hv);\n  both && (i32[(both + IT_CAS_LO) >>> 2] = field(old, IT_CAS_LO));\n',
    }, {
      file: 'lib/1.6/store.ts',
      search: "import { u8 } from '../libc/heap';",
      replace: "import { i32, u8 } from '../libc/heap';",
    }],
  },
  {
    name: 'an item is freed while it is transmitted',
    mode: 'default',
    edits: [
      { file: 'lib/1.6/transmit.ts', search: '  hold(it); // until it is sent\n', replace: '' },
      { file: 'lib/1.6/transmit.ts', search: '  itemRemove(listedItem(c));\n  c.icurr += 4;', replace: '  c.icurr += 4;' },
      {
        file: 'lib/1.6/transmit.ts',
        search: 'for (; c.ileft > 0; c.ileft--, c.icurr += 4) itemRemove(listedItem(c));',
        replace: 'c.ileft = 0;',
      },
    ],
  },
  {
    name: 'noreply is answered',
    mode: 'default',
    edits: [{
      file: 'lib/1.6/transmit.ts',
      search: '  if (c.noreply) {\n    c.noreply = false;\n    c.state = ConnState.read;\n    return;\n  }\n  if (settings.verbose > 1)',
      replace: '  c.noreply = false;\n  if (settings.verbose > 1)',
    }],
  },
  {
    name: 'swallow is one byte short',
    mode: 'default',
    edits: [{ file: 'lib/1.6/receive.ts', search: '  c.sbytes = length;\n', replace: '  c.sbytes = length - 1;\n' }],
  },
  {
    name: 'cas numbers begin anew after a warm restart',
    mode: 'default',
    edits: [{ file: 'lib/1.6/restart.ts', search: '  setCasId(saved.currentCas);\n', replace: '' }],
  },
];
