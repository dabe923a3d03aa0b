// A photo over the grid. The address follows, so that Back closes it and a reload shows the same photo.
import { nameCountries } from "./countries.js";
import { NO_ANSWER, tell } from "./notice.js";

const DRAWING = { width: 480, height: 320 };  // no-picture.svg

export function startLightbox(pages) {
  const box = document.getElementById("lightbox");
  const host = box ?? document.body;
  const gridTitle = document.title;
  let asked = null, pushed = false, leaving = false, after = null;

  const remembered = (() => { try { return localStorage.getItem("phototag-panel"); } catch { return null; } })();
  host.classList.toggle("no-panel", remembered === "off" && innerWidth > 860);
  settle(host);

  if (box && pages) {
    pages.root.addEventListener("click", (event) => {
      const link = event.target.closest(".tile a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      open(link.href);
    });
    addEventListener("popstate", () => {
      leaving = false;
      stop();
      if (location.pathname.startsWith("/photo/")) show(location.href); else if (holds()) shut();
    });
    addEventListener("pagehide", stop);
    box.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
    box.addEventListener("close", () => { if (holds()) close(); });  // by the system: a phone's own Back
  }

  host.addEventListener("click", (event) => {
    const target = event.target.closest("[data-do], .step");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (target.dataset.do === "info") togglePanel();
    else if (box && target.dataset.do === "close") { event.preventDefault(); close(); }
    else if (box && target.classList.contains("step")) { event.preventDefault(); turn(target.href); }
  });
  startSwipes();

  function holds() { return box.firstElementChild !== null; }

  // What is on its way must not open the box again.
  function stop() {
    asked?.control.abort();
    asked = null;
    box?.classList.remove("waiting");
  }

  async function open(address) {
    if (!await show(address)) return;
    history.pushState({ photo: true }, "", address);
    pushed = true;
  }

  async function turn(address) {
    if (!box) { location.href = address; return; }
    if (!leaving && await show(address)) history.replaceState({ photo: true }, "", address);
  }

  // Says whether it is shown: not where a newer photo overtook it, the person went elsewhere, or it did not come.
  async function show(address) {
    if (asked?.address === address) return false;  // on its way: a held key does not ask again and again
    stop();
    const mine = asked = { address, control: new AbortController() };
    box.classList.add("waiting");
    try {
      const url = new URL(address, location.href);
      url.searchParams.set("fragment", "1");
      const answer = await fetch(url, { signal: mine.control.signal });
      const html = await answer.text();
      if (asked !== mine) return false;
      if (!answer.ok) { refused(answer.status, address); return false; }
      box.innerHTML = html;
    } catch {
      if (asked === mine) tell(box.open ? box : document.body, NO_ANSWER);
      return false;
    } finally {
      if (asked === mine) stop();
    }
    if (!box.open) box.showModal();
    document.title = `${box.querySelector(".photo").dataset.title} · phototag`;
    box.dataset.at = new URL(address, location.href).searchParams.get("at") ?? "";
    settle(box);
    return true;
  }

  function refused(status, address) {
    if (status === 404) tell(box.open ? box : document.body, "This photo is not in the library any more.");
    else location.href = address;  // the page says why, or asks for the token
  }

  function settle(inside) {
    const picture = inside.querySelector(".picture");
    if (!picture) return;
    const shown = () => {
      if (picture.classList.contains("shown")) return;
      picture.classList.add("shown");
      explain(inside, picture);
    };
    const render = () => {  // a damaged file that the browser gives up on, and we do not
      if (picture.src.endsWith(picture.dataset.rendered)) { shown(); return; }
      picture.src = picture.dataset.rendered;
    };
    picture.addEventListener("load", shown, { once: true });
    picture.addEventListener("error", render);
    if (picture.complete) { if (picture.naturalWidth) shown(); else render(); }
    nameCountries(inside);
    inside.querySelector("[data-do=info]")?.setAttribute("aria-expanded", String(!host.classList.contains("no-panel")));
    if (!box?.open) return;
    lead();
    for (const link of inside.querySelectorAll(".step")) {
      const path = new URL(link.href).pathname.replace(/^\/photo\//, "/view/");
      if (link.rel === "next") new Image().src = path;  // most people go forward
    }
  }

  // In place of a picture that cannot be shown comes a drawing; why is in a header. Known before, the page says it.
  async function explain(inside, picture) {
    if (picture.naturalWidth !== DRAWING.width || picture.naturalHeight !== DRAWING.height) return;
    if (inside.querySelector(".unseen")) return;
    let reason = "";
    try {
      reason = decodeURIComponent((await fetch(picture.src, { method: "HEAD" })).headers.get("x-phototag-reason") ?? "");
    } catch { /* the next photo says that phototag does not answer */ }
    if (!reason || !picture.isConnected) return;
    const text = `This picture cannot be shown: ${reason}.`;
    picture.alt = `${inside.querySelector(".photo").dataset.name} cannot be shown: ${reason}`;
    picture.after(line("unseen", text, "aria-hidden", "true"));
    inside.querySelector(".panel h1").after(line("trouble cannot", text, "role", "alert"));
  }

  function line(kind, text, name, value) {
    const made = document.createElement("p");
    made.className = kind;
    made.setAttribute(name, value);
    made.textContent = text;
    return made;
  }

  // Where `then` is given, it is done in the grid in place of going back to the photo's tile.
  function close(then = null) {
    stop();
    if (leaving) return;  // Esc twice is not Back twice
    after = then;
    if (pushed) { leaving = true; history.back(); return; }
    if (!box) { location.href = document.querySelector("[data-do=close]").href + (then ? "#search" : ""); return; }
    history.replaceState(null, "", host.querySelector("[data-do=close]").href);
    shut();
  }

  async function shut() {
    const at = box.dataset.at, then = after;
    after = null;
    stop();
    pushed = false;
    box.close();
    box.replaceChildren();
    document.title = gridTitle;
    if (then) { then(); return; }
    const link = at === "" ? null : await pages.at(Number(at));
    link?.focus({ preventScroll: true });
    link?.scrollIntoView({ block: "nearest" });
  }

  // What is focused is said: the name and what is known, or what the picture shows where the panel is hidden.
  function lead() {
    box.querySelector(box.classList.contains("no-panel") ? ".picture" : ".panel").focus({ preventScroll: true });
  }

  function togglePanel() {
    const within = document.activeElement?.closest(".panel");
    const off = host.classList.toggle("no-panel");
    host.querySelector("[data-do=info]")?.setAttribute("aria-expanded", String(!off));
    if (box?.open && within) lead();
    try { localStorage.setItem("phototag-panel", off ? "off" : "on"); } catch { /* not kept */ }
  }

  function startSwipes() {
    let start = null;
    host.addEventListener("touchstart", (event) => {
      start = event.touches.length === 1 && event.target.closest(".stage, .steps") ? event.touches[0] : null;
    }, { passive: true });
    host.addEventListener("touchend", (event) => {
      if (!start || visualViewport?.scale > 1.05) return;  // a finger on an enlarged photo moves it
      const end = event.changedTouches[0], dx = end.clientX - start.clientX, dy = end.clientY - start.clientY;
      if (Math.abs(dx) > 48 && Math.abs(dx) > 2 * Math.abs(dy)) press(dx < 0 ? ".step.next" : ".step.prev");
    }, { passive: true });
  }

  function press(selector) {
    const target = host.querySelector(selector);
    target?.click();
    return Boolean(target);
  }

  return {
    get open() { return Boolean(box?.open) || Boolean(document.querySelector("body.single")); },
    close, press, togglePanel,
  };
}
