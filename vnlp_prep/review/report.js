// Filters and sorts the lists. The page is whole without it.
"use strict";
for (const list of document.querySelectorAll(".list")) {
  const tools = list.querySelector(".tools");
  const box = tools.querySelector("input");
  const order = tools.querySelector("select");
  const shown = tools.querySelector(".shown");
  const none = list.querySelector(".none");
  const rows = list.querySelector(".rows");
  const all = [...rows.children].map((row, i) => ({
    row,
    i,
    text: row.textContent.toLowerCase(),
    first: row.querySelector(".chg").textContent.toLowerCase(),
    stage: row.dataset.stage,
    count: Number(row.dataset.count),
    doubt: Number(row.dataset.doubt),
  }));
  const orders = {
    weight: (a, b) => a.i - b.i,
    count: (a, b) => b.count - a.count || a.i - b.i,
    doubt: (a, b) => b.doubt - a.doubt || a.i - b.i,
    text: (a, b) => a.first.localeCompare(b.first),
  };
  const off = new Set();

  function filter() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { row, text, stage } of all) {
      row.hidden = off.has(stage) || !words.every((word) => text.includes(word));
      count += row.hidden ? 0 : 1;
    }
    const total = all.length.toLocaleString("en");
    shown.textContent = count === all.length ? total : `${count.toLocaleString("en")} of ${total}`;
    none.hidden = count > 0;
  }

  box.addEventListener("input", filter);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      box.value = "";
      filter();
    }
  });
  order.addEventListener("change", () => rows.append(...all.sort(orders[order.value]).map(({ row }) => row)));
  for (const chip of tools.querySelectorAll(".chip")) {
    chip.addEventListener("click", () => {
      const wanted = chip.getAttribute("aria-pressed") !== "true";
      chip.setAttribute("aria-pressed", String(wanted));
      off[wanted ? "delete" : "add"](chip.dataset.stage);
      filter();
    });
  }
  tools.hidden = false;
}
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, select")) {
    const box = document.querySelector(".tools input");
    if (box) {
      event.preventDefault();
      box.focus();
    }
  }
});
