// The script of the page: keys, search, reading order, columns, light and dark. Without it all of the text is there.

function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`no ${id}`);
  return element;
}

function all(selector: string): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(selector)];
}

const root = document.documentElement;

// The reader's choices last for the browser session, if the browser allows storage.
function kept(key: string): string | null {
  try {
    return sessionStorage.getItem(`side-by-side.${key}`);
  } catch {
    return null;
  }
}

function keep(key: string, value: string): void {
  try {
    sessionStorage.setItem(`side-by-side.${key}`, value);
  } catch {
    // The choice is not kept.
  }
}

// Columns, light and dark, size.

function show(view: string): void {
  root.dataset['view'] = view;
  for (const button of all('.view button')) {
    button.setAttribute('aria-pressed', String(button.dataset['view'] === view));
  }
  keep('view', view);
}

function paint(theme: string): void {
  root.dataset['theme'] = theme;
  keep('theme', theme);
}

function otherTheme(): void {
  const dark = root.dataset['theme'] ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  paint(dark === 'dark' ? 'light' : 'dark');
}

const SIZES = { least: 9, most: 30, first: 13 };
let size = Number(kept('size') ?? SIZES.first);

function resize(pixels: number): void {
  size = Math.min(Math.max(pixels, SIZES.least), SIZES.most);
  if (size === SIZES.first) root.style.removeProperty('--size');
  else root.style.setProperty('--size', `${size}px`);
  keep('size', String(size));
}

function toggleContents(): void {
  const closed = document.body.classList.toggle('closed');
  byId('menu', HTMLButtonElement).setAttribute('aria-expanded', String(!closed));
}

// Going from place to place.

function top(element: Element): number {
  return element.getBoundingClientRect().top;
}

/** The visible part of the page begins this far down, below the bar. */
const EDGE_PIXELS = 130;

function go(element: HTMLElement): void {
  const { id } = element;
  if (id !== '') location.hash = `#${id}`;
  else element.scrollIntoView();
}

/** Goes to the next or previous element from the reader's place. */
function step(elements: readonly HTMLElement[], forward: boolean): void {
  const below = elements.filter((element) => top(element) > EDGE_PIXELS + 2);
  const above = elements.filter((element) => top(element) < EDGE_PIXELS - 60);
  const target = forward ? below.at(0) : above.at(-1);
  if (target !== undefined) go(target);
}

function current(): HTMLElement | null {
  return all('section.fn').findLast((section) => top(section) <= EDGE_PIXELS) ?? null;
}

// The reading order.

const bar = byId('stop', HTMLElement);
const entries = all('#reading li');
let stop = -1;

function goToStop(index: number): void {
  const entry = entries.at(index);
  const link = entry?.querySelector('a');
  if (index < 0 || entry === undefined || !link) return;
  location.hash = link.hash;
  showStop(index);
}

function showStop(index: number): void {
  stop = index;
  const entry = entries.at(index);
  for (const other of entries) other.classList.toggle('here', other === entry);
  bar.hidden = index < 0 || entry === undefined;
  if (index < 0 || entry === undefined) return;
  const [link, scene] = entry.querySelectorAll('a');
  const title = document.createElement('b');
  title.textContent = `${index + 1} of ${entries.length}: ${link.textContent}. `;
  const sentence = document.createElement('span');
  sentence.className = 'sentence';
  sentence.textContent = `${entry.querySelector('span')?.textContent ?? ''} `;
  bar.querySelector('p')?.replaceChildren(title, sentence, scene.cloneNode(true));
  byId('previous', HTMLButtonElement).disabled = index === 0;
  byId('next', HTMLButtonElement).disabled = index === entries.length - 1;
  if (matchMedia('(min-width: 901px)').matches) entry.scrollIntoView({ block: 'nearest' });
}

/** Shows the stop that the address names. */
function stopAtHash(): void {
  const index = entries.findIndex((entry) => entry.querySelector('a')?.hash === decodeURI(location.hash));
  if (index !== -1) showStop(index);
}

