// The common elements of two sequences, in order, and the elements that only one has.

export interface Alignment<A, B> {
  common: number;
  onlyA: A[];
  onlyB: B[];
}

/** Aligns along a longest common subsequence. */
export function align<A, B>(a: readonly A[], b: readonly B[], same: (x: A, y: B) => boolean): Alignment<A, B> {
  const width = b.length + 1;
  // longest[i * width + j] is the length for the rests from a[i] and b[j].
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = same(a[i], b[j])
        ? longest[(i + 1) * width + j + 1] + 1
        : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const onlyA: A[] = [];
  const onlyB: B[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (same(a[i], b[j])) {
      i++;
      j++;
    } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
      onlyA.push(a[i++]);
    } else {
      onlyB.push(b[j++]);
    }
  }
  return { common: longest[0], onlyA: [...onlyA, ...a.slice(i)], onlyB: [...onlyB, ...b.slice(j)] };
}

/** For distinct elements: a longest part of `a` that has the same order in `b`. */
export function inSameOrder<T>(a: readonly T[], b: readonly T[]): Set<T> {
  const moved = new Set(align(a, b, (x, y) => x === y).onlyA);
  return new Set(a.filter((element) => !moved.has(element)));
}
