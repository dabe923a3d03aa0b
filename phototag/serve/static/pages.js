// Endless scrolling with flat memory: one placeholder a page, filled when it comes near the window and emptied when
// it leaves; its height stays, so the scroll bar always tells the truth.
import { button, tell } from "./notice.js";

const NEAR = "1400px 0px";
const FIRST_GUESS_PX = 2600;

// Rows of one width and nearly one height, nothing cropped; without this script the style sheet crops a little.
function lay(slot) {
  const width = Math.floor(slot.getBoundingClientRect().width), style = getComputedStyle(slot);
  const gap = parseFloat(style.columnGap) || 0;
  const tall = parseFloat(style.getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize);
  let row = [], sum = 0;

  const close = (high) => {
    let left = width;
    row.forEach(([tile, ratio], n) => {
      const full = high !== tall && n === row.length - 1;  // the last one takes what rounding left over
      const wide = full ? left : Math.min(left, Math.floor(ratio * high));
      tile.style.width = `${wide}px`;
      tile.style.height = `${high}px`;
      tile.classList.add("laid");
      left -= wide + gap;
    });
    row = [];
    sum = 0;
  };
  const fit = (count, ratios) => (width - gap * (count - 1)) / ratios;

  for (const item of slot.children) {
    if (!item.classList.contains("tile")) { if (row.length) close(Math.min(tall, fit(row.length, sum))); continue; }
    const image = item.querySelector("img");
    const ratio = Math.min(3, Math.max(0.4, image.getAttribute("width") / image.getAttribute("height") || 1.5));
    const before = row.length ? fit(row.length, sum) : Infinity, after = fit(row.length + 1, sum + ratio);
    if (row.length && after < tall && before - tall <= tall - after) close(before);
    row.push([item, ratio]);
    sum += ratio;
    if (fit(row.length, sum) <= tall) close(fit(row.length, sum));
  }
  if (row.length) close(Math.min(tall, fit(row.length, sum)));
}

export function startPages() {
  const root = document.querySelector(".pages");
  if (!root) return null;
  const size = Number(root.dataset.page), total = Number(root.dataset.total), query = root.dataset.query;
  const first = root.querySelector(".page");
  lay(first);
  const slots = new Map([[Number(first.dataset.offset), first]]);
  const waiting = new Map();
  let guess = first.offsetHeight > 200 && total > size ? first.offsetHeight : FIRST_GUESS_PX;

  for (let offset = 0; offset < total; offset += size) {
    if (slots.has(offset)) continue;
    const slot = document.createElement("ol");
    slot.className = "page";
    slot.dataset.offset = offset;
    slot.style.height = `${guess}px`;
    slots.set(offset, slot);
    if (offset < Number(first.dataset.offset)) first.before(slot); else root.append(slot);
  }
  if (first.previousElementSibling) first.scrollIntoView();

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) fill(entry.target); else empty(entry.target);
    }
  }, { rootMargin: NEAR });
  for (const slot of slots.values()) observer.observe(slot);

  function isFull(slot) { return slot.querySelector(".tile") !== null; }

  function fill(slot) {
    if (isFull(slot)) return Promise.resolve();
    const offset = Number(slot.dataset.offset);
    if (!waiting.has(offset)) {
      const asked = new AbortController();
      const done = ask(slot, offset, asked.signal)
        .catch(() => { if (!asked.signal.aborted) fail(slot); })
        .finally(() => { if (waiting.get(offset)?.asked === asked) waiting.delete(offset); });
      waiting.set(offset, { asked, done });
    }
    return waiting.get(offset).done;
  }

  async function ask(slot, offset, signal) {
    const answer = await fetch(`/tiles?${query}${query ? "&" : ""}offset=${offset}`, { signal });
    if (answer.status === 401) location.reload();  // leads to the form for the token
    if (!answer.ok) throw new Error(answer.statusText);
    const html = await answer.text();
    if (signal.aborted) return;
    slot.innerHTML = html;
    lay(slot);
    slot.style.height = "";
    guess = slot.offsetHeight || guess;
    if (Number(answer.headers.get("x-phototag-total")) !== total) {
      tell(document.body, "The library has changed.", "Show it as it is now", () => location.reload());
    }
  }

  function fail(slot) {
    const line = document.createElement("li");
    line.className = "failed";
    line.append("These photos did not come. Is phototag still running?", button("Try again", () => fill(slot)));
    slot.replaceChildren(line);
  }

  function empty(slot) {
    const offset = Number(slot.dataset.offset);
    waiting.get(offset)?.asked.abort();
    waiting.delete(offset);
    if (!isFull(slot) || slot.contains(document.activeElement)) return;
    slot.style.height = `${slot.offsetHeight}px`;
    slot.replaceChildren();
  }

  let resizing = 0;
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    cancelAnimationFrame(resizing);
    resizing = requestAnimationFrame(() => {
      const full = [...slots.values()].filter(isFull);
      full.forEach(lay);
      if (full.length) guess = full[0].offsetHeight;
      for (const slot of slots.values()) if (!isFull(slot)) slot.style.height = `${guess}px`;
    });
  });

  const links = () => [...root.querySelectorAll(".tile a")];

  return {
    root, links,
    // The link of the photo at a place in the answer, its page filled first.
    async at(place) {
      const slot = slots.get(Math.floor(place / size) * size);
      if (!slot) return null;
      if (!isFull(slot)) { slot.scrollIntoView(); await fill(slot); }
      return slot.querySelectorAll(".tile a")[place % size] ?? null;
    },
    place(link) {
      const slot = link.closest(".page");
      return Number(slot.dataset.offset) + [...slot.querySelectorAll(".tile a")].indexOf(link);
    },
  };
}
