/* Small behaviours of every page. What is too long for here has a module of its own. */

import "./dialogs.js";
import "./live.js";
import "./menus.js";
import "./times.js";
import "./tips.js";

/* Filters apply as they are changed; without scripts the button does it. */
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submits-itself]");
  if (form) form.requestSubmit();
});

const grow = (area) => {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight, 160)}px`;
};
document.addEventListener("input", (event) => {
  if (event.target.matches(".composer textarea")) grow(event.target);
});
document.addEventListener("keydown", (event) => {
  if (!(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
  if (event.target.matches(".composer textarea")) event.target.form.requestSubmit();
});

/* A thread stays at its end unless the reader has scrolled up. Not kept in an attribute: a morph would take it away. */
const readingUp = new WeakSet();
const atEnd = (thread) => thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
const toEnd = () => {
  for (const thread of document.querySelectorAll(".thread")) {
    if (thread.dataset.keeps !== "place" && !readingUp.has(thread)) thread.scrollTop = thread.scrollHeight;
  }
};
document.addEventListener(
  "scroll",
  (event) => {
    if (!event.target.matches?.(".thread")) return;
    if (atEnd(event.target)) readingUp.delete(event.target);
    else readingUp.add(event.target);
  },
  true,
);
document.addEventListener("htmx:afterSettle", toEnd);

/* The customer service window: amber under three hours, locked at zero. */
const THREE_HOURS = 3 * 3600 * 1000;
const countDown = () => {
  for (const shown of document.querySelectorAll("[data-window-ends]")) {
    const left = new Date(shown.dataset.windowEnds) - Date.now();
    shown.classList.toggle("is-short", left > 0 && left < THREE_HOURS);
    if (left < 0 && !shown.classList.contains("is-closed")) {
      shown.classList.add("is-closed");
      window.htmx?.trigger(shown, "window-closed");
    }
  }
};
setInterval(countDown, 15000);
document.addEventListener("DOMContentLoaded", () => {
  toEnd();
  countDown();
});
toEnd();
countDown();

/* From here on a bubble that comes is new, and rises. */
requestAnimationFrame(() => requestAnimationFrame(() => document.documentElement.toggleAttribute("data-alive", true)));

/* A form that stays on the page after it was sent, as a phone's: empty again, and ready for the next line. */
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-clears-itself]");
  if (!form || !event.detail.successful) return;
  form.reset();
  form.querySelector("input[type=text]")?.focus();
});
