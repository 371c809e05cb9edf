// Follows the sandbox: whenever something happens the page is asked for again, and what changed in it is put in place.
// What somebody writes, has open or looks at stays. Without this script a page shows what was so when it was asked for.
"use strict";

const inbox = document.querySelector("[data-changes]");
const followed = ["talks", "thread", "presence", "orders"];

/** Makes a list like a fresh one, touching only what differs, so that a screen reader hears what is new and nothing else. */
function update(list, fresh) {
  const known = new Map([...list.children].map((child) => [child.id, child]));
  let before = null;
  for (const child of [...fresh.children]) {
    const old = known.get(child.id);
    known.delete(child.id);
    if (!old) child.classList.add("new");
    const place = old && isSame(old, child) ? old : child;
    if (old && place !== old) keepOpen(old, child);
    if (old && place !== old) old.replaceWith(place);
    const next = before ? before.nextSibling : list.firstChild;
    if (place !== next) list.insertBefore(place, next);
    before = place;
  }
  for (const gone of known.values()) gone.remove();
}

/** Times are said in the reader's own, and details may be open: neither is a difference. */
function isSame(old, fresh) {
  const plain = (element) => {
    const copy = element.cloneNode(true);
    copy.classList.remove("new");
    for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
    for (const time of copy.querySelectorAll("time")) time.textContent = "";
    return copy.outerHTML.replace(' class=""', "");
  };
  return plain(old) === plain(fresh);
}

function keepOpen(old, fresh) {
  for (const details of old.querySelectorAll("details[open]")) {
    fresh.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
  }
}

/** Hours in the reader's own time; the server tells UTC. */
function localise(root) {
  for (const time of root.querySelectorAll("time")) {
    if (/^\d\d:\d\d$/.test(time.textContent)) {
      time.title = `${time.dateTime} (shown in your own time)`;
      time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
    }
  }
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  localise(page);
  for (const id of followed) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (old && fresh && old.innerHTML !== fresh.innerHTML) {
      if (id === "talks" || id === "thread") update(old, fresh);
      else old.innerHTML = fresh.innerHTML;
    }
  }
}

let source;
let work = Promise.resolve();

function follow() {
  if (source || document.hidden) return;
  source = new EventSource(inbox.dataset.changes);
  const next = () => { work = work.then(refresh).catch(() => {}); };
  source.addEventListener("open", next);
  source.addEventListener("change", next);
}

function rest() {
  source?.close();
  source = undefined;
}

// Whoever looks at another tab costs the gateway nothing.
document.addEventListener("visibilitychange", () => (document.hidden ? rest() : follow()));
addEventListener("pagehide", rest);

// Enter sends, as phones do it; with Shift it is a line end. Escape closes what is open.
const text = document.getElementById("text");
text?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    text.form.requestSubmit();
  }
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest?.("details[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

localise(document);
if (inbox) follow();
if (text && !location.hash && matchMedia("(hover: hover)").matches) text.focus({ preventScroll: true });
