// The keyboard, the theme and the help.
export function startKeys(pages, lightbox) {
  const search = document.getElementById("search");
  const help = document.getElementById("keys");
  const status = document.getElementById("status");

  if (location.hash === "#search") toSearch();

  document.addEventListener("click", (event) => {
    const what = event.target.closest("[data-do]")?.dataset.do;
    if (what === "theme") toggleTheme();
    if (what === "help") help?.showModal();
    if (event.target === help) help.close();
    for (const menu of document.querySelectorAll(".sort[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      if (event.key === "ArrowDown" && event.target === search && pages) { event.preventDefault(); pages.links()[0]?.focus(); }
      return;
    }
    if (help?.open) return;
    const done = lightbox.open ? inPhoto(event) : inGrid(event);
    if (done) event.preventDefault();
  });

  function inPhoto(event) {
    switch (event.key) {
      case "ArrowLeft": return lightbox.press(".step.prev");
      case "ArrowRight": return lightbox.press(".step.next");
      case "Escape": lightbox.close(); return true;
      case "i": lightbox.togglePanel(); return true;
      case "d": return lightbox.press("[data-do=download]");
      case "m": return lightbox.press("[data-do=like]");
      case "t": toggleTheme(); return true;
      case "/": lightbox.close(toSearch); return true;
      case "?": help?.showModal(); return Boolean(help);
      default: return false;
    }
  }

  function toSearch() { search?.focus(); search?.select(); return Boolean(search); }

  function inGrid(event) {
    switch (event.key) {
      case "/": return toSearch();
      case "?": help?.showModal(); return Boolean(help);
      case "t": toggleTheme(); return true;
      case "ArrowLeft": return step(-1);
      case "ArrowRight": return step(1);
      case "ArrowUp": return row(-1);
      case "ArrowDown": return row(1);
      case "Escape": return closeFilters();
      default: return false;
    }
  }

  function closeFilters() {
    const menu = document.querySelector(".sort[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); return true; }
    const shown = document.getElementById("show-filters");
    if (!shown?.checked) { document.activeElement?.blur(); return false; }
    shown.checked = false;
    return true;
  }

  function current() { return document.activeElement?.closest?.(".tile a") ?? null; }

  function firstSeen() {
    return pages?.links().find((link) => link.getBoundingClientRect().top >= 0) ?? null;
  }

  function go(link) {
    if (!link) return false;
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: "nearest" });
    return true;
  }

  function step(by) {
    const here = current();
    if (!here) return go(firstSeen());
    pages.at(Math.max(0, pages.place(here) + by)).then(go);
    return true;
  }

  // To the photo in the next row whose middle is nearest.
  function row(by) {
    const here = current();
    if (!here) return by > 0 && scrollY < 8 ? go(firstSeen()) : false;
    const links = pages.links(), from = here.getBoundingClientRect(), middle = from.left + from.width / 2;
    let top = null, best = null, nearest = Infinity;
    for (let n = links.indexOf(here) + by; n >= 0 && n < links.length; n += by) {
      const box = links[n].getBoundingClientRect();
      if (Math.abs(box.top - from.top) < 4) continue;
      top ??= box.top;
      if (Math.abs(box.top - top) > 4) break;
      const away = Math.abs(box.left + box.width / 2 - middle);
      if (away < nearest) { nearest = away; best = links[n]; }
    }
    return go(best) || true;
  }

  function toggleTheme() {
    const root = document.documentElement;
    const dark = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("phototag-theme", root.dataset.theme); } catch { /* not kept */ }
    if (status) status.textContent = dark ? "Light" : "Dark";
  }
}
