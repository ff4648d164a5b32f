// Keyboard shortcuts; the dialog that lists them stands in base.html.

import { toggleTheme } from "./theme.js";

const PAGES = { e: "/executions", l: "/dead-letters", d: "/datasets" };
const EDITABLE = "input, select, textarea, [contenteditable]";

const PREFIX_MS = 1500;

let prefix = { key: "", at: 0 };

function showHelp() {
  document.getElementById("shortcuts").showModal();
}

function focusSearch() {
  document.querySelector('input[type="search"]')?.focus();
}

// Links of the rows of the page's lists, in their order.
function rowLinks() {
  return [...document.querySelectorAll("table.list > tbody > tr")]
    .map((row) => row.querySelector("a"))
    .filter(Boolean);
}

function moveBy(step) {
  const links = rowLinks();
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step));
  links[next]?.focus();
}

const ACTIONS = {
  "/": focusSearch,
  "?": showHelp,
  j: () => moveBy(1),
  k: () => moveBy(-1),
  t: toggleTheme,
};

function isBusy(event) {
  return event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]");
}

function onKey(event) {
  if (event.target.matches?.(EDITABLE)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (isBusy(event)) return;
  const isPage = prefix.key === "g" && event.timeStamp - prefix.at < PREFIX_MS && PAGES[event.key];
  if (isPage) {
    location.assign(PAGES[event.key]);
  } else if (ACTIONS[event.key]) {
    event.preventDefault();
    ACTIONS[event.key]();
  }
  prefix = { key: event.key, at: event.timeStamp };
}

export function startShortcuts() {
  document.addEventListener("keydown", onKey);
  document.querySelector('[data-action="help"]')?.addEventListener("click", showHelp);
}
