for (const select of document.querySelectorAll(".choices select")) select.addEventListener("change", () => choosing.forEach((redraw) => redraw()));

// ---- a layer's box chooses its worst tensor

for (const box of document.querySelectorAll("[data-tensor]")) {
  const select = byId("choose-tensor");
  if (![...select.options].some((option) => option.value === box.dataset.tensor)) continue;
  box.setAttribute("role", "button");
  const choose = () => {
    select.value = box.dataset.tensor;
    choosing.forEach((redraw) => redraw());
    select.scrollIntoView({ block: "start" });
    select.focus({ preventScroll: true });
  };
  box.addEventListener("click", choose);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose();
  });
}

// ---- tables

const sortBy = (table, column, down) => {
  const body = table.tBodies[0], sign = down ? -1 : 1;
  const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const figures = [...body.rows].some((row) => "value" in row.cells[column].dataset);
  const compare = (a, b) => {
    const [p, q] = [value(a), value(b)];
    if (!figures) return sign * p.localeCompare(q);
    if (p === "" || q === "") return (p === "") - (q === "");
    const [x, y] = [p, q].map((v) => (v === "inf" ? Infinity : Number(v)));
    return x === y ? 0 : sign * (x < y ? -1 : 1);
  };
  body.append(...[...body.rows].sort(compare));
};
for (const table of document.querySelectorAll("table.sorted")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const before = head.getAttribute("aria-sort");
    const down = before ? before === "ascending" : head.classList.contains("figure");
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    sortBy(table, column, down);
  }));
}

// ---- on paper everything is open

let shut = [];
addEventListener("beforeprint", () => {
  shut = [...document.querySelectorAll("details:not([open])")];
  for (const details of shut) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of shut) details.open = false;
});
