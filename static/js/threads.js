/* A thread stays at its end unless the reader has scrolled up: then it stays where it is, and says how much is new.
   Nothing of this is kept in attributes: a morph would take them away. */

const NEAR_END = 80;
const readingUp = new WeakSet();
const seen = new WeakMap();
const words = document.getElementById("toasts")?.dataset.news ?? "#";

const threads = () => document.querySelectorAll(".thread:not([data-keeps=place])");
const count = (thread) => thread.querySelectorAll(".said").length;
const atEnd = (thread) => thread.scrollHeight - thread.scrollTop - thread.clientHeight < NEAR_END;
const sign = (thread) => thread.querySelector(":scope > .thread-news");

const goToEnd = (thread) => {
  readingUp.delete(thread);
  seen.set(thread, count(thread));
  sign(thread)?.remove();
  thread.scrollTop = thread.scrollHeight;
};

const tell = (thread) => {
  const news = count(thread) - (seen.get(thread) ?? count(thread));
  if (news <= 0) return;
  const button = sign(thread) ?? document.createElement("button");
  button.type = "button";
  button.className = "thread-news";
  button.textContent = words.replace("#", news);
  thread.append(button);
};

const follow = () => {
  for (const thread of threads()) {
    if (readingUp.has(thread)) tell(thread);
    else goToEnd(thread);
  }
};

document.addEventListener(
  "scroll",
  (event) => {
    const thread = event.target;
    if (!thread.matches?.(".thread")) return;
    if (!atEnd(thread)) readingUp.add(thread);
    else if (readingUp.has(thread)) goToEnd(thread);
  },
  true,
);
document.addEventListener("click", (event) => {
  if (event.target.matches?.(".thread-news")) goToEnd(event.target.closest(".thread"));
});
/* Who writes wants to see it. */
document.addEventListener("submit", (event) => {
  const around = event.target.closest(".talk, .phone, .phone-screen");
  for (const thread of around?.querySelectorAll(".thread") ?? []) readingUp.delete(thread);
});
document.addEventListener("htmx:afterSettle", follow);
document.addEventListener("DOMContentLoaded", follow);
follow();

/* From here on a bubble that comes is new, and rises. */
requestAnimationFrame(() => requestAnimationFrame(() => document.documentElement.toggleAttribute("data-alive", true)));
