/* Small behaviours of every page. What is too long for here has a module of its own. */

import "./dialogs.js";
import "./live.js";
import "./menus.js";
import "./motion.js";
import "./threads.js";
import "./times.js";
import "./tips.js";
import "./window.js";

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

/* A form that stays on the page after it was sent, as a phone's: empty again, and ready for the next line. */
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-clears-itself]");
  if (!form || !event.detail.successful) return;
  form.reset();
  form.querySelector("input[type=text]")?.focus();
});
