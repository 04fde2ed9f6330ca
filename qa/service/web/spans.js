// Offsets of the API count code points; JavaScript's strings count UTF-16 units.

const PAIRED = /[\ud800-\udbff][\udc00-\udfff]/;

/** The UTF-16 positions of ascending code point offsets; one walk over the text. */
export function positions(text, offsets) {
  if (!PAIRED.test(text)) return offsets.map((offset) => Math.min(offset, text.length));
  const found = [];
  let unit = 0, point = 0;
  for (const offset of offsets) {
    for (; point < offset && unit < text.length; point++) unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
    found.push(unit);
  }
  return found;
}

/** text[start:end] in code points. */
export function slice(text, start, end) {
  const [from, to] = positions(text, [start, end]);
  return text.slice(from, to);
}

/**
 * Cut a text wherever a span begins or ends: [{ text, spans, start }], spans being those that cover the piece.
 * `origin` is the offset of the text's first character; spans are { start, end, ... } and may overlap.
 */
export function cut(text, origin, spans) {
  const inside = spans.filter(({ start, end }) => end > start && end > origin).sort((a, b) => a.start - b.start);
  const edges = [...new Set([origin, ...inside.flatMap(({ start, end }) => [Math.max(start, origin), end])])].sort((a, b) => a - b);
  const units = positions(text, edges.map((edge) => edge - origin));
  let next = 0, open = [];
  return edges.map((edge, i) => {
    open = open.filter(({ end }) => end > edge);
    while (next < inside.length && inside[next].start <= edge) open.push(inside[next++]);
    return { start: edge, text: text.slice(units[i], units[i + 1]), spans: [...open] };
  }).filter((piece) => piece.text);
}

/** "3-7,9-12" to [{ start: 3, end: 7 }, …] and back, for addresses. */
export const readSpans = (text) => [...(text || "").matchAll(/(\d{1,12})-(\d{1,12})/g)].slice(0, 100)
  .map(([, start, end]) => ({ start: Number(start), end: Number(end) }));
export const writeSpans = (spans) => spans.map(({ start, end }) => `${start}-${end}`).join(",");
