// The viewer's script. Everything works without it, page by page; with it: endless scrolling that keeps only the
// pages near the window in memory, photos in an overlay, and the keyboard.
import { nameCountries } from "./countries.js";
import { startPages } from "./pages.js";
import { startLightbox } from "./lightbox.js";
import { startKeys } from "./keys.js";

nameCountries();
loadFilters();
const pages = startPages();
const lightbox = startLightbox(pages);
startKeys(pages, lightbox);

addEventListener("scroll", () => document.body.classList.toggle("scrolled", scrollY > 8), { passive: true });

// In a very large library the filters come after the photos: counting them takes a moment.
async function loadFilters() {
  for (const place of document.querySelectorAll("[data-load]")) {
    const url = new URL(place.dataset.load, location.href);
    url.searchParams.set("fragment", "1");
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(answer.statusText);
      place.innerHTML = await answer.text();
    } catch {
      place.innerHTML = place.querySelector("noscript").textContent;  // the link to a page of them
    }
    nameCountries(place);
  }
}
