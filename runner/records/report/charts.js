const data = JSON.parse(document.getElementById("data").textContent);
const NS = "http://www.w3.org/2000/svg";
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];
const HEIGHT = 300, LEFT = 74, RIGHT = 16, TOP = 14, BOTTOM = 48, BAND = 20;

// ---- words and numbers

const num = (v) => (v === null || v === undefined ? NaN : Number(v));
const say = (v, digits = 4) => {
  const x = num(v);
  if (Number.isNaN(x)) return "not a number";
  if (!Number.isFinite(x)) return x > 0 ? "infinite" : "minus infinite";
  const rounded = Number(x.toPrecision(digits));
  return Math.abs(rounded) >= 1e7 ? rounded.toExponential().replace("e+", "e") : String(rounded);
};
const exactly = (v) => say(v, 17);
const inRoundings = (v) => (Number.isNaN(num(v)) ? "not judged" : `${say(v)} roundings`);
const power = (e) => (e >= -3 && e <= 4 ? String(Number((10 ** e).toPrecision(1))) : `1e${e}`);

// ---- elements

const put = (node, attributes, children) => {
  for (const [key, value] of Object.entries(attributes)) if (value !== "") node.setAttribute(key, value);
  node.append(...children);
  return node;
};
const draw = (name, attributes = {}, ...children) => put(document.createElementNS(NS, name), attributes, children);
const make = (name, attributes = {}, ...children) => put(document.createElement(name), attributes, children);
const byId = (id) => document.getElementById(id);

// ---- axes

const span = (values) => {
  let low = Infinity, high = -Infinity;
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
};
const linear = (values, whole = false) => {
  let [low, high] = span(values);
  if (low > high) [low, high] = [0, 1];
  if (whole ? low === high : high - low <= 1e-3 * Math.max(Math.abs(low), Math.abs(high))) {
    const pad = whole ? 0.5 : Math.abs(low) / 2 || 0.5;
    [low, high] = [low - pad, high + pad];
  }
  const width = high - low;
  let size = 10 ** Math.floor(Math.log10(width / 5));
  size *= [1, 2, 5, 10].find((k) => width / (size * k) <= 6);
  if (whole) size = Math.max(1, Math.round(size));
  const ticks = [];
  for (let k = Math.ceil(low / size); k * size <= high * (1 + 1e-12) && ticks.length < 12; k++) ticks.push([k * size, say(k * size, 6)]);
  return { part: (v) => (v - low) / width, ticks };
};
const logarithmic = (values) => {
  let [low, high] = span(values.filter((v) => v > 0));
  if (low > high) [low, high] = [1, 1];
  [low, high] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  if (low === high) high += 1;
  const every = Math.ceil((high - low) / 7), ticks = [];
  const steps = high - low <= 2 ? [1, 2, 5] : [1];
  for (let e = low; e <= high; e += every) {
    for (const k of steps) if (k === 1 || e < high) ticks.push([k * 10 ** e, k === 1 ? power(e) : say(k * 10 ** e, 1)]);
  }
  return { part: (v) => (Math.log10(v) - low) / (high - low), ticks };
};

