// getopt(3), over Node's parseArgs.
import { parseArgs } from 'node:util';

/** The argument of the option that getopt returned last. */
export let optarg = '';
/** The option for which getopt returned '?' or ':'. */
export let optopt = '';

type Option = { name: string; value: string | undefined; raw: string };
let pending: Option[] | null = null;

/**
 * The next option of `argv` (whose first element is the program): its letter, '?' if it is unknown, ':' if its argument
 * is missing, or -1 if there are no more. A word that is no option counts as unknown, and so does a long option.
 */
export function getopt(argv: readonly string[], optstring: string): string | -1 {
  pending ??= parse(argv.slice(1), optstring);
  const option = pending.shift();
  if (option === undefined) {
    pending = null;
    return -1;
  }
  const at = option.name.length === 1 && !option.raw.startsWith('--') ? optstring.indexOf(option.name) : -1;
  const wantsArgument = at !== -1 && optstring[at + 1] === ':';
  optopt = option.raw;
  optarg = option.value ?? '';
  if (at === -1 || (option.value !== undefined && !wantsArgument)) return leave('?');
  if (wantsArgument && option.value === undefined) return leave(':');
  return option.name;
}

/** After an error the caller stops, and the next call begins anew. */
function leave(result: string): string {
  pending = null;
  return result;
}

function parse(args: string[], optstring: string): Option[] {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string }> = {};
  for (const [, letter, colon] of optstring.matchAll(/(\w)(:?)/g)) {
    options[letter] = { type: colon ? 'string' : 'boolean', short: letter };
  }
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  return tokens.flatMap((token) => {
    if (token.kind === 'option') return [{ name: token.name, value: token.value, raw: token.rawName }];
    if (token.kind === 'positional') return [{ name: token.value, value: token.value, raw: token.value }];
    return [];
  });
}
