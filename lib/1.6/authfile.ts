// authfile.c: the file of -Y. Each line `user:password` is a user who may use the text protocol.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { strerror } from '../../reactor/errno.h';
import { fprintf, stderr } from '../libc/stdio';
import { digestOf, isAmong } from './secrets';

/** Bytes of a line that one fgets(3) of C reads (MAX_ENTRY_LEN - 1). */
const LINE_MAX_BYTES = 255;
/** The file is not meant for more users. */
const MAX_ENTRIES = 8;

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

let path = '';
/** The `credentials` of each user. */
let entries: readonly Buffer[] = [];

/** Sets the path, then calls authfileLoad. */
export function authfileInit(file: string): string | null {
  path = resolve(file); // a daemon changes its directory to /
  return authfileLoad();
}

// authfile.c: authfile_load; memcached.c: main, what it says of that
/** Reads the file. Returns null, or an error message: then the users that were loaded before stay valid. */
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

/** Returns null for a malformed line. As in C, an empty line is malformed, and an empty file is an empty line. */
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
  // C stops here, too, but prints nothing.
  const limits = `only ${MAX_ENTRIES} lines are read, of ${LINE_MAX_BYTES} bytes at most`;
  fprintf(stderr, `WARNING: Authfile [${path}]: ${limits}\n`);
  return found;
}

// authfile.c: authfile_check
/** Whether the file has this user with this password. */
export function authfileCheck(user: Uint8Array, password: Uint8Array): boolean {
  return isAmong(credentials(user, password), entries);
}

/** The lines of a file contain no NUL, so a NUL can separate user and password without ambiguity. */
function credentials(user: Uint8Array, password: Uint8Array): Buffer {
  return digestOf(Buffer.concat([user, Buffer.of(NUL), password]));
}
