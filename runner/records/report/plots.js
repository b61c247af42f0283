// ---- what is chosen

const chosen = (name, otherwise) => (byId(`choose-${name}`) ? byId(`choose-${name}`).value : otherwise);
const backend = () => chosen("backend", data.backends[0]);
const judged = () => `${backend()}, ${data.questions[chosen("question")]}`;
const ofTensor = () => `${chosen("tensor")} of ${judged()}`;
const matching = (list, question = true) => list.find((it) => it.tensor === chosen("tensor") && it.backend === backend() && (!question || it.question === chosen("question")));

const deviationPlot = (width) => {
  const found = matching(data.series);
  if (!found) return "Of this tensor nothing was judged so.";
  const judged = (i) => !Number.isNaN(num(found.sigma[i]));
  const told = found.step.map((s, i) => [
    `step ${s}`,
    found.index[i] === "[]" || !found.index[i] ? "" : `element ${found.index[i]}`,
    `deviation ${say(found.deviation[i])}`,
    `${found.backend} ${exactly(found.value[i])}`,
    `${judged(i) ? "held against" : data.backends.at(-1)} ${exactly(found.reference[i])}`,
    inRoundings(found.roundings[i]),
    judged(i) ? `one rounding is ${say(found.sigma[i])}` : "",
  ].filter(Boolean).join(" · "));
  const line = (name, value, plain) => ({ name, plain, points: found.step.map((s, i) => ({ x: s, y: value(i), say: told[i], i })) });
  const bound = (name, times) => {
    const made = line(name, (i) => times * num(found.sigma[i]), true);
    made.points = made.points.filter((p) => judged(p.i)).map((p) => ({ ...p, say: `${name} at step ${p.x}: ${say(p.y)}` }));
    return made;
  };
  const lines = [line(`deviation of ${found.backend}`, (i) => num(found.deviation[i])), bound("one rounding", 1), bound(`the limit, ${data.limit} roundings`, data.limit)];
  return lineChart(width, lines.filter((l) => l.points.length), { yLabel: "deviation (log)", logged: true });
};

// ---- elements

/** The class of a number of roundings. */
const shade = (v) => data.scale.findLastIndex((begin) => (begin === data.limit ? v > begin : v >= begin));
const placeOf = (flat, shape) => {
  const index = [];
  for (const size of [...shape].reverse()) {
    index.unshift(flat % size);
    flat = Math.floor(flat / size);
  }
  return `[${index.join(", ")}]`;
};

const mapPlot = (width) => {
  const found = matching(data.elements, false);
  if (!found) return "No roundings of the elements of this tensor were kept.";
  const [top, end] = found.rows, [begin, stop] = found.columns, rows = end - top, columns = stop - begin;
  const size = Math.max(3, Math.min(28, Math.floor((width - LEFT - RIGHT) / columns), Math.floor(560 / rows)));
  const bottom = TOP + rows * size, svg = draw("g"), roundings = found[chosen("question")];
  const every = Math.max(1, Math.ceil((size < 22 ? 26 : 20) / size));
  const items = [];
  for (let r = 0; r < rows; r++) {
    items.push([]);
    if (r % every === 0) svg.append(draw("text", { x: LEFT - 7, y: TOP + (r + 0.5) * size + 4, "text-anchor": "end" }, String(top + r)));
    for (let c = 0; c < columns; c++) {
      const i = r * columns + c, v = num(roundings[i]), kind = Math.max(0, shade(v)), x = LEFT + c * size, y = TOP + r * size;
      svg.append(draw("rect", { class: `cell k${kind}`, x, y, width: size, height: size }));
      if (v > data.limit && size > 6) svg.append(draw("circle", { class: `beyond i${kind}`, cx: x + size / 2, cy: y + size / 2, r: size / 7 }));
      const values = found.value && found.reference ? [`${found.backend} ${exactly(found.value[i])}`, `${data.backends.at(-1)} ${exactly(found.reference[i])}`] : [];
      const place = found.shape.length ? `element ${placeOf((top + r) * found.total[1] + begin + c, found.shape)}` : "the number";
      items[r].push({ x: x + size / 2, y: y + size / 2, w: size, h: size, say: [place, inRoundings(roundings[i]), ...values].join(" · ") });
    }
  }
  for (let c = 0; c < columns; c += every) xTick(svg, LEFT + (c + 0.5) * size, bottom, String(begin + c));
  const many = found.shape.length > 2, middle = LEFT + (columns * size) / 2;
  svg.append(draw("text", { x: Math.max(middle, LEFT + 40), y: bottom + 36, "text-anchor": "middle" }, many ? "all other axes, flattened" : found.shape.length > 1 ? "column" : "element"));
  if (found.shape.length > 1) svg.append(draw("text", { transform: `translate(14 ${Math.max((TOP + bottom) / 2, 40)}) rotate(-90)`, "text-anchor": "middle" }, many ? "first axis" : "row"));
  const key = found.words ? [make("li", {}, `Shown are ${found.words}.`)] : [];
  return { parts: [svg], height: Math.max(bottom + BOTTOM, 90), items, key, what: `shape ${found.shape.join(" by ") || "of a number"}` };
};

const histogram = (width) => {
  const found = data.counts.find((it) => it.backend === backend() && it.question === chosen("question"));
  if (!found) return "No roundings were kept.";
  const { count } = found, edges = data.edges, limit = 1 + 4 * (Math.log10(data.limit) + 3);
  const last = Math.max(Math.ceil(limit) + 2, count.findLastIndex((n) => n > 0) + 1);
  const [, most] = span(count), y = logarithmic([1, Math.max(most, 10)]), bottom = HEIGHT - BOTTOM, svg = draw("g");
  const wide = (width - LEFT - RIGHT) / last, floor = bottom - 12;
  const atY = (n) => floor - y.part(n) * (floor - TOP - 4);
  for (const [v, text] of y.ticks) yTick(svg, width, atY(v), text);
  const every = 4 * Math.max(1, Math.ceil(56 / (4 * wide)));
  for (let k = 1; k <= last; k += every) xTick(svg, LEFT + k * wide, bottom, power(Math.round(Math.log10(edges[k]))));
  const bars = [];
  for (let k = 0; k < last; k++) {
    if (!count[k]) continue;
    const x = LEFT + k * wide, top = atY(count[k]);
    svg.append(draw("rect", { class: `bar k${shade(edges[k])}`, x, y: top, width: wide, height: bottom - top }));
    const range = k === 0 ? `below ${say(edges[1])}` : k + 1 < edges.length ? `${say(edges[k], 3)} to ${say(edges[k + 1], 3)}` : `beyond ${say(edges[k])}`;
    bars.push({ x: x + wide / 2, y: (top + bottom) / 2, w: wide, h: bottom - top, say: `${range} roundings: ${count[k]} element${count[k] === 1 ? "" : "s"}` });
  }
  frame(svg, width, bottom, "roundings (log)", "elements (log)");
  const x = LEFT + limit * wide, right = x > width - 150;
  svg.append(draw("path", { class: "bound", d: `M${x} ${TOP}V${bottom}` }), draw("text", { class: "bound-name", x: x + (right ? -6 : 6), y: TOP + 10, "text-anchor": right ? "end" : "start" }, `limit, ${data.limit}`));
  const total = count.reduce((a, b) => a + b, 0);
  return { parts: [svg], height: HEIGHT, items: [bars], what: `${total} elements` };
};

mount("loss", lossPlot);
const choosing = [mount("deviation", deviationPlot, ofTensor), mount("map", mapPlot, ofTensor), mount("histogram", histogram, judged)];
