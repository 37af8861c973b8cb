// getopt_long(3) of glibc: options of one letter and of one word, with glibc's messages. Node's parseArgs knows neither
// shortened words (--mem for --memory-limit) nor arguments that may be missing, nor in what order errors come.

/** An option of one word (`struct option`). */
export interface LongOption {
  name: string;
  argument: 'none' | 'required' | 'optional';
  /** The letter that it stands for. */
  letter: string;
}

/** What getopt_long returns, one call after the other: a letter with its argument, or `?` with a message. */
export interface Found {
  letter: string;
  argument: string | null;
  /** What is wrong, in one line without the program's name; empty if nothing is. */
  message: string;
}

/**
 * The options among `args` (the words behind the program's name), up to the first that is wrong. Words that are no
 * options are left out. `optstring` lists the letters, with a colon behind those that have an argument.
 */
export function getoptLong(args: readonly string[], optstring: string, longopts: readonly LongOption[]): Found[] {
  const found: Found[] = [];
  const words = [...args];
  const take = (): string | null => words.shift() ?? null;
  for (let word = take(); word !== null && word !== '--'; word = take()) {
    if (word.startsWith('--')) found.push(longOption(word.slice(2), longopts, take));
    else if (word.startsWith('-') && word !== '-') found.push(...letters(word.slice(1), optstring, take));
    if (found.at(-1)?.letter === '?') break;
  }
  return found;
}

/** The options of a word like `-vdp80`. */
function letters(word: string, optstring: string, take: () => string | null): Found[] {
  const found: Found[] = [];
  for (let at = 0; at < word.length; at++) {
    const letter = word[at];
    const index = letter === ':' ? -1 : optstring.indexOf(letter);
    if (index === -1) return [...found, wrong(`invalid option -- '${letter}'`)];
    if (optstring[index + 1] !== ':') {
      found.push({ letter, argument: null, message: '' });
      continue;
    }
    const argument = at + 1 < word.length ? word.slice(at + 1) : take();
    if (argument === null) return [...found, wrong(`option requires an argument -- '${letter}'`)];
    return [...found, { letter, argument, message: '' }];
  }
  return found;
}

/** The option of a word like `--port=80`; `text` is what stands behind its two dashes. */
function longOption(text: string, longopts: readonly LongOption[], take: () => string | null): Found {
  const equals = text.indexOf('=');
  const name = equals === -1 ? text : text.slice(0, equals);
  const exact = longopts.filter((option) => option.name === name);
  const candidates = exact.length > 0 ? exact : longopts.filter((option) => option.name.startsWith(name));
  if (candidates.length === 0) return wrong(`unrecognized option '--${text}'`);
  if (candidates.length > 1) {
    const names = candidates.map((option) => `'--${option.name}'`).join(' ');
    return wrong(`option '--${text}' is ambiguous; possibilities: ${names}`);
  }
  const [option] = candidates;
  let argument = equals === -1 ? null : text.slice(equals + 1);
  if (argument !== null && option.argument === 'none') return wrong(`option '--${option.name}' doesn't allow an argument`);
  if (argument === null && option.argument === 'required') argument = take();
  if (argument === null && option.argument === 'required') return wrong(`option '--${option.name}' requires an argument`);
  return { letter: option.letter, argument, message: '' };
}

function wrong(message: string): Found {
  return { letter: '?', argument: null, message };
}
