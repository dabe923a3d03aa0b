// Before the first paint, so that a report chosen dark does not flash white. ?theme=dark chooses for one page.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  let kept = new URLSearchParams(location.search).get("theme");
  try { kept = kept || localStorage.getItem("phototag-theme"); } catch { /* no storage here: the system decides */ }
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector(".theme");
    if (button) button.addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("phototag-theme", root.dataset.theme); } catch { /* then only for this page */ }
      dispatchEvent(new Event("themechange"));
    });
  });
})();
