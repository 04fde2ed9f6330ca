// Building the page. Whatever comes from outside becomes a text node: there is no way here to make markup of data.

const HARMLESS = /^(?:https?:\/\/|blob:|[/#?](?![/\\]))/i;
const INVISIBLE = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text as it is shown: characters that would turn the writing direction around are named instead of obeyed. */
export const shown = (text) =>
  String(text).replace(INVISIBLE, (one) => `[U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);

/** An address that may be followed, or null: `javascript:`, `data:` and the like are not. */
export const safe = (address) => (address && HARMLESS.test(address) ? address : null);

/** A web address of somebody else, or null. */
export const website = (address) => (/^https?:\/\//i.test(address || "") ? address : null);

function put(made, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") made.addEventListener(name, value);
  else if (name === "href" || name === "src") { if (safe(value)) made.setAttribute(name, value); }
  else made.setAttribute(name, value === true ? "" : name.startsWith("aria-") || name === "title" ? shown(value) : value);
}

function build(made, classes, attributes, children) {
  if (classes.length) made.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes || {})) put(made, name, value);
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false)
    .map((one) => (one instanceof Node ? one : shown(one))));
  return made;
}

/**
 * An element: el("p.note", { click: handler, "aria-label": "…" }, "text", child, [more], null).
 * Attributes whose value is a function are event handlers; null and false leave an attribute or a child out.
 */
export function el(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  return build(document.createElement(tag), classes, attributes, children);
}

/** The same for SVG. Sizes and colours go into attributes or classes; inline styles are refused by the policy. */
export function svg(kind, attributes, ...children) {
  const [tag, ...classes] = kind.split(".");
  return build(document.createElementNS("http://www.w3.org/2000/svg", tag), classes, attributes, children);
}

/** Name the window. */
export function entitle(text) {
  document.title = shown([text, "citeqa"].filter(Boolean).join(" · "));
}

/** Tell a screen reader what changed, on pages that have a place for it. */
export function announce(text) {
  const said = document.getElementById("said");
  if (said) said.textContent = shown(text);
}

/** The language of a text, for fonts and voices: Chinese where a tenth of its letters are Chinese characters. */
export function languageOf(text) {
  const letters = text.match(/\p{L}/gu) || [];
  return letters.filter((one) => /\p{Script=Han}/u.test(one)).length * 10 > letters.length ? "zh" : "en";
}
