// Has V8 put more of what a function calls into its code: the C port is many small functions that call each other for every
// byte, and what is in one piece needs a quarter less of JavaScript's time. For programs that run long.
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--max-inlined-bytecode-size=1200');
setFlagsFromString('--max-inlined-bytecode-size-small=100');
setFlagsFromString('--max-inlined-bytecode-size-cumulative=4000');
