// The teaching page in a browser: scenes to their end and back, every control by keyboard, faults, the reader's own C,
// a recording, small and dark screens, paper, and what axe-core says of it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import test from 'ava';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';

import { sideBySide } from '../scripts/side-by-side/command';
import { workerScript } from '../scripts/teach/cached';
import { faultKinds } from '../scripts/teach/faults';
import { livePage, recordedPage } from '../scripts/teach/html';
import { recorder } from '../scripts/teach/run';
import { loadScene, sceneNames } from '../scripts/teach/scenes';
import type { Trace } from '../scripts/teach/trace';
import { hasChromium, startChromium } from './support/chromium';
import { root } from './support/server';
import { thorough } from './support/thorough';
import { where } from './support/where';

const inBrowser = where(hasChromium, 'chromium', test.serial);

const scenes = sceneNames(root).map((name) => loadScene(root, name));
/** Each kind of scene in a usual run: one from the start of the server, one of the protocol, the longest. */
const walked = scenes.filter(({ name }) => thorough || ['listen-and-accept', 'multi-get'].includes(name));
const failed = faultKinds.filter(({ name }) => thorough || ['short-write', 'accept-emfile'].includes(name));
const GZIP_BYTES_MAX = 300 * 1024;
/** The smallest that has all columns: each pixel is painted by the processor. */
const DESKTOP = { width: 1100, height: 700 };
const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
const troubles: string[] = [];
let browser: Browser;
let page: Page;
let get: Trace;
let live = '';
let recording = '';
let visits = 0;

test.before(async () => {
  if (!hasChromium) return;
  const worker = await workerScript(root);
  live = await livePage(root, worker, scenes);
  get = await recorder(worker)(loadScene(root, 'get'));
  recording = await recordedPage(root, get);
  writeFileSync(join(folder, 'index.html'), live);
  writeFileSync(join(folder, 'recording.html'), recording);
  browser = await startChromium();
  page = await browser.newPage({ viewport: DESKTOP });
  page.setDefaultTimeout(20_000);
  page.on('pageerror', ({ message }) => troubles.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
  });
  page.on('request', (request) => {
    if (!/^(file|blob|data):/.test(request.url())) troubles.push(request.url());
  });
});

test.after.always(async () => {
  if (hasChromium) await browser.close();
  rmSync(folder, { recursive: true });
});

const text = (id: string): Promise<string> => page.locator(`#${id}`).innerText();
const step = async (): Promise<number> => Number(await page.inputValue('#number'));
const last = async (): Promise<number> => Number((await text('of')).replace('of ', ''));
const isPressed = (id: string): Promise<string | null> => page.getAttribute(`#${id}`, 'aria-pressed');

async function press(...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** Closes the dialog that is open. The browser takes its time for that. */
async function escape(): Promise<void> {
  await press('Escape');
  await page.waitForSelector('dialog[open]', { state: 'hidden' });
}

/** Resolves when the line below the page begins so. */
async function says(text: string): Promise<void> {
  await page.waitForFunction(`document.getElementById('status').textContent.startsWith(${JSON.stringify(text)})`);
}

/** Opens the page anew at an address; resolves when the scene has run. */
async function open(hash = '', file = 'index.html'): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${pathToFileURL(join(folder, file)).href}${hash}`);
  await page.waitForSelector('html[data-ready]');
}

/** The value of an expression in the page. As text: the types of a browser are no part of this program. */
async function inPage<T>(expression: string): Promise<T> {
  return page.evaluate<T>(expression);
}

/** Another address in the page that is open; resolves when its scene is shown. */
async function goTo(scene: string, n: number): Promise<void> {
  await follow(scene, `step=${n}`, `document.getElementById('number').value === '${n}'`);
}

async function follow(scene: string, place: string, isThere: string): Promise<void> {
  if (!page.url().includes('index.html')) await open();
  const title = scenes.find(({ name }) => name === scene)?.title ?? '';
  // The address is followed where it changes: so it does each time.
  await inPage(`location.hash = 'scene=${scene}&${place}&visit=${++visits}'`);
  await page.waitForFunction(`document.title.startsWith(${JSON.stringify(`${title} ·`)}) && ${isThere}`);
}

/** Presses a key, as a reader who holds it down, until nothing moves any more; returns how often. */
async function hold(key: string): Promise<number> {
  return inPage(`(() => {
    const number = document.getElementById('number');
    for (let presses = 0; ; presses++) {
      const before = number.value;
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '${key}', bubbles: true }));
      if (number.value === before) return presses;
    }
  })()`);
}

/** Bytes, and the lines of code that are not about to run. */
const REPEATED = '.cell:nth-child(n + 4), .listing.off, .block:not(:has(.current)), .line:nth-child(n + 4):not(.current, .ran, :has(.note))';

const leave = (): Promise<void> => inPage('document.activeElement.blur()');

/**
 * What axe-core finds in a part of the page. `left` is taken out meanwhile: what is there a hundred times is looked at
 * once, since axe-core goes through all of a page, whichever part is asked for.
 */
async function violations(part = 'body', options = '{}', left = REPEATED): Promise<string[]> {
  if (await inPage('window.axe === undefined')) await page.evaluate(axe.source);
  const found = await inPage<axe.AxeResults>(`(async () => {
    const taken = [...document.querySelectorAll(${JSON.stringify(left)})].map((element) => {
      const place = document.createComment('');
      element.replaceWith(place);
      return { place, element };
    });
    try {
      return await axe.run(${JSON.stringify(part)}, { resultTypes: ['violations'], ...${options} });
    } finally {
      for (const { place, element } of taken.reverse()) place.replaceWith(element);
    }
  })()`);
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`));
}

