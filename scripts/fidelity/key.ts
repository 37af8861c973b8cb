// The porting key of the comparison: names that it leaves out on either side, each with the reason.
//
// A name belongs here only if it is no step of the program: a way to reach a value that the other language
// reaches without a call. Calls with an effect stay in the comparison, even if they have to differ.

export interface Ignored {
  reason: string;
  /** Its arguments are left out as well. */
  withArguments?: true;
}

export interface IgnoredTs extends Ignored {
  /** Matched against the callee's whole dotted name, with `?` for parts that are not names. */
  call: RegExp;
}

export const ignoredInC: ReadonlyMap<string, Ignored> = new Map<string, Ignored>([
  ['LOG_DBG', { reason: 'expands to nothing unless USE_LOG is defined', withArguments: true }],
  ['htonl', { reason: 'the port holds addresses in host byte order; its backends turn them' }],
  ['htons', { reason: 'likewise, for ports' }],
]);

const ignoredInTs: readonly IgnoredTs[] = [
  { call: /^LOG_DBG$/, reason: 'as in C', withArguments: true },
  { call: /^debug([A-Z]\w*)?$/, reason: 'stands where C has a commented-out printf', withArguments: true },
  { call: /^(Number|String)$/, reason: 'a cast' },
  { call: /^item$/, reason: 'a cast: (item *)p' },
  { call: /^(itemAt|theItem)$/, reason: 'a dereference: *p of an item **, and of what is known to be one' },
  { call: /^Conn\.at$/, reason: 'a cast: (conn *)p' },
  { call: /^PJSLArray\.(value|setValue)$/, reason: 'a dereference: *PValue' },
  { call: /^Math\.(imul|trunc)$/, reason: 'arithmetic of C integers' },
  { call: /^setErrno$/, reason: 'an assignment to errno' },
  { call: /\.toString$/, reason: 'a conversion that printf does in C' },
  { call: /^evsigcaught\.(get|set)$/, reason: 'an element of an array' },
];

export function ignoredCall(dottedName: string): Ignored | undefined {
  return ignoredInTs.find(({ call }) => call.test(dottedName));
}

/** TAILQ_FOREACH and its like are for loops in their definitions. */
export function forMacro(name: string): boolean {
  return /^[A-Z]+_FOREACH$/.test(name);
}

/** Whether a for loop that starts with `first` and goes on with `next` is what such a macro expands to. */
export function spelledForMacro(first: string, next: string): boolean {
  const queue = /^([A-Z]+)_(?:FIRST|MIN)$/.exec(first)?.[1];
  return queue !== undefined && next === `${queue}_NEXT`;
}

/** Objects of Node and JavaScript: their methods keep the whole name, lest one passes for a C function. */
export const GLOBALS: ReadonlySet<string> = new Set([
  'Array', 'Buffer', 'JSON', 'Math', 'Number', 'Object', 'Promise', 'String', 'console', 'globalThis', 'process',
]);
