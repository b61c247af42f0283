// ---- how the run learnt

const overSteps = (name, step, value, words) => ({ name, points: step.map((s, i) => ({ x: s, y: num(value[i]), say: words(s, i) })) });

const normsPlot = (width) => {
  const { step, lines } = data.learning.norms;
  const drawn = lines.map((l) => overSteps(l.layer, step, l.value, (s, i) => `step ${s} · ${l.layer} ${say(l.value[i], 6)}`));
  return lineChart(width, drawn, { yLabel: "Euclidean norm (log)", logged: true });
};

const pathsPlot = (width) => {
  const found = data.learning.paths.tensors.find((it) => it.tensor === chosen("tensor"));
  if (!found) return `${chosen("tensor")} is no parameter.`;
  const drawn = found.lines.map((values, k) => {
    const name = placeOf(found.places[k], found.shape);
    return overSteps(name, data.learning.paths.step, values, (s, i) => `before step ${s} · element ${name} · ${exactly(values[i])}`);
  });
  const size = found.shape.reduce((a, b) => a * b, 1);
  const what = drawn.length < size ? `${drawn.length} of ${size} elements, evenly spread` : "all elements";
  return lineChart(width, drawn, { yLabel: "value", what });
};

const driftPlot = (width) => {
  const drawn = data.learning.drift.lines.map((l) => overSteps(l.backend, l.step, l.value, (s, i) => `after ${s} step${s === 1 ? "" : "s"} · ${l.backend} ${say(l.value[i])} · ${inRoundings(l.roundings[i])}`));
  return lineChart(width, drawn, { yLabel: "Euclidean distance (log)", logged: true, along: "steps made" });
};

// ---- the learnt function

const CLASSES = 9, HEAD = 26, KEY = 96, LARGEST = 1e300;

const curves = (width, { x, lines, samples, input, output }) => {
  const told = x.map((v, i) => [`${input} ${say(v)}`, ...lines.map((l) => `${l.name} ${say(l.value[i], 6)}`)].join(" · "));
  const drawn = lines.map((l) => ({ name: l.name, plain: true, points: x.map((v, i) => ({ x: v, y: num(l.value[i]), say: told[i] })) }));
  const dots = samples.x.map((v, i) => ({ x: v, y: num(samples.value[i]), say: `sample · ${input} ${say(v)} · ${output} ${say(samples.value[i], 6)}` }));
  return lineChart(width, [...drawn, { name: "samples", dots: true, points: dots }], { yLabel: output, along: input });
};

