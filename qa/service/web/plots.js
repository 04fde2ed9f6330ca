// Plots as SVG elements: lines over the unit square, columns, horizontal bars, and their legends.
// Colours are classes s0 to s5 of data.css. Each has a text for those who do not see it, and a title for each part.

import { el, svg } from "./dom.js";
import { number } from "./i18n.js";

const WIDTH = 460, HEIGHT = 280, LEFT = 46, RIGHT = 14, TOP = 14, BOTTOM = 40;
const COLOURS = 6;

const across = (value) => LEFT + value * (WIDTH - LEFT - RIGHT);
const down = (value) => HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM);
const series = (place) => `s${place % COLOURS}`;
const fixed = (value) => value.toFixed(1);

const drawing = (label, height, ...parts) => svg("svg.plot", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label }, parts);
const write = (x, y, text, anchor = "middle") => svg("text", { x: fixed(x), y: fixed(y), "text-anchor": anchor }, text);
const line = (kind, [x1, y1], [x2, y2]) => svg(`line.${kind}`, { x1: fixed(x1), y1: fixed(y1), x2: fixed(x2), y2: fixed(y2) });

function axes(x, y, numbered) {
  return [0, 0.25, 0.5, 0.75, 1].flatMap((value) => [
    line("grid", [across(0), down(value)], [across(1), down(value)]), write(LEFT - 6, down(value) + 4, number(value, 2), "end"),
    numbered && write(across(value), HEIGHT - BOTTOM + 15, number(value, 2)),
  ]).concat([write(across(0.5), HEIGHT - 6, x), svg("text", { transform: `translate(11 ${fixed(down(0.5))}) rotate(-90)`, "text-anchor": "middle" }, y)]);
}

/** Lines over the unit square. `lines`: { name: [[x, y], …] }. `labels`: categories along x instead of numbers. */
export function curves(lines, { x, y, label, diagonal = false, dots = false, labels = null }) {
  const drawn = Object.entries(lines).flatMap(([name, points], place) => [
    svg(`polyline.line.${series(place)}`, { points: points.map(([a, b]) => `${fixed(across(a))},${fixed(down(b))}`).join(" ") }, svg("title", null, name)),
    dots && points.map(([a, b, said]) => svg(`circle.dot.${series(place)}`, { cx: fixed(across(a)), cy: fixed(down(b)), r: 3.5 }, svg("title", null, `${name} ${said || ""} ${number(b, 3)}`.trim()))),
  ]);
  const named = labels && labels.map((text, place) => write(across(labels.length > 1 ? place / (labels.length - 1) : 0.5), HEIGHT - BOTTOM + 15, text));
  return drawing(label, HEIGHT, axes(x, y, !labels), named, diagonal && line("aim", [across(0), down(0)], [across(1), down(1)]), drawn.flat());
}

/** Columns of counts as shares of their series. `counts`: { series: { category: count } }. */
export function columns(counts, { x, y, label }) {
  const all = Object.values(counts);
  const categories = Object.keys(all[0] || {});
  const slot = (WIDTH - LEFT - RIGHT) / Math.max(1, categories.length);
  const width = (slot * 0.8) / Math.max(1, all.length);
  const column = (name, place, category, at) => {
    const total = Object.values(counts[name]).reduce((a, b) => a + b, 0) || 1;
    const share = counts[name][category] / total;
    const left = LEFT + at * slot + slot * 0.1 + place * width;
    return svg(`rect.bar.${series(place)}`, { x: fixed(left), y: fixed(down(share)), width: fixed(width), height: fixed(down(0) - down(share)) }, svg("title", null, `${name}, ${category}: ${counts[name][category]}`));
  };
  return drawing(label, HEIGHT, axes(x, y, false), categories.map((category, at) => write(LEFT + (at + 0.5) * slot, HEIGHT - BOTTOM + 15, category)),
    Object.keys(counts).map((name, place) => categories.map((category, at) => column(name, place, category, at))));
}

/** Horizontal bars of shares 0..1. `groups`: { group: { series: share } }; `names`: the series, in order. */
export function bars(groups, names, { label, said = (group) => group }) {
  const rowHeight = 14 * Math.max(1, names.length) + 12, edge = 120, room = WIDTH - edge - 50;
  const row = ([group, shares], place) => [
    write(edge - 8, TOP + place * rowHeight + rowHeight / 2, said(group), "end"),
    Object.entries(shares).map(([name, share]) => {
      const top = TOP + place * rowHeight + 14 * names.indexOf(name);
      return [svg(`rect.bar.${series(names.indexOf(name))}`, { x: edge, y: top, width: fixed(Math.max(0.5, share * room)), height: 11 }, svg("title", null, `${said(group)}, ${name}: ${number(share, 3)}`)), write(edge + share * room + 5, top + 10, number(share, 2), "start")];
    }),
  ];
  return drawing(label, TOP + Object.keys(groups).length * rowHeight, Object.entries(groups).map(row));
}

export const legend = (names) => el("ul.legend", null, names.map((name, place) => el(`li.${series(place)}`, null, name)));

export const figure = (caption, drawn, names = []) => el("figure", null, drawn, names.length > 1 && legend(names), el("figcaption", null, caption));
