// The state machine as a picture: dagre says where, this draws it, the page's data says what.
// A link to another state fetches the page, and takes its part; without a script it is a link.

import * as dagre from "/lib/@dagrejs/dagre/dagre.esm.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 40;
const PADDING = 14;
const CHARACTER = 7.4;
const LABEL_CHARACTER = 6.6;
const LONGEST = 26;
const LEAST_SCALE = 0.78; // smaller than that, nobody reads it: the box scrolls
const MARKS = { succeeded: "✓", running: "…", retrying: "↻", caught: "✗", failed: "✗", idle: "·" };
const NARROW = matchMedia("(max-width: 900px)");

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shortened(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

// Lays out one level, the levels within its nodes first; each place is its centre.
function laidOut({ nodes, edges }) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 26, edgesep: 12, marginx: 12, marginy: 12 });
  const inner = new Map();
  for (const node of nodes) {
    const parts = node.parts.map(laidOut);
    inner.set(node.name, parts);
    const badge = node.retries ? 30 : 0;
    const own = Math.max(104, shortened(node.name).length * CHARACTER + 44 + badge);
    const width = parts.reduce((sum, part) => sum + part.width + PADDING, PADDING);
    const height = Math.max(0, ...parts.map((part) => part.height));
    graph.setNode(node.name, {
      width: parts.length ? Math.max(own, width) : own,
      height: HEIGHT + (parts.length ? height + PADDING : 0),
    });
  }
  for (const [at, edge] of edges.entries()) {
    const label = edge.kind === "next" || edge.label === "any error" ? "" : edge.label;
    const width = label.length * LABEL_CHARACTER;
    graph.setEdge(edge.from, edge.to, { label, width, height: label ? 14 : 0, labelpos: "c" }, `${at}`);
  }
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return { graph, nodes, edges, inner, width, height };
}

function drawnEdge(edge, place) {
  const [first, ...rest] = place.points;
  const kind = `edge ${edge.kind}${edge.taken ? " taken" : ""}`;
  const marker = edge.taken ? (edge.kind === "catch" ? "caught" : "taken") : "plain";
  const path = rest.map(({ x, y }) => `L${x} ${y}`).join("");
  const drawn = element("g", { class: kind });
  drawn.append(
    element("title", {}, edge.title || `${edge.from} to ${edge.to}`),
    element("path", { d: `M${first.x} ${first.y}${path}`, "marker-end": `url(#arrow-${marker})` }),
  );
  if (place.label) {
    drawn.append(element("text", { x: place.x, y: place.y + 4, "text-anchor": "middle" }, place.label));
  }
  return drawn;
}

function detailOf(node) {
  const visits = node.visits > 1 ? `×${node.visits} ` : "";
  return `${visits}${node.seconds || node.type}`;
}

function drawnNode(node, { x, y, width, height }, parts, address) {
  const left = x - width / 2;
  const top = y - height / 2;
  const link = element("a", {
    href: `${address}${encodeURIComponent(node.name)}`,
    "aria-label": node.label,
    "data-part": "",
    "data-name": node.name,
    ...(node.selected ? { "aria-current": "true" } : {}),
  });
  // The label tells in words what the marks and figures show.
  const figures = element("g", { "aria-hidden": "true", class: "figures" });
  figures.append(
    element("text", { class: "mark", x: left + 11, y: top + 18 }, MARKS[node.status] ?? "·"),
    element("text", { class: "detail", x: left + 27, y: top + 32 }, detailOf(node)),
  );
  if (node.retries) {
    const badge = { class: "retries", x: left + width - 9, y: top + 18, "text-anchor": "end" };
    figures.append(element("text", badge, `↻${node.retries}`));
  }
  link.append(
    element("rect", { x: left, y: top, width, height }),
    element("text", { x: left + 27, y: top + 18 }, shortened(node.name)),
  );
  const chosen = node.selected ? " selected" : "";
  const drawn = element("g", { class: `node ${node.status}${chosen}${parts.length ? " holds" : ""}` }, link, figures);
  let across = left + PADDING;
  for (const part of parts) {
    drawn.append(drawnLevel(part, address, `translate(${across} ${top + HEIGHT})`));
    across += part.width + PADDING;
  }
  return drawn;
}

function drawnLevel(level, address, transform = "") {
  const group = element("g", transform ? { transform } : {});
  for (const wanted of [false, true]) {
    for (const [at, edge] of level.edges.entries()) {
      if (edge.taken !== wanted) continue;
      group.append(drawnEdge(edge, level.graph.edge(edge.from, edge.to, `${at}`)));
    }
  }
  for (const node of level.nodes) {
    group.append(drawnNode(node, level.graph.node(node.name), level.inner.get(node.name), address));
  }
  return group;
}

function arrows() {
  const shape = { viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" };
  const markers = ["plain", "taken", "caught"].map((kind) =>
    element(
      "marker",
      { ...shape, id: `arrow-${kind}`, markerUnits: "userSpaceOnUse" },
      element("path", { class: `arrow ${kind}`, d: "M0 0L8 4L0 8z" }),
    ),
  );
  return element("defs", {}, ...markers);
}

// Draws the graph anew; what had the focus has it again.
function draw(box) {
  const level = laidOut(JSON.parse(box.dataset.graph));
  const [wide, high] = [Math.ceil(level.width), Math.ceil(level.height)];
  const scale = Math.min(1, Math.max(LEAST_SCALE, (box.clientWidth - 2) / wide));
  const [width, height] = [wide * scale, high * scale];
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.name : undefined;
  const svg = element("svg", { width, height, viewBox: `0 0 ${wide} ${high}`, role: "group" });
  svg.setAttribute("aria-label", "States");
  svg.append(arrows(), drawnLevel(level, box.dataset.address));
  const isFirst = !box.hasChildNodes();
  box.replaceChildren(svg);
  const links = [...svg.querySelectorAll("a")];
  links.find((link) => focused && link.dataset.name === focused)?.focus({ preventScroll: true });
  if (isFirst) reveal(box, svg.querySelector(".selected"));
}

// Scrolls the box, and nothing else, until the selected state is in its middle.
function reveal(box, node) {
  if (!node) return;
  const outer = box.getBoundingClientRect();
  const inner = node.getBoundingClientRect();
  box.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
  box.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
}

async function show(address) {
  await htmx.ajax("GET", address, { target: "#execution", select: "#execution", swap: "outerMorph" });
}

async function onClick(event) {
  const link = event.target.closest?.("a[data-part]");
  const changed = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button;
  if (!link || changed || !window.htmx) return;
  event.preventDefault();
  const address = new URL(link.getAttribute("href"), location.href).href;
  history.pushState({}, "", address);
  await show(address);
  const panel = document.getElementById("state");
  if (NARROW.matches && panel) panel.scrollIntoView({ block: "start" });
}

function start() {
  const main = document.getElementById("main");
  const redraw = () => {
    const box = document.getElementById("graph");
    if (box && box.dataset.drawn !== box.dataset.graph) {
      box.dataset.drawn = box.dataset.graph;
      draw(box);
    }
  };
  const watched = { subtree: true, childList: true, attributeFilter: ["data-graph"] };
  new MutationObserver(redraw).observe(main, watched);
  main.addEventListener("click", onClick);
  addEventListener("popstate", () => show(location.href));
  redraw();
}

start();
