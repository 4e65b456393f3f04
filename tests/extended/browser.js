"use strict";
// Does what a reader does, looks at what there is to be seen then, and tells it.

function seen(element) {
  return element.getClientRects().length > 0;
}

function view() {
  const matrices = [...document.querySelectorAll(".matrix")].map((table) => {
    const probes = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows].filter(seen).map((row) => {
      const cells = [...row.cells].slice(1).filter(seen);
      return [row.cells[0].textContent, Object.fromEntries(cells.map((cell) => [probes[cell.cellIndex].textContent, cell.className]))];
    });
    return Object.fromEntries(rows);
  });
  const lists = [...document.querySelectorAll(".settings")];
  const listed = lists.map((table) => [...table.tBodies[0].rows].filter(seen).map((row) => row.cells[0].textContent));
  return { matrices, listed };
}

const controls = document.getElementById("filter");

// As if by hand: the value, and then the event that a browser sends.
function type(name, text) {
  controls.elements[name].value = text;
  controls.elements[name].dispatchEvent(new Event("input", { bubbles: true }));
}

// Red, green, blue from 0 to 255, and opacity from 0 to 1.
function parse(color) {
  const numbers = color.match(/[\d.]+/g).map(Number);
  return { rgb: numbers.slice(0, 3), opacity: numbers.length > 3 ? numbers[3] : 1 };
}

function over(color, ground) {
  return color.rgb.map((part, place) => part * color.opacity + ground[place] * (1 - color.opacity));
}

// What an element stands on: its own ground and those of all that it is in.
function ground(element) {
  const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
  return over(parse(getComputedStyle(element).backgroundColor), below);
}

// Relative luminance, as WCAG 2.2 defines it.
function luminance(rgb) {
  const [red, green, blue] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(color, below) {
  const [one, other] = [luminance(over(parse(color), below)), luminance(below)];
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}

function contrasts() {
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (own && seen(element)) {
      found.push([contrast(getComputedStyle(element).color, ground(element)), element.outerHTML.slice(0, 100)]);
    }
    if (element.placeholder) {
      found.push([contrast(getComputedStyle(element, "::placeholder").color, ground(element)), element.outerHTML]);
    }
  }
  return found.sort((one, other) => one[0] - other[0]);
}

const told = { dark: matchMedia("(prefers-color-scheme: dark)").matches, at_first: view() };
// Back to the start, whatever a link has asked for.
controls.reset();
type("setting", "");
const text = contrasts();
[told.least, told.texts, told.ground] = [text[0], text.length, luminance(ground(document.body))];
type("setting", " TECThom");
told.setting = view();
type("setting", "");
type("probe", "file in a HOME directory");
told.probe = view();
const row = [...document.querySelectorAll(".matrix tbody tr")].find((row) => row.cells[0].textContent === "ProtectHome");
[...row.cells].find((cell) => seen(cell) && cell.className === "n").dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
told.pointed = document.getElementById("pointed").textContent;
type("probe", "");
for (const box of controls.elements.result) {
  if (box.value !== "necessary") box.click();
}
told.result = view();
controls.reset();
controls.elements.used.click();
told.all = view();

const shown = document.createElement("pre");
shown.id = "observed";
shown.textContent = JSON.stringify(told);
document.body.append(shown);
