// authfile.c: the file of -Y. A line `user:password` is one who may use the text protocol.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { strerror } from '../../reactor/errno.h';
import { fprintf, stderr } from '../libc/stdio';
import { digestOf, isAmong } from './secrets';

/** Bytes of a line that C reads at once (MAX_ENTRY_LEN). */
const LINE_MAX_BYTES = 255;
/** It is not meant for more. */
const MAX_ENTRIES = 8;

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

let path = '';
/** For each user, what `credentials` gives. */
let entries: readonly Buffer[] = [];

/** The first authfileLoad, from `file`. */
export function authfileInit(file: string): string | null {
  path = resolve(file); // a daemon goes to /
  return authfileLoad();
}

// authfile.c: authfile_load; memcached.c: main, what it says of that
/** Reads the file. Returns null, or what is wrong with it: then those who were let in before still are. */
export function authfileLoad(): string | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return `Could not open authfile [${path}] for reading, error ${reason(error)}`;
  }
  const found = parse(bytes);
  if (found === null) return `Authfile [${path}] has a malformed entry. Should be 'user:password'`;
  entries = found;
  return null;
}

function reason(error: unknown): string {
  return error instanceof Error && 'errno' in error ? strerror(-Number(error.errno)) : String(error);
}

/** null if a line is no entry: as in C, an empty line is none, and an empty file is an empty line. */
function parse(bytes: Buffer): Buffer[] | null {
  const found: Buffer[] = [];
  for (let begin = 0; found.length < MAX_ENTRIES;) {
    const newline = bytes.indexOf(LF, begin);
    const end = newline === -1 ? bytes.length : newline;
    const line = bytes.subarray(begin, Math.min(end, begin + LINE_MAX_BYTES));
    const colon = line.indexOf(COLON);
    if (colon === -1 || line.includes(NUL)) return null;
    const password = line.subarray(colon + 1);
    const cr = password.indexOf(CR);
    found.push(credentials(line.subarray(0, colon), cr === -1 ? password : password.subarray(0, cr)));
    if (line.length < end - begin) break;
    begin = end + 1;
    if (begin >= bytes.length) return found;
  }
  // C stops here as well, and says nothing.
  const limits = `only ${MAX_ENTRIES} lines are read, of ${LINE_MAX_BYTES} bytes at most`;
  fprintf(stderr, `WARNING: Authfile [${path}]: ${limits}\n`);
  return found;
}

// authfile.c: authfile_check
/** Whether that is one of the users, with his password. */
export function authfileCheck(user: Uint8Array, password: Uint8Array): boolean {
  return isAmong(credentials(user, password), entries);
}

/** A file has no NUL, so that one between the two tells where the user ends. */
function credentials(user: Uint8Array, password: Uint8Array): Buffer {
  return digestOf(Buffer.concat([user, Buffer.of(NUL), password]));
}
