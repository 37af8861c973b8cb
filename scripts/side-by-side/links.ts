// Links each function that a line calls or passes on.

/** The anchors of functions that a file may use, by plain name and by name behind a dot. */
export interface Anchors {
  get(name: string): string | undefined;
  behindDot(name: string): string | undefined;
}

/** A tag, or the text between two. */
const PIECES = /<[^>]*>|[^<]+/g;
/** A name with the dot before it. An entity is no name. */
const NAMES = /&\w+;|(\.\s*)?\b([A-Za-z_]\w*)\b/g;
/** Shorter names may mean other things, so they become links only in calls. */
const SHORTEST_UNCALLED = 8;

/** The HTML of a line with its links. Calls `found` with the anchor of each. */
export function link(html: string, anchors: Anchors, found: (anchor: string) => void): string {
  const pieces = html.match(PIECES) ?? [];
  /** For each open element whether it is a comment or the like. */
  const open: boolean[] = [];

  function linkText(text: string, behind: string): string {
    return text.replace(NAMES, (whole, dot: string | undefined, name: string | undefined, at: number) => {
      if (name === undefined) return whole;
      const anchor = dot === undefined ? anchors.get(name) : anchors.behindDot(name);
      const called = /^\s*\(/.test(text.slice(at + whole.length) + behind);
      if (anchor === undefined || !(called || (dot === undefined && name.length >= SHORTEST_UNCALLED))) return whole;
      found(anchor);
      return `${dot ?? ''}<a href="#${anchor}">${name}</a>`;
    });
  }

  return pieces.map((piece, i) => {
    if (piece.startsWith('</')) open.pop();
    else if (piece.startsWith('<')) open.push(/hljs-(?:comment|string|meta)/.test(piece));
    else if (!open.includes(true)) {
      return linkText(piece, pieces.slice(i + 1).filter((other) => !other.startsWith('<')).join(''));
    }
    return piece;
  }).join('');
}