/** How values are coloured: ``of`` gives the class of one in the style sheet, ``ends`` are those of the scale. */
const ramp = (scale, values, classes) => {
  let [low, high] = scale === "class" ? [0, Math.max(1, classes - 1)] : span(values.filter((v) => Math.abs(v) < LARGEST));
  if (low > high) [low, high] = [0, 1];
  if (scale === "apart") [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
  const kind = scale === "apart" ? "d" : "q", last = CLASSES - 1;
  const part = (v) => (high > low ? (v - low) / (high - low) : 0.5);
  const place = (v) => (scale === "class" ? Math.round(part(v) * last) : Math.max(0, Math.min(last, Math.floor(part(v) * CLASSES))));
  return { ends: [low, high], kind, of: (v) => (Math.abs(v) < LARGEST ? `${kind}${place(v)}` : "none") };
};

/** Strokes that say below 0 on any colour, in grey too. */
const minus = (d) => ["halo", "below"].map((look) => draw("path", { class: look, d }));

/** The colours below a panel: of classes each with its number, of values the ends' numbers. */
const scaleBar = (svg, { ends: [low, high], kind, of }, { scale, left, bottom, size }, classes) => {
  const count = scale === "class" ? classes : CLASSES, wide = size / count, top = bottom + 50;
  for (let k = 0; k < count; k++) {
    svg.append(draw("rect", { class: `cell ${scale === "class" ? of(k) : kind + k}`, x: left + k * wide, y: top, width: wide, height: 10 }));
    if (scale === "apart" && k < (count - 1) / 2) svg.append(...minus(`M${left + k * wide + 3} ${top + 5}h${wide - 6}`));
    if (scale === "class") svg.append(draw("text", { x: left + (k + 0.5) * wide, y: top + 24, "text-anchor": "middle" }, String(k)));
  }
  if (scale === "class") return;
  if (scale === "apart") svg.append(draw("text", { x: left + size / 2, y: top + 24, "text-anchor": "middle" }, "dashes: below 0"));
  svg.append(draw("text", { x: left, y: top + 24 }, say(low, 3)), draw("text", { x: left + size, y: top + 24, "text-anchor": "end" }, say(high, 3)));
};

/** A panel's axes, and where a place in the plane lies. */
const panelFrame = (svg, { inputs, low, high, across }, { title, left, top, size }) => {
  const bottom = top + size, cell = size / across;
  const at = (v, i) => (((v - low[i]) / (high[i] - low[i])) * (across - 1) + 0.5) * cell;
  svg.append(
    draw("rect", { class: "axis", fill: "none", x: left, y: top, width: size, height: size }),
    draw("text", { class: "name", x: left - 40, y: top - 9 }, title),
    draw("text", { x: left + size / 2, y: bottom + 38, "text-anchor": "middle" }, inputs[0]),
    draw("text", { transform: `translate(${left - 48} ${top + size / 2}) rotate(-90)`, "text-anchor": "middle" }, inputs[1]),
  );
  const every = size < 200 ? 2 : 1;
  linear([low[0], high[0]]).ticks.forEach(([v, text], i) => { if (i % every === 0) xTick(svg, left + at(v, 0), bottom, text); });
  for (const [v, text] of linear([low[1], high[1]]).ticks) svg.append(draw("text", { x: left - 6, y: bottom - at(v, 1) + 4, "text-anchor": "end" }, text));
  return { cell, placed: (x) => [left + at(x[0], 0), bottom - at(x[1], 1)] };
};

const plane = (width, found) => {
  const { inputs, low, high, across, classes, panels, dots } = found, points = dots.map((x) => x.map(num));
  const wide = Math.min(panels.length, Math.max(1, Math.floor(width / 260))), part = (width - RIGHT) / wide;
  const size = Math.min(290, part - LEFT), tall = HEAD + size + KEY, svg = draw("g"), items = [];
  const shared = panels.filter((p) => p.scale !== "apart").flatMap((p) => p.grid ?? p.dots).map(num);
  const told = (x, words) => [...inputs.map((name, i) => `${name} ${say(x[i])}`), ...words].join(" · ");
  panels.forEach((panel, k) => {
    const line = Math.floor(k / wide), place = { ...panel, left: LEFT + (k % wide) * part, top: HEAD + line * tall, size };
    const values = (panel.grid ?? panel.dots).map(num), colour = ramp(panel.scale, panel.scale === "apart" ? values : shared, classes);
    const { cell, placed } = panelFrame(svg, found, place), negative = [];
    values.forEach((v, i) => {
      if (!panel.grid) return;
      const [c, r] = [i % across, Math.floor(i / across)], x = [c, r].map((n, j) => low[j] + (n / (across - 1)) * (high[j] - low[j]));
      const [cx, cy] = placed(x), both = panels.filter((p) => p.grid).map((p) => `${p.title} ${say(p.grid[i])}`);
      svg.append(draw("rect", { class: `tile ${colour.of(v)}`, x: cx - cell / 2, y: cy - cell / 2, width: cell, height: cell }));
      if (panel.scale === "apart" && /[0-3]/.test(colour.of(v)) && r % 2 === 0) negative.push(`M${cx - cell / 2} ${cy}h${cell * 0.6}`);
      (items[line * across + across - 1 - r] ??= []).push({ x: cx, y: cy, w: cell, h: cell, say: told(x, both) });
    });
    const own = points.map((x, i) => {
      const [cx, cy] = placed(x), v = panel.grid ? NaN : values[i];
      svg.append(panel.grid ? draw("circle", { class: "sample", cx, cy, r: 1.7 }) : mark(panel.scale === "class" ? v : 0, cx, cy, `dot ${colour.of(v)}`));
      if (panel.scale === "apart" && v < 0) negative.push(`M${cx - 2} ${cy}h4`);
      return { x: cx, y: cy, say: told(x, [`${panel.title} ${say(v)}`]) };
    });
    if (!panel.grid) items.push(own.sort((a, b) => a.x - b.x));
    svg.append(...minus(negative.join("")));
    scaleBar(svg, colour, { ...place, bottom: place.top + size }, classes);
  });
  return { parts: [svg], height: Math.ceil(panels.length / wide) * tall, items: items.filter(Boolean) };
};

mount("norms", normsPlot);
mount("drift", driftPlot);
mount("function", (width) => (data.learning.function.panels ? plane : curves)(width, data.learning.function));
choosing.push(mount("paths", pathsPlot, () => chosen("tensor")));
