// Before the first paint, so that a page chosen dark does not flash white.
"use strict";
(() => {
  let kept = null;
  try { kept = localStorage.getItem("phototag-theme"); } catch { /* storage is off: the system decides */ }
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  document.documentElement.classList.add("js");
})();
