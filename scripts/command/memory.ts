// Allocates before main begins, and large enough for -m and -c, the memory that a C program would get bit by bit.
import { MEMORY_MAX_BYTES, memoryInit } from '../../lib/libc/memory';

const MEGABYTE_BYTES = 1024 * 1024;
const DEFAULT_MEGABYTES = 64;
const DEFAULT_CONNECTIONS = 1024;

/** Reserved for connections, whatever -m says. */
const CONNECTIONS_MIN_BYTES = 96 * MEGABYTE_BYTES;
/** An active connection has four small blocks, among them a read buffer of up to 32 KB. */
const SMALL_PER_CONNECTION_BYTES = 64 * 1024;
const SMALL_MIN_BYTES = 16 * MEGABYTE_BYTES;
/** Long lines and long replies are the exception. */
const LARGE_PER_CONNECTION_BYTES = 32 * 1024;
const LARGE_MIN_BYTES = 64 * MEGABYTE_BYTES;
/** Besides the pages of -m, the lists of their free chunks take blocks that are powers of two. */
const ITEMS_FACTOR = 1.25;
const ITEMS_MIN_BYTES = 64 * MEGABYTE_BYTES;

/**
 * Allocates the flat memory for the arguments of -m (megabytes; 0 for as much as there is) and -c, or for their
 * defaults if an argument is missing or main would refuse it. Throws Errx if the system has less.
 */
export function takeMemory(megabytes: string | undefined, connections: string | undefined): void {
  const maxbytes = numberOr(megabytes, DEFAULT_MEGABYTES) * MEGABYTE_BYTES;
  const maxconns = numberOr(connections, DEFAULT_CONNECTIONS);
  const most = MEMORY_MAX_BYTES - CONNECTIONS_MIN_BYTES;
  const items = maxbytes === 0 ? most : Math.min(maxbytes * ITEMS_FACTOR + ITEMS_MIN_BYTES, most);
  const left = MEMORY_MAX_BYTES - items;
  const small = Math.min(SMALL_MIN_BYTES + maxconns * SMALL_PER_CONNECTION_BYTES, left / 2);
  const large = Math.min(LARGE_MIN_BYTES + maxconns * LARGE_PER_CONNECTION_BYTES, left - small);
  memoryInit(small, large, items);
}

function numberOr(argument: string | undefined, otherwise: number): number {
  return argument !== undefined && /^\d{1,10}$/.test(argument) ? Number(argument) : otherwise;
}