inBrowser('the page is one file, small enough, and asks for nothing', async (t) => {
  t.true(gzipSync(live).length < GZIP_BYTES_MAX, `${gzipSync(live).length} bytes`);
  await open();
  t.is(await step(), 0);
  t.is(await page.locator('#scene option').count(), scenes.length);
  t.not(await text('sentence'), '');
  t.deepEqual(troubles, []);
});

inBrowser('the first scene is shown before a server has started: its run is in the page', async (t) => {
  const other = await browser.newPage({ viewport: DESKTOP });
  await other.addInitScript('delete window.Worker');
  await other.goto(pathToFileURL(join(folder, 'index.html')).href);
  await other.waitForSelector('html[data-ready]');
  t.true((await other.title()).startsWith(scenes[0].title));
  t.true(Number((await other.locator('#of').innerText()).replace('of ', '')) > 50);
  await other.close();
});

for (const { name, title } of walked) {
  inBrowser(`${name}: to its end by system calls, back by states`, async (t) => {
    if (name !== walked[0].name) await goTo(name, 0);
    t.true(await hold('k') > 3);
    t.is(await step(), await last());
    t.true(await hold('S') > 1);
    t.is(await step(), 0);
    t.true((await page.title()).startsWith(title));
    t.deepEqual(troubles, []);
  });
}

inBrowser('each change of a scene, forward and back, says something and moves nothing', async (t) => {
  await goTo('get', 0);
  const places = (): Promise<string> => inPage(`[...document.querySelectorAll('#left > section, #sentence, .controls, .track')]
    .map((each) => each.getBoundingClientRect().top.toFixed()).join()`);
  const before = await places();
  const [forward, back] = [await hold('ArrowRight'), await hold('ArrowLeft')];
  t.is(forward, back);
  t.true(forward > 50);
  await press('ArrowRight', 'ArrowRight', 'ArrowRight');
  t.is(await places(), before);
});

inBrowser('kinds of steps, acts and numbers by their keys', async (t) => {
  await goTo('get', 200);
  for (const key of ['c', 't', 's', 'e', 'k', 'o']) {
    await goTo('get', 300);
    await press(key);
    t.true(await step() > 300, key);
    await goTo('get', 300);
    await press(`Shift+${key.toUpperCase()}`);
    t.true(await step() < 300, `Shift+${key}`);
  }
  await press('Home');
  t.is(await step(), 0);
  await press(']', ']');
  t.regex(await text('act'), /^2 of 4: A sends “set greeting/);
  await press('[');
  t.regex(await text('act'), /^1 of 4/);
  await press('End');
  t.is(await step(), await last());
  await press('g');
  await page.keyboard.type('123');
  await press('Enter');
  t.is(await step(), 123);
  await page.focus('#kinds input');
  await press('ArrowRight');
  t.is(await page.locator('#kinds input:checked').getAttribute('value'), 'statement');
  await leave();
  await press(' ');
  t.is(await step(), 124);
  await press('ArrowLeft');
  t.is(await step(), 123);
  await page.focus('#slider');
  await press('ArrowRight');
  t.is(await step(), 124);
  await page.focus('#kinds input:checked');
  await press('ArrowLeft');
});

