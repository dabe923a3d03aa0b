// ISO codes as names, in the visitor's language; the browser knows them.
const names = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });

export function nameCountries(inside = document) {
  for (const label of inside.querySelectorAll("[data-country]")) {
    if (/^[A-Z]{2}$/.test(label.dataset.country)) label.textContent = names.of(label.dataset.country);
  }
}
