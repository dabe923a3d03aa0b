// Where the names of clusters stand on the map: apart from each other, over as little of the photos as can be.
"use strict";
window.PHOTOTAG_NAMES = (() => {
  const TALL = 11; // half the height of a name
  const overlap = (a, b) => Math.max(0, Math.min(a.x + a.half, b.x + b.half) - Math.max(a.x - a.half, b.x - b.half)) * Math.max(0, Math.min(a.y + a.tall, b.y + b.tall) - Math.max(a.y - a.tall, b.y - b.tall));

  // Above, below or beside its photos, whichever covers least; in the middle of a wide cloud of points.
  function spotFor(group, half, { view, side, drawn, taken }) {
    const at = (v) => view.top + v * view.scale, along = (v) => view.left + v * view.scale, out = side / 2 + TALL;
    const px = along(group.x), py = at(group.y);
    const tries = side
      ? [[px, at(group.top) - out], [px, at(group.bottom) + out], [along(group.right) + out + half, py], [along(group.left) - out - half, py], [px, py]]
      : (group.bottom - group.top) * view.scale > 4 * TALL
        ? [[px, py], [px, py - 2.2 * TALL], [px, py + 2.2 * TALL]]
        : [[px, at(group.top) - 1.5 * TALL], [px, at(group.bottom) + 1.5 * TALL]];
    let best = null, least = Infinity;
    for (const [tx, ty] of tries) {
      if (tx < -half || tx > view.width + half || ty < TALL || ty > view.height - TALL) continue;
      const box = { x: Math.min(Math.max(tx, half + 6), view.width - half - 6), y: ty, half, tall: TALL };
      if (taken.some((other) => overlap(box, other) > 0)) continue;
      const cost = drawn.reduce((sum, photo) => sum + overlap(box, photo), 0) + Math.abs(box.x - tx) * TALL;
      if (cost < least) { least = cost; best = box; }
    }
    return best;
  }

  // Return the label, shortened where it is wider than so many pixels.
  function cut(context, label, most) {
    if (context.measureText(label).width <= most) return label;
    const signs = [...label];  // whole characters: half of an emoji is none
    let end = signs.length - 1;
    while (end > 1 && context.measureText(signs.slice(0, end).join("") + "…").width > most) end--;
    return signs.slice(0, end).join("").replace(/[\s·,]+$/, "") + "…";
  }

  return { TALL, spotFor, cut };
})();