inBrowser('Tab reaches every control', async (t) => {
  await goTo('get', 500);
  await inPage(`void (() => {
    window.reached = [];
    document.addEventListener('focusin', ({ target: at }) => {
      reached.push(at.id || (at.closest('[id]')?.id ?? '') + at.className);
    });
  })()`);
  await page.focus('#scene');
  await Promise.all(Array.from({ length: 50 }, () => press('Tab')));
  const reached = new Set(await inPage<string[]>('reached'));
  for (const id of [
    'scene', 'edit', 'fault', 'c-source', 'quiz', 'link', 'projector', 'theme', 'help', 'why', 'first', 'back', 'forward', 'last',
    'number', 'slider', 'functions',
  ]) t.true(reached.has(id), id);
  for (const part of ['kinds', 'tabs', 'portno', 'leftcell']) t.true([...reached].some((each) => each.startsWith(part)), part);
});

inBrowser('why am I here; who wrote this byte; which steps ran this line; where did this call return', async (t) => {
  await goTo('get', 700);
  await press('w');
  t.regex(await text('because'), /takes the connection from \w+ to \w+: so it was at step 700/);
  t.true(await step() < 700);
  await goTo('get', 300);
  await page.focus('#left .cell[tabindex="0"]');
  await press('ArrowRight', 'Enter');
  t.regex(await text('because'), /writes the byte that you saw at step 300/);
  await page.locator('.line.current .no').focus();
  await press('ArrowDown', 'ArrowUp', 'Enter');
  t.regex(await text('runs'), /ran \d+ times?/);
  await page.locator('#runs li button').last().press('Enter');
  t.is(await page.locator('#runs li button.current').innerText(), String(await step()));
  await page.locator('#runs .head button').press('Enter');
  t.true(await page.isHidden('#runs'));
  await press('End');
  await page.locator('#right .call button').first().press('Enter');
  t.true(await step() < await last());
  await page.locator('#right .frame button').last().press('Enter');
  t.is(await page.locator('#tabs [aria-pressed="true"]').innerText(), 'memcached.ts');
});

inBrowser('the quiz asks before an edge, explains, and counts', async (t) => {
  await goTo('get', 300);
  await press('q', 's');
  t.regex(await text('quiz-question'), /A’s connection is in nread/);
  t.deepEqual(await violations('#quiz-dialog'), []);
  const right = await page.locator('#quiz-answers button').allInnerTexts();
  await press(String(right.findIndex((each) => each.includes('write')) + 1));
  t.regex(await text('quiz-verdict'), /^Right\. All data are there/);
  t.is(await text('score'), '1 of 1 ✓');
  t.deepEqual(await violations('#quiz-dialog'), []);
  await press('Enter', 's', '1', 'Enter', 'q');
  t.is(await isPressed('quiz'), 'false');
  t.is(await text('score'), '');
});

for (const kind of failed) {
  inBrowser(`a fault, by keyboard: ${kind.name}`, async (t) => {
    const scene = kind.call === 'accept' ? 'listen-and-accept' : 'get';
    await goTo(scene, kind.call === 'accept' ? 150 : 200);
    await press('f');
    await page.locator(`#fault-kinds input[value="${kind.name}"]`).press(' ');
    await page.locator('#fault-form button.primary').press('Enter');
    await page.waitForSelector('#compare:not([hidden])');
    t.regex(await page.locator('#right .call.now.injected').innerText(), kind.errno === undefined ? /= 7/ : new RegExp(`= ${kind.errno}`));
    await press('x');
    t.is(await page.locator('#comparison .side').count(), 2);
    t.is(await page.locator('#comparison .differs.yes').count(), 2);
    if (kind === failed[0]) t.deepEqual(await violations('#comparison'), []);
    await press('ArrowRight', 'x');
    t.is(await page.locator('#comparison .side').count(), 0);
    t.deepEqual(troubles, []);
  });
}