// Search.

const field = byId('find', HTMLInputElement);
const output = byId('found', HTMLOutputElement);
let finds: HTMLElement[] = [];
let at = -1;
let asked = '';

function search(): void {
  const text = field.value.toLowerCase();
  if (text === asked) return;
  asked = text;
  for (const row of finds) row.classList.remove('find', 'at');
  at = -1;
  finds = text.length < 2 ? [] : all('.r').filter((row) => {
    return [...row.querySelectorAll('code')].some((code) => code.textContent.toLowerCase().includes(text));
  });
  for (const row of finds) row.classList.add('find');
  // A function of this name comes first.
  const named = all('section.fn').find((section) => {
    return (section.dataset['names'] ?? '').toLowerCase().split(' ').includes(text);
  });
  const row = named?.querySelector<HTMLElement>('.r');
  const first = row === undefined || row === null ? -1 : finds.findIndex((find) => {
    return (row.compareDocumentPosition(find) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0 || find === row;
  });
  say();
  if (first > 0) at = first - 1;
}

function say(): void {
  output.value = asked.length < 2 ? '' : finds.length === 0 ? 'nothing' : `${at + 1} of ${finds.length}`;
}

function goToFind(by: number): void {
  search();
  if (finds.length === 0) return;
  if (at >= 0) finds[at].classList.remove('at');
  at = (at + by + finds.length) % finds.length;
  const row = finds[at];
  row.classList.add('at');
  row.querySelector('code')?.scrollIntoView({ block: 'center' });
  say();
}

// Print one function.

function printOne(): void {
  const section = current();
  if (section === null) return;
  section.classList.add('current');
  document.body.classList.add('one');
  addEventListener('afterprint', () => {
    document.body.classList.remove('one');
    section.classList.remove('current');
  }, { once: true });
  print();
}

// Keys and buttons.

const keys: Readonly<Record<string, () => void>> = {
  n: () => goToStop(stop + 1),
  p: () => goToStop(stop - 1),
  j: () => step(all('section.fn'), true),
  k: () => step(all('section.fn'), false),
  d: () => step(all('.badge'), true),
  D: () => step(all('.badge'), false),
  '/': () => {
    field.focus();
    field.select();
  },
  Backspace: () => history.back(),
  1: () => show('c'),
  2: () => show('both'),
  3: () => show('ts'),
  m: toggleContents,
  t: otherTheme,
  '+': () => resize(size + 1),
  '-': () => resize(size - 1),
  0: () => resize(SIZES.first),
  P: printOne,
  '?': () => byId('help', HTMLDialogElement).showModal(),
  Escape: () => showStop(-1),
};

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId('help', HTMLDialogElement).open) return;
  if (event.target === field) {
    if (event.key === 'Escape') field.blur();
    return;
  }
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});

field.form?.addEventListener('submit', (event) => {
  event.preventDefault();
  goToFind(1);
});
field.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !event.shiftKey) return;
  event.preventDefault();
  goToFind(-1);
});
field.addEventListener('input', search);
byId('menu', HTMLButtonElement).addEventListener('click', toggleContents);
byId('theme', HTMLButtonElement).addEventListener('click', otherTheme);
byId('keys', HTMLButtonElement).addEventListener('click', () => byId('help', HTMLDialogElement).showModal());
byId('previous', HTMLButtonElement).addEventListener('click', () => goToStop(stop - 1));
byId('next', HTMLButtonElement).addEventListener('click', () => goToStop(stop + 1));
byId('leave', HTMLButtonElement).addEventListener('click', () => showStop(-1));
for (const button of all('.view button')) {
  button.addEventListener('click', () => show(button.dataset['view'] ?? 'both'));
}
addEventListener('hashchange', stopAtHash);

const theme = kept('theme');
if (theme !== null) paint(theme);
show(kept('view') ?? 'both');
resize(size);
if (matchMedia('(max-width: 900px)').matches) toggleContents();
stopAtHash();
