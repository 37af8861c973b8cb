// The command line of npm run teach. An error in it is reported in one line.
import { parseArgs } from 'node:util';
import { Misuse, readingArguments } from '../arguments';

export { Misuse };

export interface Options {
  /** The port to serve the page on, 0 for any; null for no server. */
  serve: number | null;
  /** A scene's name, or the path of its file: record it. */
  scene: string | null;
  /** Where the page goes; null for its usual place. */
  output: string | null;
}

export const help = `Builds a page in which the server runs, step by step, in the browser.

  npm run teach                                builds dist/teach/index.html, and prints its path
  npm run teach -- --serve [PORT]              and serves it on 127.0.0.1, until it is interrupted
  npm run teach -- --scene FILE [-o out.html]  writes one scene as a page of its own, without a server

  --serve [PORT]     any free port where none is given
  --scene FILE|NAME  a file like those of scripts/teach/scenes/, or the name of one of them
  -o, --output FILE  where the page goes
  --help
`;

/** The options, or 'help'. Throws Misuse. */
export function readArguments(args: readonly string[]): Options | 'help' {
  const { values, positionals } = readingArguments(() => parseKnown(args));
  if (values.help === true) return 'help';
  const serve = values.serve === true ? port(positionals.shift()) : null;
  if (positionals.length > 0) throw new Misuse(`what is "${positionals[0]}"? (--help tells the options)`);
  if (serve !== null && values.scene !== undefined) throw new Misuse('--serve and --scene do not go together');
  return { serve, scene: values.scene ?? null, output: values.output ?? null };
}

function parseKnown(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      serve: { type: 'boolean' },
      scene: { type: 'string' },
      output: { type: 'string', short: 'o' },
      help: { type: 'boolean' },
    },
  });
}

function port(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new Misuse(`--serve wants a port from 0 to 65535, not "${text}"`);
  return Number(text);
}
