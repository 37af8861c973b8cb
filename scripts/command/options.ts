// Takes our own options off the command line before main sees it, and looks up those options of 1.0.4's main that size
// the memory, which must be allocated before main begins.
import { parseArgs } from 'node:util';

export interface CommandOptions {
  /** memcached 1.0.4 as it was, system call for system call. */
  classic: boolean;
  /** memcached 1.0.4's protocol with today's system calls. */
  of2003: boolean;
  /** Clients may send `stats maps`. */
  statsMaps: boolean;
  version: boolean;
  help: boolean;
  /** The arguments of -m and -c, unchecked. */
  megabytes: string | undefined;
  connections: string | undefined;
  /** The words left for main. */
  rest: string[];
}

const OWN = ['classic', '1.0', 'stats-maps', 'version'];
/** Options of main with an argument, which must not be mistaken for an option. */
const WITH_ARGUMENT = ['p', 'm', 'c', 'l'];

/** `args` are the words behind the program's name. main reports errors in them. */
export function commandOptions(args: readonly string[]): CommandOptions {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string }> = { h: { type: 'boolean', short: 'h' } };
  for (const name of OWN) options[name] = { type: 'boolean' };
  for (const name of WITH_ARGUMENT) options[name] = { type: 'string', short: name };
  const config = { args: [...args], options, strict: false, allowPositionals: true, tokens: true } as const;
  const { values, tokens } = parseArgs(config);
  const own = new Set(tokens.flatMap((token) => {
    const isOwn = token.kind === 'option' && OWN.includes(token.name) && token.value === undefined;
    return isOwn ? [token.index] : [];
  }));
  const has = (name: string): boolean => [...own].some((index) => args[index] === `--${name}`);
  const argument = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    classic: has('classic'),
    of2003: has('1.0') || has('classic'),
    statsMaps: has('stats-maps'),
    version: has('version'),
    help: values['h'] === true,
    megabytes: argument('m'),
    connections: argument('c'),
    rest: args.filter((_, index) => !own.has(index)),
  };
}

/** The options that no memcached has, with their text. */
export const OWN_OPTIONS: readonly (readonly [name: string, text: string])[] = [
  ['--classic', 'memcached 1.0.4 as it was, system call for system call'],
  ['--1.0', 'memcached 1.0.4, with fewer system calls'],
  ['--stats-maps', 'let clients ask for `stats maps`'],
  ['--version', 'print the version and exit'],
];

/** -h prints this behind main's own usage. */
export const USAGE = OWN_OPTIONS.map(([name, text]) => `${name.padEnd(14)}${text}\n`).join('');
