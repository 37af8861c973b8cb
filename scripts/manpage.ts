// Writes the manual page to the path in its argument. The build calls it; package.json's "man" names the file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { settings } from '../lib/1.6/settings';
import { packageVersion } from '../lib/libc/package';
import { page } from './manpage/page';

const [, , path] = process.argv;
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, page(settings, packageVersion()));
