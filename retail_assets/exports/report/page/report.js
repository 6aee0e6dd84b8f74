// The page is complete without this: it makes charts answer to the pointer, tables sortable, and tables into CSV files.
"use strict";

function draw(holder) {
  const spec = JSON.parse(document.getElementById("spec-" + holder.dataset.chart).textContent);
  const live = document.createElement("div");
  holder.append(live);
  window.vegaEmbed(live, spec, { renderer: "svg", actions: false }).then(
    (result) => { holder.querySelector(".static").remove(); result.view.description(holder.dataset.text); },
    (error) => { live.remove(); console.error(error); },
  );
}

function sort(head) {
  const table = head.closest("table"), body = table.tBodies[0], at = head.cellIndex;
  const down = head.getAttribute("aria-sort") !== "descending";
  for (const other of table.tHead.rows[0].cells) { other.removeAttribute("aria-sort"); }
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (row) => row.cells[at].dataset.value;
  const isNumber = head.classList.contains("n");
  const order = (a, b) => {
    if (key(a) === "" || key(b) === "") { return (key(a) === "") - (key(b) === ""); }
    const by = isNumber ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b));
    return down ? -by : by;
  };
  body.append(...[...body.rows].sort(order));
}

function csvCell(text) {
  const harmless = /^[=+\-@\t\r]/.test(text) && !/^-?[0-9.]+$/.test(text) ? "'" + text : text;
  return '"' + harmless.replaceAll('"', '""') + '"';
}

function download(table, name) {
  const head = [...table.tHead.rows[0].cells].map((cell) => csvCell(cell.textContent.trim()));
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => csvCell(cell.dataset.value)));
  const text = [head, ...rows].map((row) => row.join(",")).join("\r\n") + "\r\n";
  const link = document.createElement("a");
  link.href = "data:text/csv;charset=utf-8," + encodeURIComponent("\ufeff" + text);
  link.download = name + ".csv";
  link.click();
}

for (const head of document.querySelectorAll("th")) {
  const button = document.createElement("button");
  button.append(...head.childNodes);
  button.addEventListener("click", () => sort(head));
  head.append(button);
}
for (const table of document.querySelectorAll("table")) {
  const button = document.createElement("button");
  button.className = "csv";
  button.textContent = "Download as CSV";
  button.setAttribute("aria-label", "Download as CSV: " + table.caption.textContent);
  button.addEventListener("click", () => download(table, table.id));
  table.parentElement.after(button);
}
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }
}, { rootMargin: "300px" });
if (window.vegaEmbed) { document.querySelectorAll(".chart").forEach((holder) => seen.observe(holder)); }
