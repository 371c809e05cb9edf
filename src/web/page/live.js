// Keeps parts of a page up to date. A part names in `data-live` the address of a stream of events:
// "replace" takes the place of what stands in it, "change" that of the children with the same ids, "add" goes on top, and
// at most `data-most` children stay.
// Without this script a page shows what was so when it was asked for.
"use strict";

const controls = document.querySelector("[data-live-controls]");
const parts = [...document.querySelectorAll("[data-live]")];
let paused = false;

/** Whether somebody reads or uses what stands there: then it is left alone. */
function isInUse(part) {
  const chosen = getSelection();
  const isChosen = !chosen.isCollapsed && part.contains(chosen.anchorNode);
  return isChosen || part.contains(document.activeElement);
}

function follow(part) {
  const source = new EventSource(part.dataset.live);
  source.addEventListener("open", () => say("Live"));
  source.addEventListener("error", () => say("Not connected: trying again"));
  source.addEventListener("replace", (event) => {
    if (!isInUse(part)) part.innerHTML = event.data;
  });
  source.addEventListener("change", (event) => {
    for (const child of children(event.data)) {
      const old = document.getElementById(child.id);
      if (old && !isInUse(old)) old.replaceWith(child);
    }
  });
  source.addEventListener("add", (event) => {
    const added = children(event.data);
    part.prepend(...added);
    const most = Number(part.dataset.most ?? 100);
    while (part.childElementCount > most) part.lastElementChild.remove();
    count(added.length);
  });
  return source;
}

/** Elements of a text; rows of a table too. */
function children(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}

let sources = [];
let added = 0;
let telling;

/** Says how many came, and not more often than somebody can listen to. */
function count(more) {
  added += more;
  telling ??= setTimeout(() => {
    say(`Live: ${added} new`);
    telling = undefined;
  }, 3000);
}

function start() {
  if (paused || document.hidden || sources.length) return;
  sources = parts.map(follow);
}

function stop() {
  for (const source of sources) source.close();
  sources = [];
}

let status;

function say(text) {
  if (status && status.textContent !== text) status.textContent = text;
}

if (controls) {
  status = document.createElement("span");
  status.className = "live-status";
  status.setAttribute("role", "status");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Pause";
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Go on" : "Pause";
    if (paused) { stop(); say("Paused"); } else start();
  });
  controls.append(status, button);
}

// Whoever looks at another tab costs the gateway nothing.
document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
start();
