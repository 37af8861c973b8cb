// RB_* of <sys/tree.h>: a red-black tree. The links live in the elements, in the field evTimeoutNode.

const RED = true;
const BLACK = false;

export interface RbEntry<T> {
  rbeLeft: T | null;
  rbeRight: T | null;
  rbeParent: T | null;
  rbeColor: boolean;
}

interface Node<T> {
  evTimeoutNode: RbEntry<T>;
}

export interface RbHead<T> {
  rbhRoot: T | null;
  /** Negative, 0 or positive, as for qsort(3). */
  readonly compare: (a: T, b: T) => number;
}

export function RB_ENTRY<T>(): RbEntry<T> {
  return { rbeLeft: null, rbeRight: null, rbeParent: null, rbeColor: BLACK };
}

export function RB_HEAD<T>(compare: (a: T, b: T) => number): RbHead<T> {
  return { rbhRoot: null, compare };
}

export function RB_INIT<T>(head: RbHead<T>): void {
  head.rbhRoot = null;
}

export function RB_ROOT<T>(head: RbHead<T>): T | null {
  return head.rbhRoot;
}

export function RB_MIN<T extends Node<T>>(head: RbHead<T>): T | null {
  return leftmost(head.rbhRoot);
}

/** The element after `elm` in order, or null. */
export function RB_NEXT<T extends Node<T>>(elm: T): T | null {
  if (elm.evTimeoutNode.rbeRight !== null) return leftmost(elm.evTimeoutNode.rbeRight);
  let child = elm;
  let parent = elm.evTimeoutNode.rbeParent;
  while (parent !== null && parent.evTimeoutNode.rbeRight === child) {
    child = parent;
    parent = parent.evTimeoutNode.rbeParent;
  }
  return parent;
}

/** An element that compares equal to `elm`, or null. */
export function RB_FIND<T extends Node<T>>(head: RbHead<T>, elm: T): T | null {
  let node = head.rbhRoot;
  while (node !== null) {
    const comp = head.compare(elm, node);
    if (comp === 0) return node;
    node = comp < 0 ? node.evTimeoutNode.rbeLeft : node.evTimeoutNode.rbeRight;
  }
  return null;
}

/** Inserts `elm` and returns null, or returns the element that compares equal to it. */
export function RB_INSERT<T extends Node<T>>(head: RbHead<T>, elm: T): T | null {
  let parent: T | null = null;
  let node = head.rbhRoot;
  let comp = 0;
  while (node !== null) {
    parent = node;
    comp = head.compare(elm, node);
    if (comp === 0) return node;
    node = comp < 0 ? node.evTimeoutNode.rbeLeft : node.evTimeoutNode.rbeRight;
  }
  elm.evTimeoutNode = { rbeLeft: null, rbeRight: null, rbeParent: parent, rbeColor: RED };
  if (parent === null) head.rbhRoot = elm;
  else if (comp < 0) parent.evTimeoutNode.rbeLeft = elm;
  else parent.evTimeoutNode.rbeRight = elm;
  insertFixup(head, elm);
  return null;
}

/** `elm` must be in the tree. */
export function RB_REMOVE<T extends Node<T>>(head: RbHead<T>, elm: T): void {
  const links = elm.evTimeoutNode;
  if (links.rbeLeft !== null && links.rbeRight !== null) swapWithSuccessor(head, elm);
  const { rbeLeft, rbeRight, rbeParent: parent, rbeColor } = elm.evTimeoutNode;
  const child = rbeLeft ?? rbeRight;
  replaceChild(head, parent, elm, child);
  if (child !== null) child.evTimeoutNode.rbeParent = parent;
  if (rbeColor === BLACK) removeFixup(head, child, parent);
  elm.evTimeoutNode = RB_ENTRY();
}

function leftmost<T extends Node<T>>(node: T | null): T | null {
  let least = node;
  for (let next = node; next !== null; next = next.evTimeoutNode.rbeLeft) least = next;
  return least;
}

function isRed<T extends Node<T>>(node: T | null): node is T {
  return node !== null && node.evTimeoutNode.rbeColor === RED;
}

function replaceChild<T extends Node<T>>(head: RbHead<T>, parent: T | null, from: T, to: T | null): void {
  if (parent === null) head.rbhRoot = to;
  else if (parent.evTimeoutNode.rbeLeft === from) parent.evTimeoutNode.rbeLeft = to;
  else parent.evTimeoutNode.rbeRight = to;
}

type Side = 'rbeLeft' | 'rbeRight';

function other(side: Side): Side {
  return side === 'rbeLeft' ? 'rbeRight' : 'rbeLeft';
}

