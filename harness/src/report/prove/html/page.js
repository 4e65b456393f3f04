"use strict";
const form = document.getElementById("filter");
const pointed = document.getElementById("pointed");

function matches(text, wanted) {
  return text.toLowerCase().includes(wanted.trim().toLowerCase());
}

function apply() {
  const wanted = new FormData(form);
  const results = new Set(wanted.getAll("result"));
  for (const row of document.querySelectorAll("tbody tr")) {
    const name = row.querySelector("th").textContent;
    row.hidden = !results.has(row.dataset.result) || !matches(name, wanted.get("setting"));
  }
  for (const table of document.querySelectorAll(".matrix")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => {
      if (place === 0) return;
      const named = matches(head.textContent + " " + head.dataset.action, wanted.get("probe"));
      head.hidden = !named || (wanted.has("used") && "idle" in head.dataset);
      for (const row of table.tBodies[0].rows) row.cells[place].hidden = head.hidden;
    });
  }
}

// A link can ask for a part of the page: #setting=ProtectHome&probe=home&result=necessary&result=covered&all
function ask() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const name of ["setting", "probe"]) form.elements[name].value = asked.get(name) ?? "";
  const results = asked.getAll("result");
  for (const box of form.elements.result) box.checked = !results.length || results.includes(box.value);
  form.elements.used.checked = !asked.has("all");
  apply();
}

function point(event) {
  const cell = event.target.closest(".matrix td");
  if (!cell) return;
  const head = cell.closest("table").tHead.rows[0].cells[cell.cellIndex];
  const setting = cell.parentElement.cells[0].textContent;
  const what = cell.classList.contains("n")
    ? "goes through without " + setting
    : cell.classList.contains("s")
      ? setting + " stops it alone"
      : cell.classList.contains("x")
        ? "the control failed"
        : setting + " has nothing to do with it";
  pointed.textContent =
    head.textContent + ", to " + head.dataset.action + ": " + what +
    " (without any setting: " + head.dataset.bare + "; in the unit: " + head.dataset.full + ")";
}

form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("mouseover", point);
addEventListener("hashchange", ask);
ask();