const frame = (svg, width, bottom, xLabel, yLabel) => {
  svg.append(
    draw("path", { class: "axis", fill: "none", d: `M${LEFT} ${TOP}V${bottom}H${width - RIGHT}` }),
    draw("text", { x: (LEFT + width - RIGHT) / 2, y: bottom + 38, "text-anchor": "middle" }, xLabel),
    draw("text", { transform: `translate(14 ${(TOP + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, yLabel),
  );
};
const xTick = (svg, x, bottom, text) => svg.append(
  draw("path", { class: "axis", d: `M${x} ${bottom}v5` }),
  draw("text", { x, y: bottom + 18, "text-anchor": "middle" }, text),
);
const yTick = (svg, width, y, text) => svg.append(
  draw("path", { class: "grid", d: `M${LEFT} ${y}H${width - RIGHT}` }),
  draw("text", { x: LEFT - 7, y: y + 4, "text-anchor": "end" }, text),
);

// ---- a plot that is read by pointer and by keyboard

/** Draws a figure with ``render``; ``which`` tells of what it is where that can be chosen, and ends the caption. */
const mount = (name, render, which = () => "") => {
  const figure = byId(`plot-${name}`);
  if (!figure) return () => {};
  const drawing = figure.querySelector(".drawing"), readout = byId(`readout-${name}`), caption = figure.querySelector("figcaption");
  const begin = caption.textContent;
  let width = 0;
  const redraw = () => {
    width = Math.round(Math.max(300, Math.min(960, drawing.clientWidth || 720)));
    readout.textContent = "";
    const chosen = which();
    caption.textContent = chosen ? `${begin}: ${chosen}` : begin;
    const found = render(width);
    if (typeof found === "string") {
      drawing.replaceChildren(make("p", { class: "note" }, found));
      return;
    }
    const { parts, height, items, key = [], what } = found;
    const title = draw("title", { id: `title-${name}` }, [caption.textContent, what].filter(Boolean).join("; "));
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", tabindex: "0", "aria-labelledby": `title-${name}` }, title, ...parts);
    const lines = key.length ? [make("ul", { class: "lines" }, ...key)] : [];
    drawing.replaceChildren(...lines, svg);
    listen(svg, items, readout);
  };
  new ResizeObserver(() => {
    if (Math.abs(Math.min(960, drawing.clientWidth) - width) > 2 && !matchMedia("print").matches) redraw();
  }).observe(figure);
  redraw();
  return redraw;
};

const listen = (svg, items, readout) => {
  const rows = items.filter((row) => row.length);
  if (!rows.length) return;
  let row = 0, at = -1;
  const cursor = draw("rect", { class: "cursor", rx: 2, visibility: "hidden" });
  svg.append(cursor);
  const show = () => {
    const it = rows[row][at], w = it.w || 12, h = it.h || 12;
    put(cursor, { x: it.x - w / 2, y: it.y - h / 2, width: w, height: h, visibility: "visible" }, []);
    readout.textContent = it.say;
  };
  const nearest = (line, x, y, weight) => {
    let best = 0, least = Infinity;
    line.forEach((it, i) => {
      const far = weight * (it.x - x) ** 2 + (it.y - y) ** 2;
      if (far < least) [best, least] = [i, far];
    });
    return [best, least];
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), k = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * k, y = (event.clientY - box.top) * k;
    let least = Infinity;
    rows.forEach((line, i) => {
      const [best, far] = nearest(line, x, y, 4);
      if (far < least) [row, at, least] = [i, best, far];
    });
    show();
  });
  svg.addEventListener("focus", () => {
    if (at < 0 && svg.matches(":focus-visible")) { at = 0; show(); }
  });
  svg.addEventListener("keydown", (event) => {
    const keys = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -Infinity], End: [0, Infinity] };
    const move = keys[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const old = rows[row][Math.max(at, 0)];
    if (move[0]) {
      row = (row + move[0] + rows.length) % rows.length;
      at = nearest(rows[row], old.x, old.y, 1e6)[0];
    } else {
      at = Math.max(0, Math.min(rows[row].length - 1, at + move[1]));
    }
    show();
  });
};

// ---- lines over the steps

const mark = (kind, x, y, look = `mark s${kind % 5}`) => {
  const d = [`M${x - 3} ${y}a3 3 0 1 0 6 0a3 3 0 1 0-6 0`, `M${x - 3} ${y - 3}h6v6h-6Z`, `M${x - 4} ${y + 3}h8l-4-7Z`, `M${x} ${y - 4}l4 4-4 4-4-4Z`][kind % 4];
  return draw("path", { class: look, d });
};
const markless = (line) => line.plain && line.points.length !== 1;
const swatch = (kind, line) => make("li", {}, draw("svg", { width: 34, height: 12, "aria-hidden": "true" }, ...(line.dots ? [] : [draw("path", { class: `line s${kind % 5}`, "stroke-dasharray": DASHES[kind % 4], d: "M0 6h34" })]), ...(markless(line) ? [] : [mark(kind, 17, 6)])), line.name);

/**
 * Lines {name, plain, dots, points: [{x, y, say}]} over steps or, where ``along`` names it, something else; of ``logged``
 * lines what is 0 has a row of its own below, and of any what is not finite one above.
 */
const lineChart = (width, lines, { yLabel, logged = false, what = "", along = "" }) => {
  const all = lines.flatMap((line) => line.points);
  const finite = all.map((p) => p.y).filter((y) => Number.isFinite(y));
  const zeros = logged && finite.some((y) => y <= 0), odd = finite.length < all.length;
  const x = linear(all.map((p) => p.x), !along), y = logged ? logarithmic(finite) : linear(finite);
  const bottom = HEIGHT - BOTTOM, low = bottom - (zeros ? BAND : 4), high = TOP + (odd ? BAND : 4);
  const atX = (v) => LEFT + 8 + x.part(v) * (width - RIGHT - LEFT - 16);
  const atY = (v) => {
    if (!Number.isFinite(v)) return TOP + 4;
    return logged && v <= 0 ? bottom - 4 : low - y.part(v) * (low - high);
  };
  const svg = draw("g");
  for (const [v, text] of y.ticks) if (y.part(v) >= -1e-9 && y.part(v) <= 1 + 1e-9) yTick(svg, width, atY(v), text);
  if (zeros) yTick(svg, width, bottom - 4, "0");
  if (odd) yTick(svg, width, TOP + 4, "not finite");
  for (const [v, text] of x.ticks) xTick(svg, atX(v), bottom, text);
  frame(svg, width, bottom, along || "step", yLabel);
  const items = lines.map((line, kind) => {
    const placed = line.points.map((p) => ({ ...p, x: atX(p.x), y: atY(p.y), on: Number.isFinite(p.y) && !(logged && p.y <= 0) }));
    let d = "", pen = false;
    for (const p of placed) {
      if (p.on) d += `${pen ? "L" : "M"}${p.x.toFixed(1)} ${p.y.toFixed(1)}`;
      pen = p.on;
    }
    if (!line.dots) svg.append(draw("path", { class: `line s${kind % 5}`, "stroke-dasharray": DASHES[kind % 4], d }));
    const every = line.dots ? 1 : Math.max(1, Math.ceil(placed.length / 25));
    placed.forEach((p, i) => {
      if (!p.on || (!markless(line) && (i + 3 * kind) % every === 0)) svg.append(mark(kind, p.x, p.y));
    });
    return placed;
  });
  return { parts: [svg], height: HEIGHT, items, key: lines.map((line, kind) => swatch(kind, line)), what };
};

const lossPlot = (width) => {
  const { step, lines } = data.loss;
  if (!lines.length) return "No step was recorded.";
  const values = lines.map((line) => line.value.map(num));
  const [least, most] = span(values.flat().filter((v) => Number.isFinite(v)));
  const logged = least > 0 && most / least > 20;
  const told = step.map((s, i) => [`step ${s}`, ...lines.map((l) => `${l.backend} ${exactly(l.value[i])}`)].join(" · "));
  const drawn = lines.map((line, k) => ({ name: line.backend, points: step.map((s, i) => ({ x: s, y: values[k][i], say: `${line.backend}: ${told[i]}` })) }));
  return lineChart(width, drawn, { yLabel: logged ? "loss (log)" : "loss", logged, what: `${step.length} steps` });
};