inBrowser('a scene of one’s own, two clients, one byte by byte; its address opens it again', async (t) => {
  await goTo('get', 0);
  await press('y');
  await page.locator('#edit-empty').press('Enter');
  await page.locator('#edit-add').press('Enter');
  await page.keyboard.type('get greeting\\r\\n');
  const row = page.locator('#edit-rows .row').last();
  await row.locator('select').nth(0).selectOption('B');
  await row.locator('select').nth(1).selectOption('bytes');
  await page.locator('#edit-run').press('Enter');
  await page.waitForFunction('document.title.startsWith("A get (edited)")');
  await press('End');
  t.regex(await text('right'), /B has received VALUE greeting 0 5/);
  await page.waitForFunction('location.hash.startsWith("#edited=")');
  const [hash, n] = [await inPage<string>('location.hash'), await step()];
  await open(hash);
  t.is(await step(), n);
  t.regex(await text('right'), /B has received VALUE greeting 0 5/);
  await press('y');
  await page.locator('#edit-rows select').nth(1).selectOption('other');
  await page.locator('#edit-rows input[type="text"]').first().fill('nothing');
  await page.locator('#edit-run').press('Enter');
  t.regex(await text('edit-error'), /^Not an act/);
  await escape();
});

const C_SOURCE = `/* made up for this spec */
static int try_read_network(conn *c)
{
    int gotdata = 0;
    int res;
    for (;;) {
        res = read(c->sfd, c->rbuf + c->rbytes, c->rsize - c->rbytes);
        if (res > 0) {
            stats.bytes_read += res;
            gotdata = 1;
            c->rbytes += res;
            continue;
        }
    }
    return gotdata;
}
`;

/** The only rule that asks for colours. */
const CONTRAST = '{ runOnly: ["color-contrast"] }';

async function drop(name: string, source: string): Promise<void> {
  await inPage(`(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([${JSON.stringify(source)}], '${name}'));
    document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }));
  })()`);
}

inBrowser('an address names a place in the code, too', async (t) => {
  await follow('multi-get', 'at=driveMachine:mwrite', 'Number(document.getElementById("number").value) > 0');
  t.regex(await page.locator('.listing.typescript .line.current').innerText(), /if \(c\.ibytes > 0\)/);
});

inBrowser('the reader’s own C, from a folder or dropped, moves along', async (t) => {
  const n = get.steps.findIndex(({ site, act }) => act > 0 && get.sites[site].code.startsWith('c.rbytes += res'));
  await goTo('get', n);
  mkdirSync(join(folder, 'c'));
  writeFileSync(join(folder, 'c', 'memcached.c'), C_SOURCE);
  writeFileSync(join(folder, 'c', 'README'), 'nothing');
  await page.setInputFiles('#c-folder', join(folder, 'c'));
  await page.waitForSelector('body.with-c');
  await says('memcached.c');
  t.regex(await text('status'), /^memcached\.c: \d+ % of the lines/);
  t.regex(await page.locator('.listing.c .line.current').innerText(), /c->rbytes \+= res/);
  await page.locator('.listing.typescript .line.current .no').focus();
  t.regex(await page.locator('.listing.c .line.twin').innerText(), /c->rbytes/);
  await press('t');
  t.regex(await page.locator('.listing.c .line.ran').innerText(), /c->rbytes/);

  await goTo('get', 240);
  await drop('memcached.c', C_SOURCE.replace('int res', 'long res'));
  await page.waitForFunction('document.querySelector(".listing.c").textContent.includes("long res")');
  await drop('other.c', 'x');
  await says('None');
  t.regex(await page.locator('#status').innerText(), /^None of memcached\.c/);
});

inBrowser('dialogs, size and colours by their keys', async (t) => {
  // The shortest file: axe-core takes its time for each line that is shown.
  const n = get.steps.findIndex(({ file }) => get.files[file] === 'lib/slabs.ts') + 2;
  await goTo('get', n);
  await drop('slabs.c', 'void *slabs_alloc(unsigned int id)\n{\n    return slots[id];\n}\n');
  await says('slabs.c');
  await press('?');
  t.true(await page.isVisible('#help-dialog'));
  t.true(await page.locator('#keys dt').count() > 15);
  t.deepEqual(await violations('#help-dialog'), []);
  await escape();
  await press('b');
  t.true(await page.isVisible('#c-dialog'));
  await escape();
  await press('p');
  t.is(await inPage('getComputedStyle(document.documentElement).fontSize'), '18px');
  await press('p', 'l');
  await says('The link to this step'); // when the clipboard has it
  t.true(page.url().endsWith(`#scene=get&step=${n}`));
  const background = (): Promise<string> => inPage('getComputedStyle(document.body).backgroundColor');
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.waitForSelector('html[data-theme="dark"]');
  t.not(await background(), light, 'as the system has it');
  t.deepEqual(await violations('body', CONTRAST), []);
  await press('d');
  t.is(await background(), light, 'light, whatever the system has');
  await press('d', 'd');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.waitForSelector('html[data-theme="light"]');
  t.deepEqual(await violations(), []);
  await press('f');
  t.deepEqual(await violations('#fault-dialog'), []);
  await escape();
  await press('y');
  t.deepEqual(await violations('#edit-dialog'), []);
  await escape();
});

