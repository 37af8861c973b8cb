// Highlights the reader's C, line by line. The build of the page has highlighted the port.
import hljs from 'highlight.js/lib/core';
import c from 'highlight.js/lib/languages/c';

hljs.registerLanguage('c', c);

/** HTML for each line; elements that span lines are closed and reopened at line ends. */
export function highlight(source: string): string[] {
  const html = hljs.highlight(source, { language: 'c', ignoreIllegals: true }).value;
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
