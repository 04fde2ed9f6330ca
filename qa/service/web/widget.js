"use strict";
// A question box for other sites: a script element with src="…/widget.js" and data-key="…" puts one where it stands.
// data-key: an API key with the scope `read`, made for this site's origin. data-lang: zh or en. data-collection.
// data-theme: light or dark. data-title: a heading. data-mount: a selector of the element to put the box into.
(() => {
  const script = document.currentScript;
  const place = document.createElement("div");
  const target = script.dataset.mount && document.querySelector(script.dataset.mount);
  if (target) target.append(place);
  else if (document.body && document.body.contains(script)) script.after(place);
  else addEventListener("DOMContentLoaded", () => document.body.append(place));
  const options = { ...script.dataset, base: new URL(".", script.src).href.replace(/\/$/, "") };
  import(new URL("web/panel.js", script.src)).then(({ mount }) => mount(place, options));
})();
