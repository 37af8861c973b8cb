// Argument parsing that the commands of this folder share.

/** The arguments are wrong. The message is one line for the user. */
export class Misuse extends Error {}

/** What `parse` returns; an error of node:util's parseArgs becomes a Misuse. */
export function readingArguments<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Cuts off Node's explanation of how to pass arguments that begin with a dash.
    throw new Misuse(`${message.split(/[.\n]/)[0]} (--help tells the options)`);
  }
}
