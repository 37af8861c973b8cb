// The manual page. It is made of the options that -h prints; what is looked at here is that troff will show them.
import test from 'ava';

import { settings } from '../lib/1.6/settings';
import { options, suboptions } from '../lib/1.6/usage';
import { OWN_OPTIONS } from '../scripts/command/options';
import { page } from '../scripts/manpage/page';
import { entries, paragraph } from '../scripts/manpage/roff';

test('each option of -h is a term of the page, with its text', (t) => {
  const terms = [...page(settings, '1.2.3').matchAll(/^\.TP\n\\fB(.*)\\fR\n(.+)$/gm)];
  const shown = new Map(terms.map(([, term, text]) => [plain(term), plain(text)]));
  for (const [names, ...text] of [...options(settings), ...suboptions(settings), ...OWN_OPTIONS]) {
    t.is(shown.get(names), text.join(' ').replaceAll('`', ''), names);
  }
});

test('the page begins with its title and its name, as man and apropos expect', (t) => {
  const begin = '.TH MEMCACHED\\-TS 1 "" "memcached\\-ts 1.2.3" ""\n.SH NAME\nmemcached\\-ts \\- ';
  t.true(page(settings, '1.2.3').startsWith(begin));
});

test('no line is a request by accident', (t) => {
  for (const line of page(settings, '1.2.3').split('\n')) {
    t.regex(line, /^$|^[^.']|^\.(TH|SH|PP|TP|B|BR|RI)\b/);
  }
});

test('characters special to troff are escaped, and text between backticks is bold', (t) => {
  t.is(paragraph('.5 is "a\\b", not \'-1\';\n  see `-h`'),
    '.PP\n\\&.5 is \\(dqa\\eb\\(dq, not \\(aq\\-1\\(aq; see \\fB\\-h\\fR\n');
  t.is(entries([['-a', 'one', 'two']]), '.TP\n\\fB\\-a\\fR\none two\n');
});

/** The text that troff shows. */
function plain(roff: string): string {
  return roff.replace(/\\f[BR]|\\&/g, '').replace(/\\\(dq/g, '"').replace(/\\\(aq/g, "'").replace(/\\([-e])/g, '$1');
}
