// What the page says, in English and Chinese. It follows the browser until someone chooses.
// Every page adds its own texts: add({ en: {...}, zh: {...} }); a text is a string, or a function of its values.

import { choice, choose } from "./kept.js";

const texts = { en: {}, zh: {} };
const preferred = () => (navigator.languages[0] || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
let current = ["en", "zh"].includes(choice("language")) ? choice("language") : preferred();

export function add(more) {
  for (const language of Object.keys(texts)) Object.assign(texts[language], more[language]);
}

/** The text of `key` in the language of the page; a key that is missing in either language is an error of ours. */
export function t(key, ...values) {
  const text = texts[current][key];
  if (text === undefined) throw new Error(`no text for ${key}`);
  return typeof text === "function" ? text(...values) : text;
}

export const language = () => current;
export const locale = () => (current === "zh" ? "zh-CN" : "en");

/** Speak a language for now: a widget does not choose for the site around it. */
export function speak(chosen) {
  current = chosen;
}

export function setLanguage(chosen) {
  speak(chosen);
  choose("language", chosen);
}

/** What happened, for people: in their language where the code is known, else as the service says it. */
export function explain(error) {
  if (!error.code) return error.message;
  return texts[current][`error.${error.code}`] || error.message;
}

export const number = (value, digits = 0) =>
  value.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const percent = (share) => `${Math.round(share * 100)}%`;
export function day(iso) {
  const date = new Date(`${iso}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? iso : date.toLocaleDateString(locale(), { dateStyle: "long", timeZone: "UTC" });
}
