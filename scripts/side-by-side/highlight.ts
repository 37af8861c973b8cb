// Colours source text, line by line.
import { createRequire } from 'node:module';

/** The part that we use. Its own types would bring the browser's globals into all our files: close, stop, name. */
interface Highlighter {
  registerLanguage(name: string, language: unknown): void;
  highlight(text: string, options: { language: string }): { value: string };
}

const load = createRequire(__filename);
const hljs = load('highlight.js/lib/core') as Highlighter;
hljs.registerLanguage('c', load('highlight.js/lib/languages/c'));
hljs.registerLanguage('typescript', load('highlight.js/lib/languages/typescript'));

/** The HTML of each line of a text. An element that spans lines is closed and reopened at each line end. */
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

/** Escapes text for HTML. */
export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign);
}