inBrowser('360 pixels: nothing is wider than the screen', async (t) => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const [scene, n] of [['get', 500], ['memory-full', 2000], ['fairness', 1500]] as const) {
    await goTo(scene, n);
    t.is(await inPage('document.documentElement.scrollWidth'), 360, scene);
  }
  t.deepEqual(await violations('body', '{ rules: { "color-contrast": { enabled: false } } }'), []);
  await page.setViewportSize(DESKTOP);
});

inBrowser('a step on paper is one A4', async (t) => {
  for (const [scene, n] of [['multi-get', 900], ['listen-and-accept', 400]] as const) {
    await goTo(scene, n);
    const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString('latin1');
    t.is(pdf.match(/\/Type\s*\/Page\b(?!s)/g)?.length, 1, scene);
    t.regex(pdf, /\/MediaBox \[0 0 84[12][\d.]* 59[45][\d.]*\]/);
  }
});

inBrowser('a recording has its steps, without a server and without a network', async (t) => {
  await page.context().setOffline(true);
  await open('#step=100', 'recording.html');
  t.is(await step(), 100);
  t.true(await hold('k') > 3);
  t.is(await step(), await last());
  t.true(await page.isHidden('#edit'));
  t.true(await page.isHidden('#fault'));
  t.true(gzipSync(recording).length < GZIP_BYTES_MAX);
  await page.context().setOffline(false);
  t.deepEqual(troubles, []);
});

inBrowser('the side-by-side page: search, keys, and the way to the step that runs it', async (t) => {
  const file = join(folder, 'side-by-side.html');
  mkdirSync(join(folder, 'c'), { recursive: true });
  writeFileSync(join(folder, 'c', 'memcached.c'), C_SOURCE);
  writeFileSync(file, sideBySide([join(folder, 'c')], root, file).html);
  await page.goto(pathToFileURL(file).href);
  const [row] = await page.locator('.r', { hasText: 'return gotdata;' }).allTextContents();
  t.regex(row, /return gotdata;[^]*return gotdata;/, 'C and the port in one row');

  await press('/');
  await page.keyboard.insertText('tryReadNetwork');
  await press('Enter');
  t.regex(await text('found'), /^\d+ of \d+$/);
  t.regex(await page.locator('.r.find.at').textContent() ?? '', /tryReadNetwork/);
  await press('Shift+Enter', 'Escape', 'n', 'n');
  t.regex(await text('stop'), /^◂[^]*2 of \d+/);
  t.is(await page.locator('#stop .scene').getAttribute('href'), await page.locator('#reading li .scene').nth(1).getAttribute('href'));
  const href = await inPage<string>('document.querySelector("#stop .scene").href');
  t.regex(href, /\/dist\/teach\/index\.html#scene=[\w-]+&at=\w+/);
  await press('3');
  t.is(await page.locator('.view [aria-pressed="true"]').innerText(), 'TypeScript');
  await press('1');
  t.is(await page.locator('.view [aria-pressed="true"]').innerText(), 'C');
  await press('2', 'Escape');
  t.true(await page.isHidden('#stop'));
  // Of its thousands of rows some of each kind are enough.
  const rows = '.file:nth-of-type(n + 3), .fn:nth-of-type(n + 5), .r:nth-child(n + 9), #functions li:nth-child(n + 4), #reading li:nth-child(n + 3)';
  await press('?');
  t.deepEqual(await violations('#help', '{}', rows), []);
  await escape();
  t.deepEqual(await violations('body', '{}', rows), []);
  await press('t');
  t.deepEqual(await violations('body', CONTRAST, rows), []);
  t.deepEqual(troubles, []);
});
