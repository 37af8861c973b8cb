// Colours source text, line by line.
import { createRequire } from 'node:module';

/** What we use of it. Its own types would give all our files the names of a browser: close, stop, name and others. */
interface Highlighter {
  registerLanguage(name: string, language: unknown): void;
  highlight(text: string, options: { language: string }): { value: string };
}

const load = createRequire(__filename);
const hljs = load('highlight.js/lib/core') as Highlighter;
hljs.registerLanguage('c', load('highlight.js/lib/languages/c'));
hljs.registerLanguage('typescript', load('highlight.js/lib/languages/typescript'));

/** The HTML of each line of a text. An element that goes on after its line is closed there, and opened anew. */
export function highlight(text: string, language: 'c' | 'typescript'): string[] {
  const html = hljs.highlight(text, { language }).value;
  const open: string[] = [];
  return html.split('\n').map((line) => {
    const before = open.join('');
    for (const [tag] of line.matchAll(/<[^>]*>/g)) {
      if (tag === '</span>') open.pop();
      else open.push(tag);
    }
    return before + line + '</span>'.repeat(open.length);
  });
}

/** What is written in HTML for any text. */
export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign);
}
