// The proof, worked out here and not taken on trust: hashes with the browser's own SHA-256, quotes letter by letter.

import { number, t } from "./i18n.js";
import { slice } from "./spans.js";

/** SHA-256 in hex, or null where the browser computes none: it does so over https and on localhost only. */
export async function sha256(bytes) {
  if (!globalThis.crypto || !crypto.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const verdict = (good, key, ...values) => ({ good, text: t(key, ...values) });

/** [{ good: true | false | null, text }]: whether the source is the one that was ingested, and the quote stands in it. */
export async function checks({ about, bytes, text, passages }, { span, sha256: expected }) {
  const own = await sha256(bytes);
  const whole = own === null ? verdict(null, "verify.insecure") : verdict(own === about.sha256, own === about.sha256 ? "verify.source" : "verify.source.bad");
  return span ? [whole, ...(await quoteChecks(text, passages, span, expected))] : [whole];
}

async function quoteChecks(text, passages, { start, end }, expected) {
  const found = slice(text, start, end), place = [number(start), number(end)];
  const passage = passages.find((one) => one.start === start && one.end === end);
  const verdicts = passage ? [passage.quote === found ? verdict(true, "verify.quote", ...place) : verdict(false, "verify.quote.bad", ...place)] : [verdict(null, "verify.quote.unknown", ...place)];
  const own = expected && (await sha256(new TextEncoder().encode(found)));
  if (own) verdicts.push(own === expected ? verdict(true, "verify.hash") : verdict(false, "verify.hash.bad"));
  return verdicts;
}
