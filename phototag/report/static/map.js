// The map of the collection: a point a photo, drawn on a canvas; photos themselves where there is room for them.
"use strict";
(() => {
  const data = window.PHOTOTAG_MAP;
  if (!data) return;
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const spots = new Uint16Array(bytes(data.at).buffer);
  const labels = new Int32Array(bytes(data.labels).buffer);
  const days = new Int32Array(bytes(data.days).buffer);
  const keys = bytes(data.keys);
  const n = labels.length;
  const clusters = new Map(data.clusters.map((one) => [one.number, one]));
  const x = new Float32Array(n), y = new Float32Array(n);
  for (let i = 0; i < n; i++) { x[i] = spots[2 * i] / 65535; y[i] = spots[2 * i + 1] / 65535; }
  // Points are sorted by cluster on the way in, what belongs to none first, so that it lies underneath.
  const groups = [];
  for (let i = 0; i < n; i++) {
    const last = groups[groups.length - 1];
    if (last && last.number === labels[i]) last.end = i + 1;
    else groups.push({ number: labels[i], start: i, end: i + 1 });
  }
  // A name belongs where most of its group is: around the half that lies nearest to the middle, whatever strays.
  const middle = (values, group) => Float32Array.from(values.subarray(group.start, group.end)).sort()[(group.end - group.start - 1) >> 1];
  for (const group of groups) {
    const mx = middle(x, group), my = middle(y, group);
    const gaps = Float32Array.from({ length: group.end - group.start }, (_, at) => Math.hypot(x[group.start + at] - mx, y[group.start + at] - my));
    const reach = gaps.slice().sort()[gaps.length >> 1];
    Object.assign(group, { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity });
    gaps.forEach((gap, at) => {
      if (gap > reach) return;
      const i = group.start + at;
      group.left = Math.min(group.left, x[i]);
      group.right = Math.max(group.right, x[i]);
      group.top = Math.min(group.top, y[i]);
      group.bottom = Math.max(group.bottom, y[i]);
    });
    group.x = (group.left + group.right) / 2;
    group.y = (group.top + group.bottom) / 2;
  }

  // Where the points are, a few far ones left out, so that the map fills its frame whatever its shape.
  const ends = (values) => { const sorted = Float32Array.from(values).sort(); return [sorted[Math.floor(n * 0.002)], sorted[Math.ceil(n * 0.998) - 1]]; };
  const [left, right] = ends(x), [top, bottom] = ends(y);
  const home = (width, height) => {
    const scale = Math.min((0.86 * width) / Math.max(right - left, 0.05), (0.8 * height) / Math.max(bottom - top, 0.05));
    return { x: (left + right) / 2, y: (top + bottom) / 2, scale };
  };

  const hex = (i) => Array.from(keys.subarray(8 * i, 8 * i + 8), (b) => b.toString(16).padStart(2, "0")).join("");
  const picture = (i) => { const key = hex(i); return /^0+$/.test(key) ? "" : `thumbs/${key.slice(0, 2)}/${key}-${data.side}.webp`; };
  const dated = (i) => (days[i] !== data.undated ? new Date(days[i] * 864e5).toISOString().slice(0, 10) : "");
  const called = (i) => clusters.get(labels[i]).label;
  const colours = () => { const { color, backgroundColor } = getComputedStyle(document.body); return { text: color, ground: backgroundColor }; };

  function fit(canvas) {
    const box = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(box.width * ratio));
    canvas.height = Math.max(1, Math.round(box.height * ratio));
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return { context, width: box.width, height: box.height };
  }

  function dots(context, view, size, only) {
    for (const group of groups) {
      const faint = only !== null && group.number !== only;
      context.fillStyle = clusters.get(group.number).colour;
      context.globalAlpha = faint ? 0.12 : group.number < 0 ? 0.45 : 0.85;
      context.beginPath();
      for (let i = group.start; i < group.end; i++) {
        const px = view.left + x[i] * view.scale, py = view.top + y[i] * view.scale;
        if (px < -size || py < -size || px > view.width + size || py > view.height + size) continue;
        if (size < 2) context.rect(px - size, py - size, 2 * size, 2 * size);
        else { context.moveTo(px + size, py); context.arc(px, py, size, 0, 7); }
      }
      context.fill();
    }
    context.globalAlpha = 1;
  }

  const mini = document.getElementById("mini");
  if (mini) {
    const draw = () => {
      const { context, width, height } = fit(mini);
      const at = home(width, height);
      const view = { scale: at.scale, left: width / 2 - at.x * at.scale, top: height / 2 - at.y * at.scale, width, height };
      dots(context, view, n > 20000 ? 1 : n > 2000 ? 1.5 : n > 300 ? 2.5 : 4, null);
    };
    draw();
    new ResizeObserver(draw).observe(mini);
  }

  const canvas = document.getElementById("map");
  if (!canvas) return;
  const lens = document.getElementById("lens"), status = document.getElementById("status");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const view = { x: (left + right) / 2, y: (top + bottom) / 2, zoom: 1, scale: 1, left: 0, top: 0, width: 1, height: 1 };
  let context = null, only = null, chosen = -1, queued = false, flight = 0;

  // Where points are, for finding the nearest: a grid of cells over the unit square.
  const CELLS = 128;
  const cell = (v) => Math.min(CELLS - 1, Math.max(0, Math.floor(v * CELLS)));
  const heads = new Int32Array(CELLS * CELLS).fill(-1), next = new Int32Array(n);
  for (let i = 0; i < n; i++) { const c = cell(y[i]) * CELLS + cell(x[i]); next[i] = heads[c]; heads[c] = i; }

  function inside(x0, y0, x1, y1, visit) {
    for (let row = cell(y0); row <= cell(y1); row++)
      for (let column = cell(x0); column <= cell(x1); column++)
        for (let i = heads[row * CELLS + column]; i >= 0; i = next[i])
          if (x[i] >= x0 && x[i] <= x1 && y[i] >= y0 && y[i] <= y1 && visit(i) === false) return;
  }

  function nearest(px, py, reach) {
    const mx = (px - view.left) / view.scale, my = (py - view.top) / view.scale, far = reach / view.scale;
    let best = -1, least = far * far;
    inside(mx - far, my - far, mx + far, my + far, (i) => {
      if (only !== null && labels[i] !== only) return;
      const gap = (x[i] - mx) ** 2 + (y[i] - my) ** 2;
      if (gap <= least) { least = gap; best = i; }
    });
    return best;
  }

  const images = new Map();
  function image(i) {
    const source = picture(i);
    if (!source) return null;
    let found = images.get(source);
    if (!found) {
      found = new Image();
      found.onload = queue;
      found.src = source;
      images.set(source, found);
      if (images.size > 600) images.delete(images.keys().next().value);
    }
    return found.complete && found.naturalWidth ? found : null;
  }

  const ROOM = 160; // photos are drawn themselves once no more than this many are in view
  let side = 0, drawn = [];
  function photos() {
    const seen = [], { text } = colours();
    drawn = [];
    inside(-view.left / view.scale, -view.top / view.scale, (view.width - view.left) / view.scale, (view.height - view.top) / view.scale, (i) => {
      if (only === null || labels[i] === only) seen.push(i);
      return seen.length <= ROOM;
    });
    side = seen.length > ROOM ? 0 : Math.min(120, Math.max(34, 0.5 * Math.sqrt((view.width * view.height) / Math.max(seen.length, 1))));
    if (!side) return;
    seen.sort((a, b) => a - b);
    if (chosen >= 0 && seen.includes(chosen)) seen.push(chosen);
    for (const i of seen) {
      const px = view.left + x[i] * view.scale, py = view.top + y[i] * view.scale, found = image(i);
      if (!found) continue;
      const ratio = found.naturalWidth / found.naturalHeight;
      const w = ratio >= 1 ? side : side * ratio, h = ratio >= 1 ? side / ratio : side, edge = i === chosen ? 3.5 : 2;
      context.fillStyle = i === chosen ? text : clusters.get(labels[i]).colour;
      context.beginPath();
      context.roundRect(px - w / 2 - edge, py - h / 2 - edge, w + 2 * edge, h + 2 * edge, 4);
      context.fill();
      context.drawImage(found, px - w / 2, py - h / 2, w, h);
      drawn.push({ x: px, y: py, half: w / 2, tall: h / 2 });
    }
  }

  const { TALL, spotFor, cut } = window.PHOTOTAG_NAMES;

  function names() {
    const { text, ground } = colours(), buttons = document.querySelector(".zoom"), most = Math.max(150, 0.34 * view.width), room = Math.max(8, (view.width * view.height) / 25000);
    const taken = [{ x: view.width - buttons.offsetWidth / 2 - 16, y: buttons.offsetHeight / 2 + 16, half: buttons.offsetWidth / 2 + 4, tall: buttons.offsetHeight / 2 + 4 }];
    context.font = "600 13px " + getComputedStyle(document.body).fontFamily;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const group of groups.slice().sort((a, b) => b.end - b.start - (a.end - a.start))) {
      if (group.number < 0 || (only !== null && group.number !== only)) continue;
      if (taken.length > room) break; // the largest groups are named; zooming in makes room for more
      const short = cut(context, clusters.get(group.number).label, most), half = context.measureText(short).width / 2 + 8;
      const box = spotFor(group, half, { view, side, drawn, taken });
      if (!box) continue;
      taken.push({ ...box, half: half + 3, tall: TALL + 2 });
      context.fillStyle = ground;
      context.globalAlpha = 0.88;
      context.beginPath();
      context.roundRect(box.x - half, box.y - TALL, 2 * half, 2 * TALL, TALL);
      context.fill();
      context.globalAlpha = 1;
      context.fillStyle = text;
      context.fillText(short, box.x, box.y);
    }
  }

  function draw() {
    queued = false;
    view.scale = home(view.width, view.height).scale * view.zoom;
    view.left = view.width / 2 - view.x * view.scale;
    view.top = view.height / 2 - view.y * view.scale;
    context.clearRect(0, 0, view.width, view.height);
    const size = Math.min(7, (n > 20000 ? 1.1 : n > 2000 ? 2 : 3.5) * Math.sqrt(view.zoom));
    dots(context, view, size, only);
    photos();
    names();
    if (chosen >= 0 && !side) {
      context.strokeStyle = colours().text;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(view.left + x[chosen] * view.scale, view.top + y[chosen] * view.scale, size + 4, 0, 7);
      context.stroke();
    }
    place();
  }
  function queue() { if (!queued) { queued = true; requestAnimationFrame(draw); } }

  function place() {
    if (chosen < 0) return;
    const px = view.left + x[chosen] * view.scale, py = view.top + y[chosen] * view.scale, gap = 16 + side / 2;
    const box = lens.getBoundingClientRect();
    const left = px + gap + box.width < view.width ? px + gap : Math.max(8, px - gap - box.width);
    lens.style.translate = `${left}px ${Math.min(Math.max(8, py - box.height / 2), Math.max(8, view.height - box.height - 8))}px`;
  }

  function choose(i, aloud) {
    if (i === chosen) return;
    chosen = i;
    canvas.classList.toggle("over", i >= 0);
    lens.hidden = i < 0;
    if (i >= 0) {
      const shown = lens.querySelector("img"), source = picture(i), words = lens.querySelector("p");
      shown.hidden = !source;
      if (source) { shown.onload = place; shown.src = source; }
      words.textContent = called(i);
      const date = document.createElement("span");
      date.textContent = dated(i);
      words.append(date);
      if (aloud) status.textContent = `${called(i)}${dated(i) ? ", " + dated(i) : ""}, photo ${i + 1} of ${n}`;
    }
    queue();
  }

  function zoomTo(zoom, px = view.width / 2, py = view.height / 2) {
    const mx = (px - view.left) / view.scale, my = (py - view.top) / view.scale, before = view.zoom;
    view.zoom = Math.min(400, Math.max(0.6, zoom));
    view.x = mx + (view.x - mx) * (before / view.zoom);
    view.y = my + (view.y - my) * (before / view.zoom);
    queue();
  }

  function fly(to) {
    const from = { x: view.x, y: view.y, zoom: view.zoom }, begun = performance.now(), mine = ++flight;
    const step = (now) => {
      if (mine !== flight) return;
      const t = calm ? 1 : Math.min(1, (now - begun) / 450), ease = 1 - (1 - t) ** 3;
      view.zoom = from.zoom * (to.zoom / from.zoom) ** ease;
      view.x = from.x + (to.x - from.x) * ease;
      view.y = from.y + (to.y - from.y) * ease;
      queue();
      if (t < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  function focusOn(number) {
    only = only === number ? null : number;
    document.querySelectorAll("[data-cluster]").forEach((button) => button.setAttribute("aria-pressed", String(Number(button.dataset.cluster) === only)));
    choose(-1, false);
    const group = groups.find((one) => one.number === only);
    if (!group) { fly({ x: (left + right) / 2, y: (top + bottom) / 2, zoom: 1 }); return; }
    const xs = Float32Array.from(x.subarray(group.start, group.end)).sort(), ys = Float32Array.from(y.subarray(group.start, group.end)).sort();
    const low = Math.floor(xs.length * 0.05), high = Math.ceil(xs.length * 0.95) - 1;
    const span = Math.max(xs[high] - xs[low], ys[high] - ys[low], 0.02);
    const zoom = (0.6 * Math.min(view.width, view.height)) / span / home(view.width, view.height).scale;
    fly({ x: (xs[low] + xs[high]) / 2, y: (ys[low] + ys[high]) / 2, zoom: Math.min(12, Math.max(1, zoom)) });
    const many = group.end - group.start;
    status.textContent = `${clusters.get(only).label}: ${many} ${many === 1 ? "photo" : "photos"}`;
  }

  const open = (i) => { if (i >= 0) location.href = `clusters/${clusters.get(labels[i]).slug}.html`; };
  const pointers = new Map();
  let moved = 0, pinch = 0;
  const local = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const spread = () => { const [a, b] = [...pointers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, local(event));
    moved = 0;
    flight++;
    if (pointers.size === 2) pinch = spread();
  });
  canvas.addEventListener("pointermove", (event) => {
    const [px, py] = local(event), held = pointers.get(event.pointerId);
    if (!held) { if (event.pointerType === "mouse") choose(nearest(px, py, Math.max(14, side / 2)), false); return; }
    const dx = px - held[0], dy = py - held[1];
    pointers.set(event.pointerId, [px, py]);
    moved += Math.abs(dx) + Math.abs(dy);
    if (pointers.size === 2) {
      const [a, b] = [...pointers.values()], now = spread();
      zoomTo(view.zoom * (now / Math.max(pinch, 1)), (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
      pinch = now;
    }
    if (moved > 4) {
      canvas.classList.add("moving");
      view.x -= dx / view.scale / pointers.size;
      view.y -= dy / view.scale / pointers.size;
      queue();
    }
  });
  const release = (event) => {
    const held = pointers.get(event.pointerId);
    pointers.delete(event.pointerId);
    canvas.classList.remove("moving");
    if (!held || moved > 4 || event.type !== "pointerup") return;
    const found = nearest(held[0], held[1], Math.max(18, side / 2));
    // A mouse has seen the photo already; a finger looks first and opens with a second touch.
    if (event.pointerType === "mouse" || (found >= 0 && found === chosen)) open(found); else choose(found, true);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => { if (!pointers.size) choose(-1, false); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    flight++;
    zoomTo(view.zoom * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...local(event));
  }, { passive: false });

  function step(by) {
    let i = chosen;
    for (let tries = 0; tries < n; tries++) {
      i = (i + by + n) % n;
      if (only === null || labels[i] === only) break;
    }
    const px = view.left + x[i] * view.scale, py = view.top + y[i] * view.scale;
    if (px < 40 || py < 40 || px > view.width - 40 || py > view.height - 40) { view.x = x[i]; view.y = y[i]; }
    choose(i, true);
  }
  const pan = (dx, dy) => { view.x += (dx * 60) / view.scale; view.y += (dy * 60) / view.scale; queue(); };
  const actions = {
    ArrowLeft: () => pan(-1, 0), ArrowRight: () => pan(1, 0), ArrowUp: () => pan(0, -1), ArrowDown: () => pan(0, 1),
    "+": () => zoomTo(view.zoom * 1.4), "=": () => zoomTo(view.zoom * 1.4), "-": () => zoomTo(view.zoom / 1.4),
    0: () => { only !== null ? focusOn(only) : fly({ x: (left + right) / 2, y: (top + bottom) / 2, zoom: 1 }); },
    n: () => step(1), p: () => step(-1), Enter: () => open(chosen), Escape: () => choose(-1, false),
  };
  canvas.addEventListener("keydown", (event) => {
    const action = actions[event.key] || actions[event.key.toLowerCase()];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
  document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => {
    const how = button.dataset.zoom;
    if (how === "all") actions[0](); else zoomTo(view.zoom * (how === "in" ? 1.6 : 1 / 1.6));
  }));
  document.querySelectorAll("[data-cluster]").forEach((button) => {
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => focusOn(Number(button.dataset.cluster)));
  });

  new ResizeObserver(() => {
    const made = fit(canvas);
    context = made.context;
    view.width = made.width;
    view.height = made.height;
    queue();
  }).observe(canvas);
  addEventListener("themechange", queue);
  // Paper is white whatever the screen is.
  const root = document.documentElement;
  let theme;
  addEventListener("beforeprint", () => { theme = root.dataset.theme; root.dataset.theme = "light"; draw(); });
  addEventListener("afterprint", () => { if (theme) root.dataset.theme = theme; else delete root.dataset.theme; draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", queue);
  const asked = /cluster=(-?\d+)/.exec(location.hash);
  if (asked && clusters.has(Number(asked[1]))) setTimeout(() => focusOn(Number(asked[1])), 60);
  const shown = /photo=(\d+)/.exec(location.hash);
  if (shown && Number(shown[1]) < n) setTimeout(() => choose(Number(shown[1]), true), 60);
})();
