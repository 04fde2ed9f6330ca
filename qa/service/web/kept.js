// What the browser keeps: choices for good (localStorage), the key until the tab is closed (sessionStorage).
// Both may be forbidden; then nothing is kept.

function reach(store, work) {
  try { return work(globalThis[store]); } catch { return null; }
}

export const choice = (name) => reach("localStorage", (store) => store.getItem(`citeqa.${name}`));
export const choose = (name, value) => reach("localStorage", (store) => store.setItem(`citeqa.${name}`, value));
export const key = () => reach("sessionStorage", (store) => store.getItem("citeqa.key"));
export const keepKey = (value) =>
  reach("sessionStorage", (store) => value ? store.setItem("citeqa.key", value) : store.removeItem("citeqa.key"));
