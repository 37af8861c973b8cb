// The macros of <sys/tree.h> and <sys/queue.h>: against a sorted array and a plain one.
import test from 'ava';
import fc from 'fast-check';

import {
  TAILQ_ENTRY, TAILQ_FIRST, TAILQ_HEAD, TAILQ_INIT, TAILQ_INSERT_TAIL, TAILQ_NEXT, TAILQ_REMOVE,
} from '../reactor/queue';
import type { TailqEntry, TailqHead } from '../reactor/queue';
import {
  RB_ENTRY, RB_FIND, RB_HEAD, RB_INIT, RB_INSERT, RB_MIN, RB_NEXT, RB_REMOVE, RB_ROOT,
} from '../reactor/tree';
import type { RbEntry, RbHead } from '../reactor/tree';

class Node {
  evTimeoutNode: RbEntry<Node> = RB_ENTRY();
  constructor(readonly key: number) {}
}

function newTree(): RbHead<Node> {
  return RB_HEAD((a: Node, b: Node) => a.key - b.key);
}

function inOrder(head: RbHead<Node>): number[] {
  const keys: number[] = [];
  for (let node = RB_MIN(head); node; node = RB_NEXT(node)) keys.push(node.key);
  return keys;
}

/** The number of black nodes on every way down from `node`. Throws where the rules of red-black trees do not hold. */
function blackHeight(node: Node | null, parent: Node | null): number {
  if (node === null) return 1;
  const { rbeLeft, rbeRight, rbeParent, rbeColor: red } = node.evTimeoutNode;
  if (rbeParent !== parent) throw new Error(`${node.key} has a wrong parent`);
  if (red && (parent === null || parent.evTimeoutNode.rbeColor)) throw new Error(`${node.key} is red under red`);
  const left = blackHeight(rbeLeft, node);
  if (blackHeight(rbeRight, node) !== left) throw new Error(`black heights differ under ${node.key}`);
  return left + (red ? 0 : 1);
}

function height(node: Node | null): number {
  if (node === null) return 0;
  return 1 + Math.max(height(node.evTimeoutNode.rbeLeft), height(node.evTimeoutNode.rbeRight));
}

test('tree: stays sorted and balanced whatever is inserted and removed', (t) => {
  const operation = fc.record({ remove: fc.boolean(), key: fc.integer({ min: 0, max: 60 }) });
  fc.assert(fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
    const head = newTree();
    const model = new Map<number, Node>();
    for (const { remove, key } of operations) {
      const known = model.get(key) ?? null;
      const node = new Node(key);
      if (!remove) {
        t.is(RB_INSERT(head, node), known);
        if (known === null) model.set(key, node);
      } else if (known !== null) {
        RB_REMOVE(head, known);
        model.delete(key);
      }
      t.is(RB_FIND(head, node), model.get(key) ?? null);
      blackHeight(RB_ROOT(head), null);
    }
    t.deepEqual(inOrder(head), [...model.keys()].sort((a, b) => a - b));
    t.true(height(RB_ROOT(head)) <= 2 * Math.log2(model.size + 1));
  }));
});

test('tree: emptied in any order, it has no root and takes its nodes again', (t) => {
  const keys = [...Array(40).keys()];
  fc.assert(fc.property(fc.shuffledSubarray(keys, { minLength: 40 }), (order) => {
    const head = newTree();
    const nodes = keys.map((key) => new Node(key));
    for (const node of nodes) RB_INSERT(head, node);
    for (const key of order) {
      RB_REMOVE(head, nodes[key]);
      blackHeight(RB_ROOT(head), null);
    }
    t.is(RB_ROOT(head), null);
    t.is(RB_MIN(head), null);
    for (const key of order) RB_INSERT(head, nodes[key]);
    t.deepEqual(inOrder(head), keys);
  }), { numRuns: 50 });
});

test('tree: RB_INIT forgets what was in it', (t) => {
  const head = newTree();
  RB_INSERT(head, new Node(1));
  RB_INIT(head);
  t.is(RB_ROOT(head), null);
  t.is(RB_FIND(head, new Node(1)), null);
});

class Element {
  link: TailqEntry<Element> = TAILQ_ENTRY<Element>(this);
  constructor(readonly key: number) {}
}

function listed(head: TailqHead<Element>): number[] {
  const keys: number[] = [];
  for (let elm = TAILQ_FIRST(head); elm; elm = TAILQ_NEXT(elm.link)) keys.push(elm.key);
  return keys;
}

test('queue: keeps the order of insertion whatever is removed', (t) => {
  fc.assert(fc.property(fc.array(fc.option(fc.nat()), { maxLength: 100 }), (operations) => {
    const head: TailqHead<Element> = TAILQ_HEAD();
    const model: Element[] = [];
    operations.forEach((position, i) => {
      if (position === null || model.length === 0) {
        const elm = new Element(i);
        TAILQ_INSERT_TAIL(head, elm.link);
        model.push(elm);
      } else {
        const [elm] = model.splice(position % model.length, 1);
        TAILQ_REMOVE(head, elm.link);
      }
      t.deepEqual(listed(head), model.map(({ key }) => key));
    });
  }));
});

test('queue: an element that is removed while the queue is walked still leads on', (t) => {
  const head: TailqHead<Element> = TAILQ_HEAD();
  const elements = [0, 1, 2].map((key) => new Element(key));
  for (const elm of elements) TAILQ_INSERT_TAIL(head, elm.link);
  const seen: number[] = [];
  for (let elm = TAILQ_FIRST(head); elm; elm = TAILQ_NEXT(elm.link)) {
    seen.push(elm.key);
    TAILQ_REMOVE(head, elm.link);
  }
  t.deepEqual(seen, [0, 1, 2]);
  t.is(TAILQ_FIRST(head), null);
});

test('queue: an element can be inserted again after its removal, and goes to the end', (t) => {
  const head: TailqHead<Element> = TAILQ_HEAD();
  const elements = [0, 1, 2].map((key) => new Element(key));
  for (const elm of elements) TAILQ_INSERT_TAIL(head, elm.link);
  TAILQ_REMOVE(head, elements[0].link);
  TAILQ_INSERT_TAIL(head, elements[0].link);
  t.deepEqual(listed(head), [1, 2, 0]);
});

test('queue: TAILQ_INIT forgets what was in it', (t) => {
  const head: TailqHead<Element> = TAILQ_HEAD();
  TAILQ_INSERT_TAIL(head, new Element(0).link);
  TAILQ_INIT(head);
  t.deepEqual(listed(head), []);
  TAILQ_INSERT_TAIL(head, new Element(1).link);
  t.deepEqual(listed(head), [1]);
});
