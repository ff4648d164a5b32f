// A page that lives keeps what it shows while nothing answers, and says so above it.

const GONE = "The console does not answer; is it still running? Trying again.";

function say(words) {
  const line = document.getElementById("connection");
  // A reader of screens tells of it whenever it is written, so only once.
  if (line.textContent !== words) line.textContent = words;
  line.hidden = !words;
}

// What the page about a trouble says.
function messageIn(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  return page.querySelector('[role="alert"]')?.textContent.trim();
}

function onRefusal({ detail: { ctx } }) {
  const told = messageIn(ctx.text) ?? `The console answered with ${ctx.response.status}.`;
  say(`${told.replace(/\.$/, "")}. Trying again.`);
}

function onError({ detail: { ctx } }) {
  if (ctx && !ctx.response) say(GONE);
}

// Nobody looks at a page behind others: it waits.
function onRequest(event) {
  if (document.hidden) event.preventDefault();
}

export function startConnection() {
  document.addEventListener("htmx:before:request", onRequest);
  document.addEventListener("htmx:response:error", onRefusal);
  document.addEventListener("htmx:error", onError);
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.response.status < 400) say("");
  });
}
