// The connections: their fields, and where their buffers are.
import { u32 } from '../../../lib/libc/heap';
import type { Conn } from '../../../lib/memcached.h';
import { variablesOf } from '../probe';
import { Paths, Signature } from './changes';
import type { Changes } from './changes';
import type { Region } from './memory';

const FIELDS = [
  'state', 'evFlags', 'which', 'rbuf', 'rsize', 'rbytes', 'wbuf', 'wcurr', 'wsize', 'wbytes', 'writeAndGo',
  'writeAndFree', 'rcurr', 'rlbytes', 'itemPtr', 'itemComm', 'sbytes', 'ilist', 'isize', 'icurr', 'ileft', 'ipart',
  'ibuf', 'iptr', 'ibytes',
] as const;
/** Fields with other names in the trace. */
const SHOWN_AS: Readonly<Record<string, string>> = { itemPtr: 'item' };
const IBUF_BYTES = 320;
/** Only this much of rbuf is watched. */
const RBUF_WATCHED_BYTES = 8192;

const paths = new Paths(FIELDS.map((field) => SHOWN_AS[field] ?? field));

export class Conns {
  private readonly ids = new Map<Conn, number>();
  private readonly signature = new Signature();

  /** `clientOf`: the name of the client at the other end of a descriptor. */
  constructor(private readonly clientOf: (fd: number) => string | undefined) {}

  /** All structures, those of closed connections too. */
  all(): Iterable<Conn> {
    const { conns } = variablesOf('lib/memcached.h.ts') as { conns: Map<number, Conn> };
    return conns.values();
  }

  /** Returns whether anything had changed. */
  observe(changes: Changes): boolean {
    for (const c of this.all()) {
      const fields = c as unknown as Record<string, number>;
      this.signature.add(c);
      this.signature.add(c.sfd);
      this.signature.add(this.clientOf(c.sfd));
      for (let i = 0; i < FIELDS.length; i++) this.signature.add(fields[FIELDS[i]]);
    }
    const { freecurr } = variablesOf('lib/memcached.ts');
    this.signature.add(freecurr);
    if (!this.signature.changed()) return false;
    const closed = closedConns();
    for (const c of this.all()) this.show(changes, c, closed.has(c.ptr));
    return true;
  }

  private show(changes: Changes, c: Conn, isClosed: boolean): void {
    const id = this.ids.get(c) ?? this.ids.size + 1;
    this.ids.set(c, id);
    const prefix = `conn.${id}`;
    changes.put(`${prefix}.address`, c.ptr);
    const client = isClosed ? undefined : this.clientOf(c.sfd);
    if (isClosed) changes.drop(`${prefix}.sfd`);
    else changes.put(`${prefix}.sfd`, c.sfd);
    if (client === undefined) changes.drop(`${prefix}.client`);
    else changes.put(`${prefix}.client`, client);
    const fields = c as unknown as Record<string, number>;
    const names = paths.of(prefix);
    for (let i = 0; i < FIELDS.length; i++) changes.put(names[i], fields[FIELDS[i]]);
  }

  regions(): Region[] {
    return [...this.all()].flatMap((c): Region[] => [
      ...(c.rbuf === 0 ? [] : [[c.rbuf, Math.min(c.rsize, RBUF_WATCHED_BYTES)] as const]),
      ...(c.wbuf === 0 ? [] : [[c.wbuf, c.wsize] as const]),
      ...(c.ilist === 0 ? [] : [[c.ilist, 4 * c.isize] as const]),
      [c.ibuf, IBUF_BYTES],
    ]);
  }

  /** The addresses of items that connections hold: the one being read, and those being sent. */
  items(): number[] {
    return [...this.all()].flatMap((c) => {
      const { itemPtr } = c as unknown as { itemPtr: number };
      const sending = Array.from({ length: c.ileft }, (_, i) => u32[(c.icurr + 4 * i) >>> 2]);
      return itemPtr === 0 ? sending : [itemPtr, ...sending];
    });
  }
}

/** Structures that wait for the next connection. */
function closedConns(): Set<number> {
  const { freeconns, freecurr } = variablesOf('lib/memcached.ts') as { freeconns: number; freecurr: number };
  return new Set(Array.from({ length: freecurr }, (_, i) => u32[(freeconns + 4 * i) >>> 2]));
}
