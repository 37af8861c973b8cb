// Puts the page together: one file with its styles, its script, the sources, the scenes and the worker in it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

import { highlight } from '../side-by-side/highlight';
import { INSTRUMENTED } from './instrumented';
import { withoutNote } from './listing';
import type { PageData } from './page-data';
import { recorder } from './run';
import type { Scene, Trace } from './trace';

/** The page with its server. `worker` is the text of bundleWorker; the first scene is recorded, and shown first. */
export async function livePage(root: string, worker: string, scenes: readonly Scene[]): Promise<string> {
  return page(root, { sources: sources(root), scenes: [...scenes], trace: await recorder(worker)(scenes[0]) }, worker);
}

/** The page without a server, with one run in it. */
export async function recordedPage(root: string, trace: Trace): Promise<string> {
  return page(root, { sources: sources(root), scenes: [trace.scene], trace }, '');
}

function sources(root: string): PageData['sources'] {
  return INSTRUMENTED.map((name) => {
    const text = readFileSync(join(root, name), 'utf8');
    return { name, text, html: highlight(text.split('\n').map(withoutNote).join('\n'), 'typescript') };
  });
}

async function page(root: string, data: PageData, worker: string): Promise<string> {
  const folder = join(root, 'scripts/teach/page');
  const [script, style] = await Promise.all([bundle(join(folder, 'main.ts')), bundle(join(folder, 'page.css'))]);
  const parts: Readonly<Record<string, string>> = {
    STYLE: style,
    // In JSON a < may be written as an escape, so that no tag can end the element.
    DATA: JSON.stringify(data).replaceAll('<', '\\u003c'),
    WORKER: unclosed(worker),
    PAGE: unclosed(script),
  };
  const template = readFileSync(join(folder, 'page.html'), 'utf8');
  return template.replace(/\/\*([A-Z]+)\*\//g, (whole, name: string) => parts[name] ?? whole);
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry], bundle: true, minify: true, format: 'iife', platform: 'browser', target: 'es2022', charset: 'utf8',
    legalComments: 'eof', write: false, logLevel: 'error',
  });
  return outputFiles[0].text.trim();
}

/** Escapes `</script` and `<!--`: in strings and patterns the escaped forms mean the same. */
function unclosed(script: string): string {
  return script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}
