// ISO codes as names, in the reader's language; the browser knows them. Without this script the codes stand.
"use strict";
(() => {
  const names = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });
  for (const label of document.querySelectorAll("[data-country]")) {
    if (/^[A-Z]{2}$/.test(label.dataset.country)) label.textContent = names.of(label.dataset.country);
  }
})();
