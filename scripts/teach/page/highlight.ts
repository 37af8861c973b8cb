// Source text in colours, line by line.
import hljs from 'highlight.js/lib/core';
import c from 'highlight.js/lib/languages/c';
import typescript from 'highlight.js/lib/languages/typescript';

hljs.registerLanguage('c', c);
hljs.registerLanguage('typescript', typescript);

/** HTML for each line; what goes over several lines is closed and opened again at their ends. */
export function highlight(source: string, language: 'c' | 'typescript'): string[] {
  const html = hljs.highlight(source, { language, ignoreIllegals: true }).value;
  const open: string[] = [];
  return html.split('\n').map((line) => {
    const start = open.join('');
    for (const [tag] of line.matchAll(/<span[^>]*>|<\/span>/g)) {
      if (tag === '</span>') open.pop();
      else open.push(tag);
    }
    return start + line + '</span>'.repeat(open.length);
  });
}
