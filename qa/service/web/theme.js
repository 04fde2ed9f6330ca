"use strict";
// Runs before the page is drawn, so that a chosen theme does not flash. "auto" follows the system.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("citeqa.theme"); } catch { /* storage may be forbidden */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
