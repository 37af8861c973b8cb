// The porting key of the aligner: spellings that differ between the languages without a difference in meaning.
//
// A statement is compared as its lexemes, each with one space behind it, and its strings as "". The rules are applied
// one after the other, only those of its language, and the results are compared by their words.

export interface Rule {
  of: 'c' | 'ts' | 'both';
  from: RegExp;
  to: string;
  reason: string;
}

export const rules: readonly Rule[] = [
  // C: types, and the sizes of types.
  { of: 'c', from: /\bsizeof \( (?:[\w ]+ )?\* \) /g, to: '4 ', reason: 'a pointer has four bytes in the port' },
  { of: 'c', from: /\bsizeof \( (?:unsigned )?int \) /g, to: '4 ', reason: 'an int, too' },
  { of: 'c', from: /\* sizeof \( char \) /g, to: '', reason: 'times one' },
  { of: 'c', from: /\bsizeof \( (\w+) \) /g, to: 'SIZEOF_$1 ', reason: 'the port has a constant for each struct' },
  { of: 'c', from: /\( (?:const |struct )*\w+ (?:\* )+\) /g, to: '', reason: 'a cast to a pointer' },
  {
    of: 'c', from: /\( (?:(?:unsigned|signed|int|char|short|long|void|\w+_t) )+\) (?=[\w(*&])/g, to: '',
    reason: 'a cast to a number',
  },
  {
    of: 'c', from: /^(?!(?:return|goto|case) )(?:\w+ )+(?:\* )*(?=\w+ (?:[=,[]|$))/, to: '',
    reason: 'the type of a declaration',
  },
  { of: 'c', from: /^(\w+) \[ \w+ \] $/, to: '$1 ', reason: 'the port has no arrays on the stack' },
  { of: 'c', from: /= \{ (?:0 ,? ?)+\} $/, to: '', reason: 'the members of a struct on the stack' },
  // C: arguments that the port's calls do not need.
  { of: 'c', from: /\btime \( 0 \) /g, to: 'time ( ) ', reason: 'the time is what it returns' },
  { of: 'c', from: /\bhton[sl] /g, to: '', reason: 'the port holds addresses in host byte order' },
  {
    of: 'c', from: /\bgettimeofday \( (.*?) , NULL \) /g, to: 'gettimeofday ( $1 ) ',
    reason: 'a time zone is never asked for',
  },
  {
    of: 'c', from: /\baccept \( (.*?) , .* , & \w+ \) /g, to: 'accept ( $1 , 0 ) ',
    reason: 'nobody reads the address',
  },
  {
    of: 'c', from: /\bRB_FOREACH \( (\w+) , \w+ , /g, to: 'for ( $1 , ',
    reason: 'a for loop; the type of its tree is not needed',
  },
  { of: 'c', from: /\b[A-Z]+_FOREACH /g, to: 'for ', reason: 'a for loop in its definition' },

  // TypeScript: types.
  {
    of: 'ts', from: /= \{ (?:\w+ : 0 ,? ?)+\} $/, to: '',
    reason: 'the members of a struct on the stack, or an int whose address is taken',
  },
  {
    of: 'ts', from: /(?<=^(?:let|const) .*)(?<=[\w$] ): (?:[\w$.|<>[\]-]+ )+?(?==|,|$)/g, to: '',
    reason: 'the type of a declaration',
  },
  {
    of: 'ts', from: /^const (\w+) = [a-z]+\1 $/i, to: '$1 ',
    reason: 'what a function has on its stack in C has its name and the variable\'s in the port',
  },
  { of: 'ts', from: /^(?:let|const) /, to: '', reason: 'a declaration' },
  { of: 'ts', from: /\bas (?:const|\w+) /g, to: '', reason: 'a cast' },
  // TypeScript: memory.
  {
    of: 'ts', from: /\bu32 \[ \( (.+?) \+ 4 \* (.+?) \) >>> 2 \] /g, to: '$1 [ $2 ] ',
    reason: 'an element of an array of pointers or of unsigned ints',
  },
  { of: 'ts', from: /\bu8 \[ /g, to: '[ ', reason: 'a char through a pointer: *p' },
  {
    of: 'ts', from: /\bPJSLArray \. setValue \( (\w+) , (.+) \) /g, to: '$1 = $2 ',
    reason: 'an assignment to *PValue',
  },
  { of: 'ts', from: /\bPJSLArray \. value /g, to: '', reason: 'a dereference: *PValue' },
  { of: 'ts', from: /\bitemAt \( (.+?) \+ 4 \* (.+?) \) /g, to: '$1 [ $2 ] ', reason: 'an element of an item **' },
  { of: 'ts', from: /\b(?:itemAt|item|Number|String) (?=\()/g, to: '', reason: 'a cast or a dereference' },
  { of: 'ts', from: /\b(?:Conn \. at|Math \. (?:trunc|imul)) /g, to: '', reason: 'a cast, or arithmetic of integers' },
  { of: 'ts', from: /\. (?:value|ptr) /g, to: '', reason: 'a dereference of a Ref, or the pointer to a struct' },
  { of: 'ts', from: /\. tvSec = (.+) \. tvSec $/, to: '= $1 ', reason: 'a struct is copied member by member' },
  { of: 'ts', from: /\+= 4 $/, to: '++ ', reason: 'a step of a pointer to pointers' },
  { of: 'ts', from: /\+= 4 (?=\))/g, to: '++ ', reason: 'likewise, in a for loop' },
  {
    of: 'ts', from: /\bfor \( (\w+) = [A-Z]+_(?:FIRST|MIN) \( (.+?) \) ; \1 ; \1 = [A-Z]+_NEXT \( .*$/,
    to: 'for ( $1 , $2 ) ', reason: 'what RB_FOREACH and its like expand to',
  },
  // TypeScript: numbers.
  { of: 'ts', from: /^(.+?) = \( \1 ([-+*]) (.+) \) >>> 0 /, to: '$1 $2= $3 ', reason: 'unsigned arithmetic' },
  { of: 'ts', from: />>> 0 /g, to: '', reason: 'a cast to unsigned' },
  { of: 'ts', from: />>>/g, to: '>>', reason: 'a shift of an unsigned int' },
  { of: 'ts', from: /([=!])==/g, to: '$1=', reason: 'the comparison of C' },
  // TypeScript: names.
  { of: 'ts', from: /\bConnState \. /g, to: 'conn_', reason: 'C has no scope for the names of an enum' },
  {
    of: 'ts', from: /\bfile \. /g, to: '',
    reason: 'the port\'s calls for files share their names with those for sockets',
  },
  { of: 'ts', from: /\bsetErrno \( (.+) \) /g, to: 'errno = $1 ', reason: 'an assignment to errno' },
  { of: 'ts', from: /\b(?:await|async) /g, to: '', reason: 'C waits in the call' },
  { of: 'ts', from: /\bevcalls \. /g, to: '', reason: 'a system call that the backend has' },
  { of: 'ts', from: /\+ (?="")|(?<="" )\+ /g, to: '', reason: 'C puts strings side by side' },

  // Both.
  { of: 'both', from: /\b(?:NULL|null|false) /g, to: '0 ', reason: 'nothing, and no' },
  { of: 'both', from: /\btrue /g, to: '1 ', reason: 'yes' },
];

/** Words that every program has: only its place identifies a statement of these alone. */
export const COMMON_WORDS: ReadonlySet<string> = new Set([
  'if', 'else', 'while', 'do', 'for', 'switch', 'case', 'default', 'break', 'continue', 'return', 'goto', 'try',
  'catch', 'finally', 'throw', 'new', '0', '1', '2', '4',
]);

/** Signs that are compared; brackets, commas, dots, arrows, stars and ampersands are not. */
export const SIGNS: ReadonlySet<string> = new Set([
  '=', '==', '!=', '<', '>', '<=', '>=', '+', '-', '/', '%', '+=', '-=', '*=', '/=', '&=', '|=', '++', '--', '!', '&&',
  '||', '?', '~', '|', '<<', '>>', '>>=', '"',
]);
