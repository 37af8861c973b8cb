// Finds the feature that a test file of memcached needs and our server lacks, or why it never runs. It reads the file's
// text, so the list of runnable files follows the source at hand.

const NEEDS: readonly (readonly [need: string, sign: RegExp])[] = [
  ['the proxy', /!supports_proxy\(\)/],
  ['extstore', /^if \(!supports_extstore\(\)\)/m],
  ['TLS', /^if \(!enabled_tls_testing\(\)\)/m],
  ['SASL, and RUN_SASL_TESTS', /RUN_SASL_TESTS/],
  ['a server that drops privileges', /supports_drop_priv\(\)\) *\{\s*plan tests/],
  ["memcached's git", /-d "\$Bin\/\.\.\/\.git"/],
  ['to be switched on, as it always skips itself', /^plan skip_all/m],
];

/** Null if it needs nothing but a memcached. */
export function need(text: string): string | null {
  return NEEDS.find(([, sign]) => sign.test(text))?.[0] ?? null;
}
