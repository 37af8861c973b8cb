// The gate's closing lines. Its arguments are the logs of ava's runs; it prints which tests failed, which were skipped
// and why, and the sum of all. A skipped test counts as failed, unless it needs something that ALLOWED_SKIPS lists; so
// does a log without a result. FAILED_STEPS, how many of the gate's steps failed, is the least number of failures.
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const { ALLOWED_SKIPS = '', FAILED_STEPS = '0' } = process.env;
const allowed = ALLOWED_SKIPS.split(',');
let passed = 0, failed = 0;

for (const path of process.argv.slice(2)) {
  const log = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const count = (pattern) => log.match(pattern)?.length ?? 0;
  const passes = count(/^ {2}\u2714 /gm);
  const failure = /^ {2}(?:\u2718 (?:\[fail\]: )?|(?=Un(?:caught exception|handled rejection) in ))(.*)$/gm;
  let failures = 0;
  for (const [, title] of log.matchAll(failure)) {
    console.log(`${basename(path)}: failed: ${title}`);
    failures++;
  }
  for (const [, title] of log.matchAll(/^ {2}\u25CC (.*)$/gm)) console.log(`${basename(path)}: did not end: ${title}`);
  if (!/^ {2}\d+ tests? (?:passed|failed)$/m.test(log)) failures++; // it did not come to its end
  for (const [, title] of log.matchAll(/^ {2}- \[skip\] (.*)$/gm)) {
    const need = /\(needs (.*)\)$/.exec(title)?.[1];
    const expected = need !== undefined && allowed.includes(need);
    if (!expected) failures++;
    console.log(`${basename(path)}: skipped${expected ? '' : ', which was not expected'}: ${title}`);
  }
  console.log(`${basename(path)}: ${passes} passed, ${failures} failed`);
  passed += passes;
  failed += failures;
}

failed = Math.max(failed, Number(FAILED_STEPS));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