/** Moves `node` down to `side`; its child on the other side takes its place. */
function rotate<T extends Node<T>>(head: RbHead<T>, node: T, side: Side): void {
  const up = node.evTimeoutNode[other(side)];
  if (up === null) throw new Error('red-black tree: rotation without a child');
  const inner = up.evTimeoutNode[side];
  node.evTimeoutNode[other(side)] = inner;
  if (inner !== null) inner.evTimeoutNode.rbeParent = node;
  const parent = node.evTimeoutNode.rbeParent;
  replaceChild(head, parent, node, up);
  up.evTimeoutNode.rbeParent = parent;
  up.evTimeoutNode[side] = node;
  node.evTimeoutNode.rbeParent = up;
}

function insertFixup<T extends Node<T>>(head: RbHead<T>, elm: T): void {
  let node = elm;
  for (;;) {
    const parent = node.evTimeoutNode.rbeParent;
    if (!isRed(parent)) break;
    const gparent = parent.evTimeoutNode.rbeParent;
    if (gparent === null) break;
    const side: Side = gparent.evTimeoutNode.rbeLeft === parent ? 'rbeLeft' : 'rbeRight';
    const uncle = gparent.evTimeoutNode[other(side)];
    if (isRed(uncle)) {
      uncle.evTimeoutNode.rbeColor = BLACK;
      parent.evTimeoutNode.rbeColor = BLACK;
      gparent.evTimeoutNode.rbeColor = RED;
      node = gparent;
      continue;
    }
    let top = parent;
    if (parent.evTimeoutNode[other(side)] === node) {
      rotate(head, parent, side);
      top = node;
    }
    top.evTimeoutNode.rbeColor = BLACK;
    gparent.evTimeoutNode.rbeColor = RED;
    rotate(head, gparent, other(side));
    break;
  }
  if (head.rbhRoot !== null) head.rbhRoot.evTimeoutNode.rbeColor = BLACK;
}

/** Rebalances: the side of `parent` on which `start` hangs has one black node too few. */
function removeFixup<T extends Node<T>>(head: RbHead<T>, start: T | null, startParent: T | null): void {
  let node = start;
  let parent = startParent;
  while (parent !== null && !isRed(node)) {
    const side: Side = parent.evTimeoutNode.rbeLeft === node ? 'rbeLeft' : 'rbeRight';
    let sibling = parent.evTimeoutNode[other(side)];
    if (isRed(sibling)) {
      sibling.evTimeoutNode.rbeColor = BLACK;
      parent.evTimeoutNode.rbeColor = RED;
      rotate(head, parent, side);
      sibling = parent.evTimeoutNode[other(side)];
    }
    if (sibling === null) throw new Error('red-black tree: black heights differ');
    const near = sibling.evTimeoutNode[side];
    if (!isRed(near) && !isRed(sibling.evTimeoutNode[other(side)])) {
      sibling.evTimeoutNode.rbeColor = RED;
      node = parent;
      parent = node.evTimeoutNode.rbeParent;
      continue;
    }
    if (isRed(near) && !isRed(sibling.evTimeoutNode[other(side)])) {
      near.evTimeoutNode.rbeColor = BLACK;
      sibling.evTimeoutNode.rbeColor = RED;
      rotate(head, sibling, other(side));
      sibling = near;
    }
    sibling.evTimeoutNode.rbeColor = parent.evTimeoutNode.rbeColor;
    parent.evTimeoutNode.rbeColor = BLACK;
    const far = sibling.evTimeoutNode[other(side)];
    if (far !== null) far.evTimeoutNode.rbeColor = BLACK;
    rotate(head, parent, side);
    return;
  }
  if (node !== null) node.evTimeoutNode.rbeColor = BLACK;
}

/** Swaps `elm`, which has two children, with the next element, so that it has one child at most. */
function swapWithSuccessor<T extends Node<T>>(head: RbHead<T>, elm: T): void {
  const next = RB_NEXT(elm);
  if (next === null) throw new Error('red-black tree: no successor under a right child');
  const a = elm.evTimeoutNode;
  const b = next.evTimeoutNode;
  const adjacent = b.rbeParent === elm;
  replaceChild(head, a.rbeParent, elm, next);
  if (!adjacent) replaceChild(head, b.rbeParent, next, elm);
  elm.evTimeoutNode = { ...b, rbeParent: adjacent ? next : b.rbeParent };
  next.evTimeoutNode = { ...a, rbeRight: adjacent ? elm : a.rbeRight };
  for (const moved of [elm, next]) {
    for (const child of [moved.evTimeoutNode.rbeLeft, moved.evTimeoutNode.rbeRight]) {
      if (child !== null) child.evTimeoutNode.rbeParent = moved;
    }
  }
}
