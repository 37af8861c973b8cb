// The files that are not expected to come out whole with our server, each with the reason.

export const exceptions: ReadonlyMap<string, string> = new Map([
  ['64bit', 'skips itself where pointer_size is 32, as it is here'],
  ['slabs-reassign-chunked', 'wants a page to hold what is not the oldest: C has room for 5,034 of its 5,100 items, and ' +
    'here all of them fit'],
  ['conn-limits', 'wants a multi-get to fail by a limit on reply objects, which are not needed here'],
]);
